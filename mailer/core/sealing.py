"""Sealing at rest: AES-256-GCM under a key derived from the operator's secret (A-082, E-37).

A sealed value is `version · key fingerprint (4) · nonce (12) · ciphertext`. The fingerprint finds the
right key after a rotation; old keys come from MAILER_OLD_SECRET_KEYS.
"""

import hashlib
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"


class Unsealable(Exception):
    """No key opens this: the secret changed and the old one was not kept, or the value is damaged."""


def _derive(secret: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"mailer sealing 1").derive(secret)


def fingerprint(key: bytes) -> bytes:
    return hashlib.sha256(b"mailer key id" + key).digest()[:4]


def is_under(key: bytes, sealed: bytes) -> bool:
    """Was this sealed with that key? By the key's fingerprint alone."""
    return sealed[1:5] == fingerprint(key)


def encrypt(key: bytes, plain: bytes, purpose: str) -> bytes:
    """With a 32-byte key of any origin; `purpose` is bound to the result."""
    nonce = secrets.token_bytes(12)
    return _VERSION + fingerprint(key) + nonce + AESGCM(key).encrypt(nonce, plain, purpose.encode())


def decrypt(key: bytes, sealed: bytes, purpose: str) -> bytes:
    """Raises Unsealable."""
    if sealed[:1] != _VERSION or sealed[1:5] != fingerprint(key):
        raise Unsealable
    try:
        return AESGCM(key).decrypt(sealed[5:17], sealed[17:], purpose.encode())
    except InvalidTag:
        raise Unsealable from None


@dataclass(frozen=True, slots=True, repr=False)
class Sealer:
    """Seals under the current secret and opens under that or an old one."""

    secret: bytes
    old_secrets: tuple[bytes, ...] = ()
    _keys: dict[bytes, bytes] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for secret in (*self.old_secrets, self.secret):
            key = _derive(secret)
            self._keys[fingerprint(key)] = key

    @property
    def mark(self) -> bytes:
        """The fingerprint that stands in whatever the current secret seals."""
        return fingerprint(_derive(self.secret))

    @property
    def old_marks(self) -> list[bytes]:
        """Of the old secrets alone."""
        return [mark for mark in self._keys if mark != self.mark]

    def knows(self, sealed: bytes) -> bool:
        """Is the secret here under which this was sealed? A damaged value is another matter."""
        return sealed[:1] == _VERSION and sealed[1:5] in self._keys

    def seal(self, plain: bytes, purpose: str) -> bytes:
        return encrypt(_derive(self.secret), plain, purpose)

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Raises Unsealable."""
        key = self._keys.get(sealed[1:5])
        if key is None:
            raise Unsealable
        return decrypt(key, sealed, purpose)
