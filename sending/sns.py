"""Messages of Amazon SNS: what is signed in them, with which certificate, and confirming a subscription.

    body ─▶ Message ─▶ topic is ours ─▶ certificate (sns_certificates.py) ─▶ signature ─▶ believed

Signature version 1 is RSA over SHA-1, 2 over SHA-256; a topic is on 1 until its owner sets it to 2.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from mailer.core.settings import Settings
from sending import fence, hook_events, pinned_https, sns_certificates
from sending.hook_events import Members, Refused
from sending.sns_certificates import Ask, Unreachable

# what is signed, in this order; `Subject` only where there is one
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}


@dataclass(frozen=True, slots=True)
class Message:
    """`kind`: Notification, SubscriptionConfirmation or UnsubscribeConfirmation. Nothing is believed yet."""

    kind: str
    members: Members

    def text(self, name: str) -> str:
        found = self.members.get(name)
        return found if isinstance(found, str) else ""


def read(body: bytes) -> Message:
    """Raises Refused."""
    found = hook_events.members(hook_events.read_json(body))
    kind = found.get("Type")
    if not isinstance(kind, str) or kind not in _SIGNED:
        raise Refused("unreadable" if "Signature" in found else "raw")
    return Message(kind, found)


def signed_text(message: Message) -> bytes:
    """Names and values in turn, each on a line."""
    present = [name for name in _SIGNED[message.kind] if isinstance(message.members.get(name), str)]
    return "".join(f"{name}\n{message.text(name)}\n" for name in present).encode()


async def verify(message: Message, topic: str, settings: Settings, ask: Ask) -> datetime:
    """When Amazon signed it. Raises Refused, and Unreachable when the certificate cannot be had now.

    What costs a connection comes last: whoever knows the address could have us call Amazon otherwise.
    """
    if message.text("TopicArn") != topic:
        raise Refused("topic")
    digest = {"1": SHA1, "2": SHA256}.get(message.text("SignatureVersion"))
    url = message.text("SigningCertURL")
    if digest is None or not _is_ours(url, topic, _is_certificate):
        raise Refused("signature")
    try:
        signature = base64.b64decode(message.text("Signature"), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("signature") from None
    at = _signed_at(message)
    key = await sns_certificates.get(url, topic, settings, ask)
    try:
        key.verify(signature, signed_text(message), PKCS1v15(), digest())
    except InvalidSignature:
        raise Refused("signature") from None
    return at


def _signed_at(message: Message) -> datetime:
    """Raises Refused for what is too old, or no time."""
    try:
        at = datetime.fromisoformat(message.text("Timestamp"))
    except ValueError:
        raise Refused("late") from None
    if at.tzinfo is None:
        raise Refused("late")
    hook_events.check_fresh(at)
    return at


def _is_certificate(url: str) -> bool:
    parts = urlsplit(url)
    return sns_certificates.PATH.fullmatch(parts.path + parts.query) is not None


def _is_ours(url: str, topic: str, may: Callable[[str], bool]) -> bool:
    """HTTPS at the topic's host, without port, user or fragment."""
    try:
        parts = urlsplit(url)
        host = sns_certificates.host_of(topic)
        plain = parts.netloc == host and parts.scheme == "https" and not parts.fragment
    except ValueError:
        return False
    return plain and url.isascii() and url.isprintable() and " " not in url and may(url)


async def confirm(message: Message, topic: str, settings: Settings) -> None:
    """Opens the link of a SubscriptionConfirmation that was verified. Raises Refused and Unreachable."""
    url = message.text("SubscribeURL")

    def confirms(one: str) -> bool:
        asked = parse_qs(urlsplit(one).query)
        return asked.get("Action") == ["ConfirmSubscription"] and asked.get("TopicArn") == [topic]

    if not _is_ours(url, topic, confirms):
        raise Refused("confirmation")
    try:
        await pinned_https.get(url, fence.of(settings, (pinned_https.PORT,)))
    except OSError as error:
        raise Unreachable("confirmation", error) from error
