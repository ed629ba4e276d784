"""For programs that receive webhooks: is this request really from there, and new? (Standard Webhooks)"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from mailer.client.errors import MailerError


class WebhookInvalid(MailerError):
    """Not signed with this secret, or too old: answer 400 and do nothing."""


def verify_webhook(
    headers: Mapping[str, str], body: bytes | str, secret: str, *, tolerance: float = 300
) -> dict[str, Any]:
    """The event: `type`, `timestamp`, `data`. `body`: exactly as received, before anything parses it.

    Raises WebhookInvalid. Remember `webhook-id`, and pass over what you have seen: an event may come twice.
    """
    known = {name.lower(): value for name, value in headers.items()}
    uid, timestamp = known.get("webhook-id", ""), known.get("webhook-timestamp", "")
    data = body.encode() if isinstance(body, str) else bytes(body)
    if not uid or not (timestamp.isascii() and timestamp.isdigit()):
        raise WebhookInvalid("the headers webhook-id and webhook-timestamp are missing")
    if abs(time.time() - int(timestamp)) > tolerance:
        raise WebhookInvalid("the request is too old, or a clock is wrong")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise WebhookInvalid("the secret is not one: it begins with whsec_") from None
    wanted = hmac.digest(key, f"{uid}.{timestamp}.".encode() + data, hashlib.sha256)
    given = (one.partition(",") for one in known.get("webhook-signature", "").split(" "))
    if not any(version == "v1" and hmac.compare_digest(_decoded(text), wanted) for version, _, text in given):
        raise WebhookInvalid("no signature is of this secret")
    found: dict[str, Any] = json.loads(data)
    return found


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
