"""Reads DKIM signatures of somebody else's server, to learn whether it signs for a domain (RFC 6376 §6.1)."""

import hashlib
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from mailer.core import clock
from sending import dkim
from sending.lookups import Lookups

LEAST_BITS = 1024  # RFC 8301 §3.2: a verifier takes these; we make 2048
MOST_SIGNATURES = 8
_FIELD_BREAK = re.compile(rb"\r\n(?![ \t])")
_B_VALUE = re.compile(rb"([;:\s]b\s*=)[^;]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One that verifies. `names`: the header fields that it covers, in lower case."""

    domain: str
    selector: str
    names: frozenset[str]


async def verify(message: bytes, ask: Lookups) -> list[Signature]:
    """The signatures that hold, from the top. Lines end with CRLF. Raises DnsAway."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = [one for one in _FIELD_BREAK.split(head) if one]
    found = []
    for one in [one for one in fields if _name(one) == b"dkim-signature"][:MOST_SIGNATURES]:
        tags = dkim.tag_list(one.partition(b":")[2].replace(b"\r\n", b"").decode("ascii", "replace"))
        if tags is None or not _readable(tags):
            continue
        texts = await ask.texts(f"{tags['s']}._domainkey.{tags['d']}")
        if len(texts) == 1 and _holds(tags, one, fields, body, texts[0]):
            names = frozenset(name.strip().lower() for name in tags["h"].split(":"))
            found.append(Signature(domain=tags["d"].lower(), selector=tags["s"], names=names))
    return found


def _readable(tags: dict[str, str]) -> bool:
    """§6.1.1, and no `l=`: a body that is signed in part can be added to."""
    if not {"v", "a", "b", "bh", "d", "h", "s"} <= set(tags) or tags["v"] != "1" or "l" in tags:
        return False
    names = [name.strip().lower() for name in tags["h"].split(":")]
    expires = tags.get("x", "")
    over = expires.isdigit() and int(expires) < clock.now().timestamp()
    return "from" in names and tags["a"] in ("rsa-sha256", "ed25519-sha256") and not over


def _holds(tags: dict[str, str], own: bytes, fields: Sequence[bytes], body: bytes, record: str) -> bool:
    header_way, _, body_way = tags.get("c", "simple/simple").partition("/")
    canonical = dkim.relaxed_body(body) if body_way == "relaxed" else _simple_body(body)
    try:
        if hashlib.sha256(canonical).digest() != b64decode(re.sub(r"\s", "", tags["bh"]), validate=True):
            return False
        value = b64decode(re.sub(r"\s", "", tags["b"]), validate=True)
    except ValueError:
        return False
    way = dkim.relaxed_field if header_way == "relaxed" else bytes
    left = list(fields)
    lines = []
    for name in tags["h"].split(":"):
        wanted = name.strip().lower().encode()
        for index in range(len(left) - 1, -1, -1):  # §5.4.2: from the last up
            if _name(left[index]) == wanted:
                lines.append(way(left.pop(index)) + b"\r\n")
                break
    data = b"".join(lines) + way(_B_VALUE.sub(rb"\1", own, count=1))
    return _signed(tags["a"], record, value, data)


def _signed(algorithm: str, record: str, value: bytes, data: bytes) -> bool:
    public = dkim.public_part(record)
    kind = (dkim.tag_list(record) or {}).get("k", "rsa")
    if not public or kind != algorithm.partition("-")[0]:
        return False
    try:
        if algorithm == "ed25519-sha256":
            Ed25519PublicKey.from_public_bytes(public).verify(value, hashlib.sha256(data).digest())
            return True
        key = serialization.load_der_public_key(public)
        if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_BITS:
            return False
        key.verify(value, data, PKCS1v15(), SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _name(one: bytes) -> bytes:
    return one.partition(b":")[0].rstrip(b" \t").lower()


def _simple_body(body: bytes) -> bytes:
    """§3.4.3: an empty body is one empty line."""
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n"
