"""Messages of Amazon SNS: what is signed in them, with which certificate, and confirming a subscription.

    body ─▶ Message ─▶ topic is ours ─▶ certificate of sns.<region>.amazonaws.com ─▶ signature ─▶ believed

Signature version 1 is RSA over SHA-1, 2 over SHA-256; a topic is on 1 until its owner sets it to 2.
"""

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.oid import NameOID

from mailer.core import clock
from mailer.core.errors import Unavailable
from mailer.core.settings import Settings
from sending import fence, hook_events, pinned_https
from sending.hook_events import Members, Refused

_PATH = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,128}\.pem")
_KEPT = 16
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


# certificates of this process by address, the least used forgotten first
_certificates: OrderedDict[str, x509.Certificate] = OrderedDict()


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


async def verify(message: Message, topic: str, settings: Settings) -> None:
    """Raises Refused, and Unavailable when the certificate cannot be had now."""
    if message.text("TopicArn") != topic:
        raise Refused("topic")
    certificate = await _certificate(message.text("SigningCertURL"), topic, settings)
    key = certificate.public_key()
    digest = {"1": SHA1, "2": SHA256}.get(message.text("SignatureVersion"))
    if digest is None or not isinstance(key, RSAPublicKey) or not _is_amazons(certificate):
        raise Refused("signature")
    try:
        signature = base64.b64decode(message.text("Signature"), validate=True)
        key.verify(signature, signed_text(message), PKCS1v15(), digest())
    except (InvalidSignature, binascii.Error, ValueError):
        raise Refused("signature") from None
    try:
        at = datetime.fromisoformat(message.text("Timestamp"))
    except ValueError:
        raise Refused("late") from None
    if at.tzinfo is None:
        raise Refused("late")
    hook_events.check_fresh(at)


def _is_amazons(certificate: x509.Certificate) -> bool:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ours = any(re.fullmatch(r"sns(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?", str(one.value)) for one in names)
    return ours and certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc


def _host_of(topic: str) -> str:
    """Where the topic lives: only this host speaks for it."""
    _, partition, _, region, *_ = topic.split(":")
    return f"sns.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"


def _is_ours(url: str, topic: str, may: Callable[[str], bool]) -> bool:
    """HTTPS at the topic's host, without port, user or fragment."""
    try:
        parts = urlsplit(url)
        plain = parts.netloc == _host_of(topic) and parts.scheme == "https" and not parts.fragment
    except ValueError:
        return False
    return plain and url.isascii() and url.isprintable() and " " not in url and may(url)


async def _certificate(url: str, topic: str, settings: Settings) -> x509.Certificate:
    """Raises Refused for any other address, Unavailable when it does not answer."""
    if not _is_ours(
        url, topic, lambda one: _PATH.fullmatch(urlsplit(one).path + urlsplit(one).query) is not None
    ):
        raise Refused("signature")
    found = _certificates.get(url)
    if found is None:
        try:
            pem = await pinned_https.get(url, fence.of(settings, (pinned_https.PORT,)))
            found = x509.load_pem_x509_certificate(pem)
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise Unavailable(f"Amazon's certificate: {type(error).__name__}") from error
        _certificates[url] = found
        while len(_certificates) > _KEPT:
            _certificates.popitem(last=False)
    _certificates.move_to_end(url)
    return found


async def confirm(message: Message, topic: str, settings: Settings) -> None:
    """Opens the link of a SubscriptionConfirmation that was verified. Raises Refused and Unavailable."""
    url = message.text("SubscribeURL")

    def confirms(one: str) -> bool:
        asked = parse_qs(urlsplit(one).query)
        return asked.get("Action") == ["ConfirmSubscription"] and asked.get("TopicArn") == [topic]

    if not _is_ours(url, topic, confirms):
        raise Refused("confirmation")
    try:
        await pinned_https.get(url, fence.of(settings, (pinned_https.PORT,)))
    except OSError as error:
        raise Unavailable(f"Amazon's confirmation: {type(error).__name__}") from error
