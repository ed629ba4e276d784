"""One-time codes of authenticator apps: RFC 6238 over RFC 4226, SHA-1, six digits, 30 seconds (E-32).

Those are what every app takes without asking; a longer digest changes nothing, since HMAC does not rest on
collisions (RFC 6238 §1.2).
"""

import base64
import hmac
import secrets
import struct
from urllib.parse import quote, urlencode

SECONDS = 30
DIGITS = 6
# RFC 4226 §4, R6: 160 bits recommended
_SECRET_BYTES = 20
# RFC 6238 §5.2: one step back for the way here, and one ahead for a phone whose clock runs fast
_DRIFT = 1


def new_secret() -> bytes:
    return secrets.token_bytes(_SECRET_BYTES)


def text_of(secret: bytes) -> str:
    """As apps take it by hand: base32 in groups of four."""
    plain = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def address(secret: bytes, *, issuer: str, person: str) -> str:
    """otpauth://: what the QR code says."""
    label = quote(f"{issuer}:{person}", safe="@")
    plain = base64.b32encode(secret).decode().rstrip("=")
    values = {
        "secret": plain,
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": str(DIGITS),
        "period": str(SECONDS),
    }
    return f"otpauth://totp/{label}?{urlencode(values, quote_via=quote)}"


def step_of(seconds: float) -> int:
    """The number of the step that a moment lies in."""
    return int(seconds) // SECONDS


def code(secret: bytes, step: int) -> str:
    """RFC 4226 §5.3."""
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 0x0F
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{(number & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: bytes, given: str, *, now: float, after: int) -> int | None:
    """The step whose code this is, later than `after`; all of them are compared, whichever it is."""
    here = step_of(now)
    found = None
    for step in range(here - _DRIFT, here + _DRIFT + 1):
        same = hmac.compare_digest(code(secret, step).encode(), given.encode())
        if same and step > after and found is None:
            found = step
    return found
