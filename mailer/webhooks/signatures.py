"""Signatures by Standard Webhooks: HMAC-SHA256 over "id.timestamp.body", in base64 behind "v1," (E-63)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(uid: str, at: datetime, body: bytes, secrets_: Iterable[str]) -> dict[str, str]:
    """`secrets_`: the current one, and for a day after its rotation the one before."""
    timestamp = str(int(at.timestamp()))
    content = f"{uid}.{timestamp}.".encode() + body
    return {
        "webhook-id": uid,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_sign(secret, content) for secret in secrets_),
    }


def _sign(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
