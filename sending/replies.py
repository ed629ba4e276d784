"""What an SMTP reply means for a delivery: a table of codes and words (D-14, D-32).

An address is called invalid only when the server says so: whatever smells of policy, reputation or
authentication is a block, which says nothing about the address.
"""

import re
from dataclasses import dataclass
from typing import Literal

from sending import profiles

Stage = Literal["connect", "mail", "rcpt", "data", "end"]
Status = Literal["delivered", "deferred", "bounced", "failed", "in_doubt"]

# RFC 3463 §2: class.subject.detail, at the start of the text behind the code
_ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")
# no such mailbox, no such domain, mailbox disabled (D-32; 5.1.10 is RFC 7505, a null MX)
_HARD = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
_SIZE = frozenset({"3.4", "2.3"})  # RFC 3463 §3.4: message too big for system; §3.3: exceeds limit
# OFR_… is Orange's, LPN007_510 La Poste's; the rest is what lists and filters write
_POLICY = re.compile(
    r"\bOFR_?\w*|\bLPN\d|spam|black ?list|block ?list|deny ?list|reputation|\bpolicy|polic(?:y|ies) reasons"
    r"|dmarc|\bspf\b|dkim|unsolicited|\babuse|\bbanned|\bblocked|unauthenticated|not authori[sz]ed"
    r"|authentication|relay(?:ing)? (?:access )?denied|access denied|reject(?:ed)? by|suspicious|virus",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"(?:user|recipient|mailbox|account|address|destinataire)[^.]{0,40}"
    r"(?:unknown|not (?:found|exist)|does(?: not|n't) exist|unavailable|disabled|inconnu|invalid|not valid)"
    r"|(?:unknown|no such|invalid|non-?existent) (?:user|recipient|mailbox|account|address|domain)"
    r"|no mailbox|bad destination",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"mailbox (?:is )?full|over ?quota|quota exceeded|exceeded storage|bo.te pleine", re.IGNORECASE
)
_TOO_BIG = re.compile(
    r"message (?:size|too (?:big|large))|size limit|exceeds? (?:the )?(?:maximum|fixed)", re.IGNORECASE
)
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

    What `profile` knows of its provider's wording goes before the general table.
    """
    if 200 <= code < 300 and stage == "end":
        return Verdict("delivered")
    if not 500 <= code < 600:
        return Verdict("deferred")
    detail = enhanced(text)[2:]
    if detail in _SIZE or (not detail and _TOO_BIG.search(text)):
        return Verdict("failed", "size")
    if stage in ("connect", "mail"):
        # it speaks of us, not of the recipient: the same mail may go when the operator has mended it
        return Verdict("deferred")
    rule = profiles.read(profile, code, text)
    if rule is not None:
        return Verdict("bounced", "hard" if rule.means == "bad_address" else "block")
    if detail.startswith("7.") or _POLICY.search(text):
        return Verdict("bounced", "block")
    if detail in _HARD:
        return Verdict("bounced", "hard")
    if detail == "2.2" or (code == 552 and not detail) or _FULL.search(text):
        return Verdict("bounced", "soft")
    if detail == "6.7":  # RFC 6531 §3.5: an address that this way of delivery cannot carry
        return Verdict("failed", "address")
    if detail.startswith("6."):
        return Verdict("bounced", "block")
    if stage == "rcpt" and code in (550, 551, 553) and _UNKNOWN.search(text):
        return Verdict("bounced", "hard")
    return Verdict("bounced", "soft" if stage == "rcpt" else "block")


def shown(text: str) -> str:
    """A reply for our records: one line, at most 300 characters, without anybody's address."""
    return _ADDRESS.sub("…", " ".join(text.split()))[:300]
