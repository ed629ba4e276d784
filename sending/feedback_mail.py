"""A raw mail that came back → findings, one for each recipient it speaks of (RFC 3464, RFC 5965)."""

import email
import email.policy
import re
from email.message import Message

from sending import bounce_rules
from sending.feedback import Finding, Kind, Reason

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_CODE = re.compile(r"\b([245]\d\d)\b")
_NOTHING = Finding(kind=Kind.UNKNOWN, reason=Reason.UNDEFINED, rule="no report")


def explain(raw: bytes) -> list[Finding]:
    """At least one; never raises."""
    try:
        mail = email.message_from_bytes(raw, policy=email.policy.compat32)
        return _read(mail) or [_NOTHING]
    except Exception:
        return [_NOTHING]


def _read(mail: Message) -> list[Finding]:
    message_id = ""
    reports: list[Message] = []
    complaint: Message | None = None
    for part in mail.walk():
        match part.get_content_type():
            case "message/delivery-status":
                held = part.get_payload()
                reports += [one for one in held if isinstance(one, Message)] if isinstance(held, list) else []
            case "message/feedback-report":
                held = part.get_payload()
                complaint = held[0] if isinstance(held, list) and isinstance(held[0], Message) else part
            case "text/rfc822-headers":
                held = part.get_payload(decode=True)
                told = email.message_from_bytes(held if isinstance(held, bytes) else b"")
                message_id = message_id or str(told.get("Message-ID", ""))
            case _ if part is not mail and part.get("Message-ID"):
                message_id = message_id or str(part["Message-ID"])
    message_id = message_id.strip().strip("<>")
    if complaint is not None:
        recipient = str(complaint.get("Original-Rcpt-To", "")).strip("<> ")
        return [
            Finding(
                kind=Kind.COMPLAINT,
                reason=Reason.COMPLAINT,
                rule="feedback report",
                recipient=recipient,
                message_id=message_id,
            )
        ]
    return [found for one in reports if (found := _recipient(one, message_id)) is not None]


def _recipient(one: Message, message_id: str) -> Finding | None:
    told = str(one.get("Final-Recipient", "") or one.get("Original-Recipient", ""))
    status = _STATUS.search(str(one.get("Status", "")))
    if not told or status is None:
        return None
    recipient = told.partition(";")[2].strip().strip("<>")
    text = str(one.get("Diagnostic-Code", "")).partition(";")[2].strip()
    code = _CODE.search(text)
    action = str(one.get("Action", "")).strip().lower()
    number = int(code[1]) if code else 0
    kind, reason, rule = bounce_rules.classify(number, status[0], text)
    if action in ("delivered", "relayed", "expanded"):
        kind, reason, rule = Kind.UNKNOWN, Reason.DELIVERED, f"action {action}"
    return Finding(
        kind=kind,
        reason=reason,
        rule=rule,
        recipient=recipient,
        code=number,
        enhanced=status[0],
        text=text[:300],
        message_id=message_id,
    )
