"""Person, machine or unknown: a verdict from kept signals alone, so that new rules can judge old hits (D-91).

A client that says what it is, and a request for headers alone, are taken at their word. Everything else is
a hint: hints add up, and no hint makes a machine by itself (D-92). What each weighs, and how often it errs,
is in deploy/docs/tracking-verdicts.md.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from tracking.bots import Agent

RULES = 2
"""D-91: stands in each event. Raise it with any change below, and events are judged anew by themselves."""

MACHINE, UNKNOWN = 4, 2
LINKS, MANY_LINKS = 3, 5
NETWORKS = 3
CROWD = 10
PROOF = 3
DELAYS = {"at_once": 3, "minute": 2}
SECONDS = {"at_once": 5, "minute": 60, "hour": 3600}
"""Classes of the time since our SMTP server took the mail (S21); beyond: later."""


class Signals(NamedTuple):
    """What is kept of a hit for 13 months (S21). `rules` is not of them: it says who judged.

    `delay`: class of the time since our server's 250. `burst`: different links of the mail within ten
    seconds. `networks`: different ones within two minutes. `crowd`: mail domains of those whom the same
    network asked for within ten minutes, from CROWD on. `leave`: the page to unsubscribe within a minute.
    `post`: a form was sent soon.
    """

    agent: str
    delay: str
    head: bool = False
    burst: int = 0
    networks: int = 0
    crowd: int = 0
    leave: bool = False
    post: bool = False


@lru_cache(maxsize=4096)
def verdict(signals: Signals) -> str:
    if signals.head or signals.agent != Agent.BROWSER:
        return "machine"
    points = score(signals)
    return "machine" if points >= MACHINE else "unknown" if points >= UNKNOWN else "person"


def score(signals: Signals) -> int:
    """Of the hints; below zero: a person, proved by a form."""
    points = DELAYS.get(signals.delay, 0)
    if signals.burst >= LINKS:
        points += 3 if signals.burst >= MANY_LINKS else 2
    points += 2 * (signals.networks >= NETWORKS)
    points += signals.crowd >= CROWD
    # who sends the form on the page to unsubscribe came there to leave
    points += 2 * (signals.leave and not signals.post)
    return points - PROOF * signals.post


def points() -> dict[str, int]:
    """What each hint weighs, by name, for the page that tells the rules."""
    calm = Signals(Agent.BROWSER, "later")
    hints = {
        "at_once": calm._replace(delay="at_once"),
        "minute": calm._replace(delay="minute"),
        "links": calm._replace(burst=LINKS),
        "many_links": calm._replace(burst=MANY_LINKS),
        "networks": calm._replace(networks=NETWORKS),
        "crowd": calm._replace(crowd=CROWD),
        "leave": calm._replace(leave=True),
    }
    return {name: score(signals) for name, signals in hints.items()}


def read(kept: Mapping[str, object]) -> Signals:
    """From an event's column; what is not there was not seen."""

    def number(name: str) -> int:
        value = kept.get(name, 0)
        return value if type(value) is int else 0

    return Signals(
        agent=str(kept.get("agent", Agent.NONE)),
        delay=str(kept.get("delay", "later")),
        head=kept.get("head") is True,
        burst=number("burst"),
        networks=number("networks"),
        crowd=number("crowd"),
        leave=kept.get("leave") is True,
        post=kept.get("post") is True,
    )


@lru_cache(maxsize=4096)
def write(signals: Signals) -> str:
    """JSON for the column: what was not seen is left out."""
    words = [f'"agent":"{signals.agent}"', f'"delay":"{signals.delay}"', f'"rules":{RULES}']
    for name in ("burst", "networks", "crowd"):
        number = getattr(signals, name)
        if number > 1:
            words.append(f'"{name}":{number}')
    words += [f'"{name}":true' for name in ("head", "leave", "post") if getattr(signals, name)]
    return "{" + ",".join(words) + "}"
