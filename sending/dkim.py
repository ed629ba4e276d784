"""DKIM signatures of our own making, on OpenSSL: relaxed/relaxed, whole body, RSA with Ed25519 beside it.

`sign` is pure and takes no lock: OpenSSL gives the interpreter up while it signs, so threads use all cores.
A signature covers every field of the message; the fields that name somebody or something are listed once more
than they occur, so that a second one breaks it (D-41, D-50).
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

Algorithm = Literal["rsa-sha256", "ed25519-sha256"]
RSA_BITS = 2048  # D-50; more than 2048 does not fit one UDP answer of old resolvers
LINE = 76
_CRLF = b"\r\n"
_FIELD_BREAK = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t]+")
_SHA256 = Prehashed(hashes.SHA256())
_PKCS1 = padding.PKCS1v15()
# written or taken off by those who carry the mail (RFC 6376 §5.4: not to be signed); the last two are marks
# that an SMTP provider reads (feedback_hooks.marks)
_CARRIERS = frozenset(
    b"return-path received dkim-signature authentication-results comments keywords bcc "
    b"x-smtpapi x-pm-metadata-mailer".split()
)
# RFC 6376 §8.15: listed once more than they occur, even when they do not occur at all
_ALWAYS_CLOSED = (b"from", b"to", b"cc", b"subject", b"reply-to")
# … and these when the message has them; not Feedback-ID, signed as it is: relays add one of their own
_CLOSED = frozenset(
    b"date message-id mime-version content-type content-transfer-encoding "
    b"list-id list-unsubscribe list-unsubscribe-post".split()
)


@dataclass(frozen=True, slots=True)
class Key:
    """`domain` in A-labels: the d= of what it signs."""

    domain: str
    selector: str
    algorithm: Algorithm
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)


def generate(algorithm: Algorithm) -> bytes:
    """A new private key (PKCS #8, DER), to be sealed."""
    private: RSAPrivateKey | Ed25519PrivateKey
    if algorithm == "rsa-sha256":
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    else:
        private = Ed25519PrivateKey.generate()
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read(domain: str, selector: str, private: bytes) -> Key:
    """From what `generate` gave. Raises ValueError."""
    # the check of a key that we made ourselves costs 30 ms of RSA
    loaded = serialization.load_der_private_key(private, password=None, unsafe_skip_rsa_key_validation=True)
    if isinstance(loaded, RSAPrivateKey):
        return Key(domain, selector, "rsa-sha256", loaded)
    if isinstance(loaded, Ed25519PrivateKey):
        return Key(domain, selector, "ed25519-sha256", loaded)
    raise ValueError("neither RSA nor Ed25519")


def record(key: Key) -> str:
    """The TXT record at selector._domainkey.domain, in one piece (RFC 6376 §3.6.1, RFC 8463 §4.2)."""
    public = key.private.public_key()
    if key.algorithm == "rsa-sha256":
        data = public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"v=DKIM1; k=rsa; p={b64encode(data).decode()}"
    data = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={b64encode(data).decode()}"


def public_part(text: str) -> bytes | None:
    """The p= of a key record: None when the record is none, empty when the key is revoked."""
    tags = tag_list(text)
    if tags is None or "p" not in tags or tags.get("v", "DKIM1") != "DKIM1":
        return None
    try:
        return b64decode(re.sub(r"\s", "", tags["p"]), validate=True)
    except ValueError:
        return None


def tag_list(text: str) -> dict[str, str] | None:
    """RFC 6376 §3.2, of DKIM and DMARC records. None for what is no list, and for a tag that stands twice."""
    tags: dict[str, str] = {}
    for part in text.strip().removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not name or name in tags:
            return None
        tags[name] = value.strip()
    return tags


def sign(message: bytes, keys: Sequence[Key], *, at: int) -> bytes:
    """The DKIM-Signature fields, CRLF-terminated, to be written in front of the message.

    The message ends its lines with CRLF. `at`: seconds since 1970.
    """
    if not keys:
        return b""
    head, _, body = message.partition(b"\r\n\r\n")
    body_hash = b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
    fields = [(one.partition(b":")[0].rstrip(b" \t").lower(), one) for one in _FIELD_BREAK.split(head)]
    names, signed = _select(fields)
    return b"".join(_signature(key, names, signed, f"t={at}", body_hash) for key in keys)


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4. Our bodies hold few runs of blanks; each test is one search in C."""
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    if b" \r\n" in body:
        body = body.replace(b" \r\n", _CRLF)
    body = body.removesuffix(b" ")
    end = len(body)
    while body.endswith(_CRLF, 0, end):
        end -= 2
    return body[:end] + _CRLF if end else b""


def relaxed_field(one: bytes) -> bytes:
    """RFC 6376 §3.4.2, without the CRLF at its end."""
    name, _, value = one.partition(b":")
    value = value.replace(_CRLF, b"")
    if b"  " in value or b"\t" in value:
        value = _BLANKS.sub(b" ", value)
    return name.rstrip(b" \t").lower() + b":" + value.strip(b" ")


def _select(fields: Sequence[tuple[bytes, bytes]]) -> tuple[list[str], bytes]:
    """The names of h=, and what they sign. Fields of one name are taken from the last up (§5.4.2)."""
    names: list[bytes] = []
    lines: list[bytes] = []
    for name, one in reversed(fields):
        if name and name not in _CARRIERS:
            names.append(name)
            lines.append(relaxed_field(one))
    closed = [name for name in dict.fromkeys(names) if name in _CLOSED]
    shown = [*names, *_ALWAYS_CLOSED, *closed]
    return [name.decode("ascii") for name in shown], _CRLF.join([*lines, b""])


def _signature(key: Key, names: Sequence[str], signed: bytes, time: str, body_hash: str) -> bytes:
    tags = [
        "v=1;",
        f"a={key.algorithm};",
        "c=relaxed/relaxed;",
        f"d={key.domain};",
        f"s={key.selector};",
        f"{time};",
        *(f"{name}:" for name in ["h=" + names[0], *names[1:-1]]),
        f"{names[-1]};",
        f"bh={body_hash};",
    ]
    unsigned = _folded("DKIM-Signature:", tags) + "\r\n b="
    # §3.7: the field itself comes last, with b= empty and without its CRLF
    digest = hashlib.sha256(signed + relaxed_field(unsigned.encode())).digest()
    if isinstance(key.private, RSAPrivateKey):
        value = key.private.sign(digest, _PKCS1, _SHA256)
    else:
        value = key.private.sign(digest)  # RFC 8463 §3: PureEdDSA over the hash
    text = b64encode(value).decode()
    width = LINE - 3
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    return (unsigned + "\r\n ".join(lines) + "\r\n").encode()


def _folded(start: str, words: Sequence[str]) -> str:
    """Words behind `start`, a blank or a fold before each; white space is free between tags and names."""
    made, used = start, len(start)
    for word in words:
        if used + 1 + len(word) > LINE:
            made += "\r\n"
            used = 0
        made += " " + word
        used += 1 + len(word)
    return made
