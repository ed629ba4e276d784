"""Postmark's webhooks: one event a call, with the password of the address (HTTP Basic); it signs nothing.

`Metadata.mailer` is the mark of the header X-PM-Metadata-mailer (feedback_hooks.marks).
"""

import base64
import binascii
import hmac
from collections.abc import Mapping

from sending import feedback_hooks, hook_events
from sending.feedback import Finding, Kind, Reason
from sending.hook_events import Category, Event, Members, Refused

# Type of a Bounce; what is not named here speaks of no address
_TYPES = {
    "HardBounce": (Kind.HARD, Reason.USER_UNKNOWN),
    "BadEmailAddress": (Kind.HARD, Reason.USER_UNKNOWN),
    "AddressChange": (Kind.HARD, Reason.HAS_MOVED),
    "DnsError": (Kind.SOFT, Reason.HOST_UNKNOWN),
    "SoftBounce": (Kind.SOFT, Reason.UNDEFINED),
    "Transient": (Kind.SOFT, Reason.NETWORK),
    "Undeliverable": (Kind.SOFT, Reason.UNDEFINED),
    "Unknown": (Kind.SOFT, Reason.UNDEFINED),
    "Blocked": (Kind.BLOCK, Reason.BLOCKED),
    "SpamNotification": (Kind.BLOCK, Reason.SPAM),
    "VirusNotification": (Kind.BLOCK, Reason.VIRUS),
    "ChallengeVerification": (Kind.AUTO_REPLY, Reason.AUTO_REPLY),
    "DMARCPolicy": (Kind.BLOCK, Reason.AUTH_FAILURE),
    "AutoResponder": (Kind.AUTO_REPLY, Reason.AUTO_REPLY),
    "SpamComplaint": (Kind.COMPLAINT, Reason.COMPLAINT),
    "Unsubscribe": (Kind.UNSUBSCRIBE, Reason.UNSUBSCRIBE),
}
# SuppressionReason of a SubscriptionChange
_SUPPRESSED = {
    "HardBounce": (Kind.HARD, Reason.USER_UNKNOWN),
    "SpamComplaint": (Kind.COMPLAINT, Reason.COMPLAINT),
    "ManualSuppression": (Kind.UNSUBSCRIBE, Reason.UNSUBSCRIBE),
}


def verify(secret: bytes, headers: Mapping[str, str]) -> None:
    """Raises Refused."""
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    try:
        plain = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        plain = b""
    if scheme.lower() != "basic" or not hmac.compare_digest(
        plain, feedback_hooks.USER.encode() + b":" + secret
    ):
        raise Refused("password")


def read(body: bytes, account_id: int) -> list[Event]:
    """Raises Refused for what is no object; records that say nothing about an address give none."""
    one = hook_events.read_json(body)
    if not isinstance(one, dict):
        raise Refused("unreadable")
    found, at = _finding(one)
    if found is None:
        return []
    mark = hook_events.text(hook_events.members(one.get("Metadata")), "mailer")
    campaign_id, message_id = feedback_hooks.read_mark(mark, account_id)
    return [
        Event(
            key=hook_events.key_of(
                "postmark",
                hook_events.text(one, "RecordType"),
                hook_events.text(one, "ID"),
                hook_events.text(one, "MessageID"),
                hook_events.text(one, at),
                found.recipient,
            ),
            at=hook_events.instant(one, at),
            finding=found,
            campaign_id=campaign_id,
            message_id=message_id,
        )
    ]


def _finding(one: Members) -> tuple[Finding | None, str]:
    """And the member that holds its time."""
    match hook_events.text(one, "RecordType"):
        case "Delivery":
            recipient = hook_events.text(one, "Recipient", 320)
            return hook_events.delivered(recipient, "postmark delivery"), "DeliveredAt"
        case "Bounce" | "SpamComplaint" as record:
            kind = hook_events.text(one, "Type") or record
            if kind not in _TYPES:
                return None, ""
            meant, reason = _TYPES[kind]
            category = Category(kind=meant, reason=reason, name=f"postmark {kind}")
            words = hook_events.text(one, "Details")
            return hook_events.finding(category, hook_events.text(one, "Email", 320), words), "BouncedAt"
        case "SubscriptionChange" if one.get("SuppressSending") is True:
            kind = hook_events.text(one, "SuppressionReason")
            if kind not in _SUPPRESSED:
                return None, ""
            meant, reason = _SUPPRESSED[kind]
            category = Category(kind=meant, reason=reason, name=f"postmark suppressed {kind}")
            return hook_events.finding(category, hook_events.text(one, "Recipient", 320), ""), "ChangedAt"
    return None, ""
