"""Keys of the installation that sign evidence: Ed25519 (RFC 8032), the newest signs, every one verifies.

The public halves are shown to everybody; a private half is sealed under the operator's secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mailer.core.db import SharedTx
from mailer.core.sealing import Sealer

_PURPOSE = "proof key"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`public_key`: 32 octets, as they stand in RFC 8032."""

    id: int
    public_key: bytes
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """`value`: 64 octets."""

    key_id: int
    value: bytes


async def sign(tx: SharedTx, sealer: Sealer, message: bytes) -> Signature:
    """By the newest key, the first one made on the way. Raises Unsealable when the secret is another one."""
    key_id, sealed = await _newest(tx) or await add(tx, sealer)
    private = Ed25519PrivateKey.from_private_bytes(sealer.open(sealed, _PURPOSE))
    return Signature(key_id, private.sign(message))


async def add(tx: SharedTx, sealer: Sealer) -> tuple[int, bytes]:
    """A new key, which signs from now on; its id and sealed private half."""
    await tx.run("LOCK TABLE proof_keys IN SHARE ROW EXCLUSIVE MODE")
    last = await _newest(tx)
    private = Ed25519PrivateKey.generate()
    key_id = (last[0] if last else 0) + 1
    sealed = sealer.seal(private.private_bytes_raw(), _PURPOSE)
    await tx.run(
        "INSERT INTO proof_keys (id, public_key, sealed) VALUES ($1, $2, $3)",
        key_id,
        private.public_key().public_bytes_raw(),
        sealed,
    )
    return key_id, sealed


async def public_keys(tx: SharedTx) -> list[PublicKey]:
    """All of them, the oldest first."""
    return await tx.many(PublicKey, "SELECT id, public_key, made_at FROM proof_keys ORDER BY id")


def verified(keys: Sequence[PublicKey], message: bytes, signature: Signature) -> bool:
    """False also when the key is none of these."""
    for key in keys:
        if key.id == signature.key_id:
            try:
                Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature.value, message)
            except InvalidSignature:
                return False
            return True
    return False


async def _newest(tx: SharedTx) -> tuple[int, bytes] | None:
    found = await tx.rows("SELECT id, sealed FROM proof_keys ORDER BY id DESC LIMIT 1")
    return (found[0][0], found[0][1]) if found else None
