"""Answers kept by Idempotency-Key: a request that is repeated does nothing twice (E-61).

    lock ─▶ kept? ─▶ the first answer        or the effect, and `keep` in its transaction

The lock falls with the transaction, and so does what a killed process had begun: the key is then free again.
"""

import hashlib
import hmac
import zlib
from dataclasses import dataclass
from datetime import timedelta

from mailer.core import keys
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.sealing import Sealer
from mailer.core.text import N_

LIVES = timedelta(hours=24)  # E-61


@dataclass(frozen=True, slots=True)
class Asked:
    """`key_hash`: of method, path and key. `body_hash`: of what was asked, not of its spelling."""

    key_hash: bytes
    body_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer as it left. `location` "": it had none."""

    status: int
    location: str
    body: bytes


async def asked(tx: AccountTx, sealer: Sealer, *, place: str, key: str, body: bytes) -> Asked:
    """`place` is method and path: the same key elsewhere is another one."""
    secret = await keys.hash_key(tx, sealer)
    named = hmac.digest(secret, f"request {place} {key}".encode(), hashlib.sha256)
    return Asked(named, hmac.digest(secret, body, hashlib.sha256))


async def lock(tx: AccountTx, one: Asked) -> bool:
    """False: the same request is under way in another transaction."""
    taken: bool = await tx.value(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('request ' || $1::bigint || $2::text, 0))",
        one.key_hash.hex(),
    )
    return taken


async def kept(tx: AccountTx, sealer: Sealer, one: Asked) -> Kept | None:
    """What the same request was answered in the last 24 hours. Needs the lock.

    Raises Invalid at `Idempotency-Key` when the key came with another body.
    """
    found = await tx.rows(
        """
        SELECT body_hash, status::int, location, answer
        FROM idempotency_keys
        WHERE account_id = $1 AND key_hash = $2 AND created_at > now() - $3::interval
        """,
        one.key_hash,
        LIVES,
    )
    if not found:
        return None
    body_hash, status, location, answer = found[0]
    if not hmac.compare_digest(body_hash, one.body_hash):
        raise fault("Idempotency-Key", N_("This key came with another body."), code="key_reused")
    body = zlib.decompress(sealer.open(answer, _purpose(tx)))
    return Kept(status=status, location=location, body=body)


async def keep(tx: AccountTx, sealer: Sealer, one: Asked, answer: Kept) -> None:
    """In the transaction of the effect. Replaces what is older than a day."""
    await tx.run(
        """
        INSERT INTO idempotency_keys (account_id, key_hash, body_hash, status, location, answer)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (account_id, key_hash) DO UPDATE
        SET body_hash = excluded.body_hash, status = excluded.status, location = excluded.location,
            answer = excluded.answer, created_at = now()
        """,
        one.key_hash,
        one.body_hash,
        answer.status,
        answer.location,
        sealer.seal(zlib.compress(answer.body, 1), _purpose(tx)),
    )


def _purpose(tx: AccountTx) -> str:
    return f"answer {tx.account_id}"
