"""Who went with an erased account: recognised by address and password together, by nothing less (A-094).

Twelve months, as the log of sign-ins that they belong to (A-007, B-60; CNIL security guide 2024, sheet 16).
Whoever has a list of addresses, and the operator's secret too, finds nobody: a bucket of 8 bits holds each
256th of all addresses, and what is kept opens only with the password.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from mailer.accounts import passwords, sign_ins
from mailer.core.db import SharedTx

# one bucket costs a sign-in at most so many hashes
_TRIED = 4
# an empty bucket costs one all the same: time tells nothing about who was here (E-40)
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA"


def _bucket(key: bytes, address_key: str) -> int:
    return int.from_bytes(sign_ins.address_hash(key, address_key)[:1])


def _proof(address_key: str, password_hash: str) -> bytes:
    return hashlib.sha256(f"{address_key}\n{password_hash}".encode()).digest()


async def note(tx: SharedTx, key: bytes, user_ids: Sequence[int], now: datetime) -> int:
    """Before these people are deleted; those without a password could not sign in. Returns how many."""
    rows = await tx.rows(
        "SELECT address_key, password_hash FROM users WHERE id = ANY ($1::bigint[]) AND password_hash <> ''",
        list(user_ids),
    )
    for address_key, stored in rows:
        await tx.run(
            "INSERT INTO former_people (bucket, salted, proof, erased_at) VALUES ($1, $2, $3, $4)",
            _bucket(key, address_key),
            passwords.salted(stored),
            _proof(address_key, stored),
            now,
        )
    return len(rows)


async def in_bucket(tx: SharedTx, key: bytes, address_key: str) -> list[tuple[str, bytes, datetime]]:
    """Those it may be, the latest first."""
    rows = await tx.rows(
        "SELECT salted, proof, erased_at FROM former_people WHERE bucket = $1 ORDER BY id DESC LIMIT $2",
        _bucket(key, address_key),
        _TRIED,
    )
    return [(salted, proof, erased_at) for salted, proof, erased_at in rows]


async def recognised(
    found: Sequence[tuple[str, bytes, datetime]], address_key: str, password: str
) -> datetime | None:
    """When the account of this person was erased. Takes 100 ms for each: hold no transaction meanwhile."""
    if not found:
        await passwords.hash_again(_NOBODY, password)
    for salted, proof, erased_at in found:
        again = await passwords.hash_again(salted, password)
        if again is not None and hmac.compare_digest(_proof(address_key, again), proof):
            return erased_at
    return None
