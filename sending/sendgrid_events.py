"""SendGrid's event webhook: signed calls of up to some hundred events each.

The signature is ECDSA over P-256 and SHA-256 of the time's digits and the body as it came. `mailer` is the
mark that X-SMTPAPI asked for (feedback_hooks.marks); `smtp-id` is our Message-ID.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from sending import feedback_hooks, hook_events
from sending.feedback import Finding, Kind, Reason
from sending.hook_events import Category, Event, Members, Refused

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
# `dropped`: what SendGrid did not even try, by the beginning of its reason
_DROPPED = (
    ("bounced address", Kind.HARD, Reason.USER_UNKNOWN),
    ("invalid", Kind.HARD, Reason.USER_UNKNOWN),
    ("unsubscribed", Kind.UNSUBSCRIBE, Reason.UNSUBSCRIBE),
    ("spam reporting", Kind.COMPLAINT, Reason.COMPLAINT),
    ("spam content", Kind.BLOCK, Reason.SPAM),
)


def verify(secret: bytes, body: bytes, headers: Mapping[str, str]) -> None:
    """Raises Refused."""
    stamp = headers.get(TIMESTAMP, "")
    key = load_der_public_key(secret)
    if not isinstance(key, EllipticCurvePublicKey) or not (stamp.isascii() and stamp.isdigit()):
        raise Refused("signature")
    try:
        signature = base64.b64decode(headers.get(SIGNATURE, ""), validate=True)
        key.verify(signature, stamp.encode() + body, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        raise Refused("signature") from None
    if len(stamp) > 12:
        raise Refused("late")
    hook_events.check_fresh(datetime.fromtimestamp(int(stamp), UTC))


def read(body: bytes, account_id: int) -> list[Event]:
    """Raises Refused for what is no list; events that say nothing about an address are left out."""
    told = hook_events.read_json(body)
    if not isinstance(told, list):
        raise Refused("unreadable")
    return [found for one in hook_events.items(told) if (found := _event(one, account_id)) is not None]


def _event(one: Members, account_id: int) -> Event | None:
    found = _finding(one)
    if found is None:
        return None
    campaign_id, message_id = feedback_hooks.read_mark(hook_events.text(one, "mailer"), account_id)
    return Event(
        key=hook_events.key_of(
            "sendgrid",
            hook_events.text(one, "event"),
            hook_events.text(one, "sg_event_id") or hook_events.text(one, "sg_message_id"),
            found.recipient,
        ),
        at=hook_events.instant(one, "timestamp"),
        finding=found,
        campaign_id=campaign_id,
        message_id=message_id,
    )


def _finding(one: Members) -> Finding | None:
    recipient = hook_events.text(one, "email", 320)
    message_id = hook_events.message_id(hook_events.text(one, "smtp-id"))
    kind = hook_events.text(one, "event")
    if kind == "delivered":
        return hook_events.delivered(recipient, "sendgrid delivered", message_id=message_id)
    category = _category(kind, one)
    if category is None:
        return None
    words = hook_events.text(one, "reason") if kind == "bounce" else ""
    return hook_events.finding(
        category, recipient, words, enhanced=hook_events.text(one, "status"), message_id=message_id
    )


def _category(kind: str, one: Members) -> Category | None:
    match kind:
        case "bounce" if hook_events.text(one, "type") == "blocked":
            return Category(kind=Kind.BLOCK, reason=Reason.BLOCKED, name="sendgrid blocked")
        case "bounce":
            return Category(kind=Kind.HARD, reason=Reason.USER_UNKNOWN, name="sendgrid bounce")
        case "spamreport":
            return Category(kind=Kind.COMPLAINT, reason=Reason.COMPLAINT, name="sendgrid spamreport")
        case "unsubscribe" | "group_unsubscribe":
            return Category(kind=Kind.UNSUBSCRIBE, reason=Reason.UNSUBSCRIBE, name=f"sendgrid {kind}")
        case "dropped":
            said = hook_events.text(one, "reason").lower()
            for words, meant, reason in _DROPPED:
                if said.startswith(words):
                    return Category(kind=meant, reason=reason, name=f"sendgrid dropped: {words}")
    return None
