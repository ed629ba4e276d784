"""May this mail measure its recipient, and how? One answer for every way of sending (B-42).

    opens    off · last_day (B-33) · aggregate (B-34) · individual, those who said yes (B-30, B-36)
    clicks   off · individual, those who said yes (B-35)

Opens and clicks are two consents, asked for apart. Without an answer, or after a no, nobody is measured
individually; after a no the mail holds no image at all. Only a campaign measures: a test, a preview, a web
version, a mail of the product's own and a program's message are not sent to learn anything (A-069, A-101).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Literal

GRANTED = "granted"
DENIED = "denied"
SERVICE = "service"
STATES = ("unknown", GRANTED, DENIED)
Opens = Literal["off", "last_day", "aggregate", "individual"]
Clicks = Literal["off", "individual"]
Pixel = Literal["", "individual", "last_day", "aggregate"]


class Path(StrEnum):
    """Ways a mail leaves, or is looked at. A repeated, split or automatic campaign is a campaign."""

    CAMPAIGN = "campaign"
    TEST = "test"
    PREVIEW = "preview"
    WEB_VERSION = "web_version"
    TRANSACTIONAL = "transactional"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Modes:
    """What the account has chosen, as it holds for a mail."""

    opens: str
    clicks: str


OFF = Modes("off", "off")
INDIVIDUAL = Modes("individual", "individual")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A mail before its recipient is known. `way_out`: it links to where measurement is stopped (B-40)."""

    path: Path
    kind: str
    modes: Modes
    way_out: bool


@dataclass(frozen=True, slots=True)
class Tracking:
    """`opens`, `clicks`: this person is measured. `pixel`: the image that the mail holds, if any."""

    opens: bool
    clicks: bool
    pixel: Pixel = ""


UNTRACKED = Tracking(opens=False, clicks=False)
Policy = Mapping[tuple[str, str, bool], Tracking]


def decide(sending: Sending, opens: str, clicks: str, *, requested: bool) -> Tracking:
    """From contacts.opens and contacts.clicks. `requested`: the person asked for this mail (B-33)."""
    if sending.path is not Path.CAMPAIGN:
        return UNTRACKED
    service = sending.kind == SERVICE
    # B-32: service mail measures nobody; B-40: nor does a mail without its way out
    may_follow = sending.way_out and not service
    pixel: Pixel = ""
    match sending.modes.opens:
        case "individual" if may_follow and opens == GRANTED:
            pixel = "individual"
        case "last_day" if (service or requested) and opens in STATES and opens != DENIED:
            pixel = "last_day"
        case "aggregate" if not service and opens in STATES and opens != DENIED:
            pixel = "aggregate"
    return Tracking(
        opens=pixel == "individual",
        clicks=sending.modes.clicks == "individual" and may_follow and clicks == GRANTED,
        pixel=pixel,
    )


def policy(sending: Sending) -> Policy:
    """The answers for everybody, made once: a mail costs one look into a table."""
    return {
        (opens, clicks, requested): decide(sending, opens, clicks, requested=requested)
        for opens, clicks, requested in product(STATES, STATES, (False, True))
    }


NOBODY: Policy = {}


def effective(sending: Sending) -> Modes:
    """What of the modes can measure anybody in this mail: a campaign keeps it, and its report names it."""
    answers = policy(sending).values()
    return Modes(
        sending.modes.opens if any(one.pixel for one in answers) else "off",
        sending.modes.clicks if any(one.clicks for one in answers) else "off",
    )
