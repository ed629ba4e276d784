"""Enhanced code and text → kind and reason: one classifier for replies, reports and webhooks (D-32)."""

import re

from sending.feedback import Kind, Reason

_HARD = {
    "1.1": Reason.USER_UNKNOWN,
    "1.2": Reason.HOST_UNKNOWN,
    "1.3": Reason.USER_UNKNOWN,
    "1.6": Reason.HAS_MOVED,
    "1.10": Reason.NO_MAIL_ACCEPTED,
    "2.1": Reason.SUSPENDED,
}
_WORDS = (
    (re.compile(r"spam|junk|unsolicited", re.IGNORECASE), Kind.BLOCK, Reason.SPAM),
    (re.compile(r"reputation", re.IGNORECASE), Kind.BLOCK, Reason.BAD_REPUTATION),
    (re.compile(r"dmarc|\bspf\b|dkim|authenticat", re.IGNORECASE), Kind.BLOCK, Reason.AUTH_FAILURE),
    (re.compile(r"block|black ?list|banned", re.IGNORECASE), Kind.BLOCK, Reason.BLOCKED),
    (re.compile(r"polic(?:y|ies)", re.IGNORECASE), Kind.BLOCK, Reason.POLICY),
    (re.compile(r"mailbox (?:is )?full|over ?quota|quota", re.IGNORECASE), Kind.SOFT, Reason.MAILBOX_FULL),
    (
        re.compile(
            r"(?:user|recipient|mailbox|account|address)[^.]{0,40}(?:unknown|not exist|invalid)|no such",
            re.IGNORECASE,
        ),
        Kind.HARD,
        Reason.USER_UNKNOWN,
    ),
)


def classify(code: int, enhanced: str, text: str, *, profile: str = "default") -> tuple[Kind, Reason, str]:
    """Kind, reason and the rule's name."""
    detail = enhanced[2:]
    final = enhanced.startswith("5") or (not enhanced and 500 <= code < 600)
    if detail.startswith("7."):
        return Kind.BLOCK, Reason.POLICY, "x.7"
    if final and detail in _HARD:
        return Kind.HARD, _HARD[detail], f"5.{detail}"
    if detail == "2.2":
        return Kind.SOFT, Reason.MAILBOX_FULL, "x.2.2"
    if detail in ("3.4", "2.3"):
        return Kind.BLOCK, Reason.TOO_LARGE, f"x.{detail}"
    for words, kind, reason in _WORDS:
        if words.search(text) and (final or kind is not Kind.HARD):
            return kind, reason, f"words:{reason.value}"
    return Kind.SOFT, Reason.UNDEFINED, "default"
