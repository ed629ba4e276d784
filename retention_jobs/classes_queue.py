"""What Valkey holds, by class of its keys: how long at most, and what it knows of people.

A key that expires needs nobody to forget it; a stream is trimmed by its own job. `queue_keys` counts them.
"""

import re
from dataclasses import dataclass, field

from retention_jobs.periods import Period, days, hours


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueClass:
    """`kept` None: it stays, and holds nothing of anybody. `stream`: its entries age, not the key."""

    what: str
    keys: re.Pattern[bytes] = field(repr=False)
    kept: Period | None
    stream: bool = False


OF_QUEUE: dict[str, QueueClass] = {
    "hits": QueueClass(
        what="opens and clicks on their way to the database",
        keys=re.compile(rb"mailer:events"),
        kept=hours(24),
        stream=True,
    ),
    "departures": QueueClass(
        what="who left, by number and fingerprint, for a database put back",
        keys=re.compile(rb"mailer:departures"),
        kept=days(35),
        stream=True,
    ),
    "networks": QueueClass(
        what="the day's key of hashed networks", keys=re.compile(rb"mailer:network-key:.+"), kept=hours(24)
    ),
    "rates": QueueClass(
        what="requests counted by address, person or account",
        # the counter's two windows, of a day at most each
        keys=re.compile(rb"\{?LIMITS[:/].+", re.S),
        kept=hours(48),
    ),
    "forms": QueueClass(
        what="forms sent just now, against a second press", keys=re.compile(rb"form:.+", re.S), kept=hours(1)
    ),
    "paces": QueueClass(
        what="how fast providers take mail", keys=re.compile(rb"pace:.+", re.S), kept=days(31)
    ),
    "jobs": QueueClass(
        what="jobs by their number",
        keys=re.compile(rb"arq:(job|in-progress|retry|result):.+|mailer:\w+:health-check", re.S),
        kept=hours(25),
    ),
    "queues": QueueClass(
        what="numbers of jobs in their order, marks of the database",
        keys=re.compile(rb"mailer:(queue|urgent|waits|tick|marks)|arq:abort"),
        kept=None,
    ),
}
OTHERS = "others"
"""Keys of no class: another program's, or one that somebody forgot to class."""
