"""The periods, and nothing else says them. Each is a span from a start, with the text that asks for it."""

from dataclasses import dataclass
from datetime import timedelta

from mailer.core.text import N_

CONTENT = timedelta(days=6)  # 6 × 24 h after the last attempt
UNDO = timedelta(days=7)  # of an import, from its end
KEY_LIVES = timedelta(hours=24)  # E-61
STATISTICS_MONTHS = 13  # calendar months
CLOSED_MONTHS = 3
CERTIFICATE_MONTHS = 60  # as long as somebody may have to prove the erasure (C. civ. art. 2224)
LOG_MONTHS = 12  # A-007, B-60
UNCONFIRMED = timedelta(days=30)  # B-26
INACTIVE_MONTHS = 36  # B-27: from a person's last sign
PROOF_IP_MONTHS = 12  # B-25: long enough to answer a complaint
CHANGES = timedelta(days=30)  # of the feed of contact changes
SEEN = timedelta(days=30)  # fingerprints of reports, longer than anybody tells one again
SOFT_BOUNCE_MONTHS = 6  # three half-lives: an eighth of a bounce is left (sending/soft_bounces.py)
SMALLEST_CELL = 10


@dataclass(frozen=True, slots=True)
class Policy:
    """A row of the retention page. `rule` is the name under which passes are noted."""

    rule: str
    what: str
    period: str
    start: str


POLICIES = (
    Policy(
        "content",
        N_("Sent content, transactional messages, test sends and web versions"),
        N_("6 days"),
        N_("the last attempt"),
    ),
    Policy("content", N_("Replies and reports that nobody recognised"), N_("6 days"), N_("their arrival")),
    Policy("files", N_("Uploaded files, error files and exports"), N_("6 days at most"), N_("the upload")),
    Policy("events", N_("Opens and clicks"), N_("13 months"), N_("the event")),
    Policy("open_days", N_("Days of last opens, where only these are kept"), N_("13 months"), N_("the open")),
    Policy("deliveries", N_("Deliveries"), N_("13 months"), N_("the last attempt")),
    Policy(
        "feedback", N_("Temporary failures counted against an address"), N_("6 months"), N_("the failure")
    ),
    Policy("unconfirmed", N_("Subscriptions never confirmed"), N_("30 days"), N_("the request")),
    Policy(
        "inactive",
        N_("Contacts of whom nothing is heard"),
        N_("3 years, then what you chose"),
        N_("the person's last sign, never an open"),
    ),
    Policy(
        "proofs", N_("IP addresses kept as proof of a confirmation"), N_("12 months"), N_("the confirmation")
    ),
    Policy("webhooks", N_("Webhooks: what was sent, and what was answered"), N_("6 days"), N_("the event")),
    Policy("changes", N_("Feed of contact changes for programs"), N_("30 days"), N_("the change")),
    Policy("log", N_("Journal of actions"), N_("12 months"), N_("the action")),
)
