"""A raw mail that came back → what it says, one finding for each recipient (RFC 3464, RFC 5965, RFC 3834)."""

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import Message

from sending import bounce_rules
from sending.feedback import Finding, Kind, Reason

_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_CODE = re.compile(r"\b([245]\d\d)[ -]")
_ID = re.compile(r"<([^<>\s]{3,300})>")


def explain(raw: bytes) -> list[Finding]:
    """Never raises, and finds at least one thing to say."""
    try:
        mail = email.message_from_bytes(raw, policy=email.policy.compat32)
        return list(_findings(mail)) or [_unknown("nothing known")]
    except Exception:
        return [_unknown("cannot be read")]


def _unknown(rule: str) -> Finding:
    return Finding(kind=Kind.UNKNOWN, reason=Reason.UNDEFINED, rule=rule)


def _findings(mail: Message) -> Iterator[Finding]:
    parts = list(mail.walk())
    about = _about(parts)
    for part in parts:
        match part.get_content_type():
            case "message/feedback-report":
                yield Finding(
                    kind=Kind.COMPLAINT,
                    reason=Reason.COMPLAINT,
                    rule="feedback report",
                    recipient=_field(_text(part), "Original-Rcpt-To"),
                    message_id=about,
                )
                return
            case "message/delivery-status" | "message/global-delivery-status":
                yield from _statuses(_text(part), about)
                return
    told = str(mail.get("Auto-Submitted", "no")).lower()
    if told.split(";")[0].strip() not in ("", "no") or mail.get("X-Autoreply"):
        yield Finding(kind=Kind.AUTO_REPLY, reason=Reason.AUTO_REPLY, rule="Auto-Submitted", message_id=about)


def _statuses(text: str, about: str) -> Iterator[Finding]:
    for block in re.split(r"\n\s*\n", text):
        action, status = _field(block, "Action").lower(), _field(block, "Status")
        recipient = (_field(block, "Original-Recipient") or _field(block, "Final-Recipient")).rpartition(";")[
            2
        ]
        if not (action or status) or not recipient:
            continue
        said = _field(block, "Diagnostic-Code").partition(";")[2].strip()
        found = _ENHANCED.search(status) or _ENHANCED.search(said)
        enhanced, code = found[1] if found else "", _CODE.search(f"{said} ")
        if action in ("delivered", "relayed", "expanded"):
            kind, reason, rule = Kind.UNKNOWN, Reason.DELIVERED, f"action {action}"
        else:
            kind, reason, rule = bounce_rules.classify(int(code[1]) if code else 0, enhanced, said)
        yield Finding(
            kind=kind,
            reason=reason,
            rule=rule,
            recipient=recipient.strip(),
            code=int(code[1]) if code else 0,
            enhanced=enhanced,
            text=" ".join(said.split())[:500],
            message_id=about,
        )


def _text(part: Message) -> str:
    """`message/delivery-status` comes parsed into blocks of fields."""
    inner = part.get_payload()
    if isinstance(inner, list):
        return "\n\n".join(str(one) for one in inner)
    return str(inner)


def _field(text: str, name: str) -> str:
    found = re.search(rf"(?im)^{name}:[ \t]*(.*(?:\n[ \t]+.*)*)", text.replace("\r\n", "\n"))
    return " ".join(found[1].split()) if found else ""


def _about(parts: list[Message]) -> str:
    """Message-ID of the mail that was returned, or ""."""
    for part in parts[1:]:
        text = str(part.get("Message-ID", "")) or (
            _field(_text(part), "Message-ID") if part.get_content_type() == "text/rfc822-headers" else ""
        )
        found = _ID.search(text)
        if found:
            return found[1]
    return ""
