"""May this mail measure its recipient? One answer for every way of sending (B-42).

Opens and clicks are two consents, asked for apart (B-30, B-31, B-35). Without an answer nothing is measured
(B-36), and a service message never measures: it is not sent to learn anything (B-32).
"""

from dataclasses import dataclass

GRANTED = "granted"
SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Tracking:
    """`opens`: the mail carries the pixel. `clicks`: its links go by our redirect."""

    opens: bool
    clicks: bool


UNTRACKED = Tracking(opens=False, clicks=False)


def tracked(opens_state: str, clicks_state: str, campaign_kind: str) -> Tracking:
    """From contacts.opens and contacts.clicks (unknown, granted, denied) and campaigns.kind."""
    if campaign_kind == SERVICE:
        return UNTRACKED
    return Tracking(opens=opens_state == GRANTED, clicks=clicks_state == GRANTED)
