"""States and reasons in words (ui 4.2): a code stands beside them, never instead of them."""

import re
from collections.abc import Callable

from mailer.core.text import N_
from tracking.reports import Bounce

STATES = {
    "delivered": N_("Delivered"),
    "bounced": N_("Bounced"),
    "failed": N_("Failed"),
    "skipped": N_("Not sent"),
    "cancelled": N_("Cancelled"),
    "in_doubt": N_("In doubt"),
    "queued": N_("Waiting"),
    "claimed": N_("Waiting"),
    "handing": N_("Being handed over"),
}
REASONS = {
    ("bounced", "hard"): N_("hard bounce"),
    ("bounced", "soft"): N_("soft bounce"),
    ("bounced", "block"): N_("block: the provider refuses the message, the address is good"),
    ("failed", "render"): N_("the message could not be made for this contact"),
    ("failed", "size"): N_("the message is too large for the server"),
    ("failed", "address"): N_("the address cannot be used"),
    ("failed", "expired"): N_("no server took it in almost five days"),
    ("skipped", "unsubscribed"): N_("unsubscribed"),
    ("skipped", "suppressed"): N_("on the suppression list"),
    ("skipped", "deleted"): N_("contact deleted"),
    ("skipped", "restricted"): N_("use restricted"),
    ("skipped", "pending"): N_("awaiting confirmation"),
    ("skipped", "service"): N_("here for service mails only"),
}
KINDS = {"hard": N_("hard bounce"), "soft": N_("soft bounce"), "block": N_("block")}
# RFC 3463 §3: subject and detail; the class is the kind of bounce
_DETAILS = {
    "1.1": N_("address does not exist"),
    "1.2": N_("domain does not exist"),
    "1.3": N_("address is not well formed"),
    "1.10": N_("domain takes no mail"),
    "2.1": N_("mailbox closed"),
    "2.2": N_("mailbox full"),
    "3.4": N_("message too large"),
    "7.1": N_("refused: not wanted by the provider"),
    "7.8": N_("refused: authentication"),
    "7.20": N_("refused: authentication"),
    "7.21": N_("refused: authentication"),
    "7.23": N_("refused: authentication"),
    "7.25": N_("refused: the server's name"),
    "7.26": N_("refused: authentication"),
    "7.27": N_("refused: authentication"),
    "7.28": N_("refused: too many messages"),
}
_ENHANCED = re.compile(r"\b[245]\.(\d{1,3}\.\d{1,3})\b")
# where servers gave no reason that is known (lists.decisions says it of one person)
_NO_REASON = {
    "hard": N_("refused for good, no reason known"),
    "soft": N_("refused for now, no reason known"),
    "block": N_("refused by the provider, no reason known"),
}
# what the recipients' page offers (lists.departures)
DEPARTURES = {
    "": N_("no reason given"),
    "too_many": N_("too many e-mails"),
    "not_interesting": N_("not interesting"),
    "never_asked": N_("I never asked for this"),
    "other": N_("other"),
}


def bounce(one: Bounce, known: Callable[[str], str]) -> str:
    """A msgid. `known`: as in `providers.Words`."""
    return known(one.bounce_reason) or _NO_REASON[kinds(one)[0][0]]


def kinds(one: Bounce) -> list[tuple[str, int]]:
    """Those that it was, the commonest first."""
    found = [("hard", one.hard), ("soft", one.soft), ("block", one.block)]
    return sorted((kind for kind in found if kind[1]), key=lambda kind: -kind[1]) or [("block", one.count)]


def answer(reply: str) -> str:
    """A msgid for what a server said, by its enhanced code alone; "" when that tells nothing."""
    found = _ENHANCED.search(reply)
    return _DETAILS.get(found[1], "") if found else ""


def part(status: str, reason: str) -> str:
    """A msgid for a reason, or ""."""
    return REASONS.get((status, reason), "")
