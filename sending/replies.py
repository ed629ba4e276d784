"""What an SMTP reply means for a delivery: a table of codes and words (D-14, D-32).

An address is called invalid only when the server says so: whatever smells of policy, reputation or
authentication is a block, which says nothing about the address.
"""

import re
from dataclasses import dataclass
from typing import Literal

from sending import bounce_rules, profiles
from sending.feedback import Kind, Reason

Stage = Literal["connect", "mail", "rcpt", "data", "end"]
Status = Literal["delivered", "deferred", "bounced", "failed", "in_doubt"]

# RFC 3463 §2: class.subject.detail, at the start of the text behind the code
_ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")
_SIZE = frozenset({Reason.TOO_LARGE, Reason.EXCEEDED_LIMIT})
_KINDS = {Kind.HARD: "hard", Kind.SOFT: "soft", Kind.BLOCK: "block"}
_OF_THE_ADDRESS = re.compile(r"^5\.(?:1\.|2\.1$)")
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;]+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is S1's: hard, soft, block; size, address; else empty."""

    status: Status
    reason: str = ""


def enhanced(text: str) -> str:
    """The enhanced status code at the head of a reply's text, such as "5.1.1", or ""."""
    found = _ENHANCED.match(text.lstrip())
    return found[0] if found else ""


def is_unauthenticated(code: int, text: str) -> bool:
    """Microsoft's refusal of a whole sender domain: it sees no SPF, DKIM or DMARC that passes (D-64)."""
    return code == 550 and enhanced(text) == "5.7.515"


def classify(code: int, text: str, stage: Stage, profile: str = profiles.DEFAULT) -> Verdict:
    """Reply → verdict, for a reply that did come. A broken reply (a code that is none) is deferred.

    What it means says bounce_rules.py; this adds what the stage tells.
    """
    if 200 <= code < 300 and stage == "end":
        return Verdict("delivered")
    if not 500 <= code < 600:
        return Verdict("deferred")
    status = enhanced(text)
    kind, reason, _ = bounce_rules.classify(code, status, text, profile=profile)
    if reason in _SIZE:
        return Verdict("failed", "size")
    if stage in ("connect", "mail"):
        # it speaks of us, not of the recipient: the same mail may go when the operator has mended it
        return Verdict("deferred")
    if status == "5.6.7":  # RFC 6531 §3.5: an address that this way of delivery cannot carry
        return Verdict("failed", "address")
    if stage != "rcpt" and reason is not Reason.MAILBOX_FULL and not _OF_THE_ADDRESS.match(status):
        # the recipient was taken before: what is refused now is the mail
        return Verdict("bounced", "block")
    return Verdict("bounced", _KINDS.get(kind, "soft"))


def why(code: int, text: str, profile: str = profiles.DEFAULT) -> Reason:
    """The field's word for a refusal, for a delivery's row."""
    return bounce_rules.classify(code, enhanced(text), text, profile=profile)[1]


def shown(text: str) -> str:
    """A reply for our records: one line, at most 300 characters, without anybody's address."""
    return _ADDRESS.sub("…", " ".join(text.split()))[:300]
