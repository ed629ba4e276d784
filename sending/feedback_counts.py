"""How much came back, by day, kind, reason and provider: figures of an account's health, nobody in them.

smtp      a reply while handing over      claims
mail      a report by mail                the inbound listener, IMAP
webhook   a provider's event              public_hooks
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from mailer.core.db import AccountTx
from sending.feedback import Kind, Reason

Source = Literal["smtp", "mail", "webhook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One piece of feedback. `profile`: the recipient's provider (profiles.toml)."""

    kind: Kind
    reason: Reason
    profile: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """So many of a kind and reason at one provider."""

    kind: str
    reason: str
    profile: str
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """So many of a kind on one day."""

    day: date
    kind: str
    n: int


async def add(tx: AccountTx, told: Iterable[Told], source: Source) -> None:
    """To be called in the transaction that makes each of them act, once."""
    counted = Counter((one.at.date(), one.kind.value, one.reason.value, one.profile) for one in told)
    # in one order for all, so that two workers never wait for each other in a circle
    rows = sorted(counted.items())
    await tx.run(
        """
        INSERT INTO feedback_counts AS f (account_id, day, kind, reason, profile, source, n)
        SELECT $1, c.day, c.kind, c.reason, c.profile, $7, c.n
        FROM unnest($2::date[], $3::text[], $4::text[], $5::text[], $6::bigint[])
             WITH ORDINALITY AS c (day, kind, reason, profile, n, place)
        ORDER BY c.place
        ON CONFLICT (account_id, day, kind, reason, profile, source) DO UPDATE
        SET n = f.n + excluded.n
        """,
        [key[0] for key, _ in rows],
        [key[1] for key, _ in rows],
        [key[2] for key, _ in rows],
        [key[3] for key, _ in rows],
        [n for _, n in rows],
        source,
    )


async def over(tx: AccountTx, since: date, until: date) -> list[Count]:
    """Of the days from `since` to `until`, both included, the most frequent first."""
    return await tx.many(
        Count,
        """
        SELECT kind, reason, profile, sum(n)::bigint AS n
        FROM feedback_counts
        WHERE account_id = $1 AND day BETWEEN $2 AND $3
        GROUP BY kind, reason, profile
        ORDER BY sum(n) DESC, kind, reason, profile
        """,
        since,
        until,
    )


async def by_day(tx: AccountTx, since: date, until: date) -> list[DayCount]:
    """The same days for a chart; a day on which nothing came back has no row."""
    return await tx.many(
        DayCount,
        """
        SELECT day, kind, sum(n)::bigint AS n
        FROM feedback_counts
        WHERE account_id = $1 AND day BETWEEN $2 AND $3
        GROUP BY day, kind
        ORDER BY day, kind
        """,
        since,
        until,
    )
