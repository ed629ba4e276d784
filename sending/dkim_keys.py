"""The DKIM keys of a sending domain: made here, sealed, and never shown (A-082).

    pending ─ its record is seen ─▶ active ─ the next one is seen ─▶ retiring ─ 7 days ─▶ retired
       ◀─ its record is gone ─────────┘

Each key has a selector of its own, so that an old one and a new one stand side by side in the DNS and mail on
its way still verifies (D-52). A key signs only while its record has been seen.
"""

import asyncio
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.services import Services
from sending import dkim
from sending.dkim import Algorithm, Key

OVERLAP = timedelta(days=7)  # D-52: longer than any mail is tried for
ROTATE_AFTER = timedelta(days=180)
# one answer without the record may be a slip of one name server
PATIENCE = timedelta(minutes=10)
ALGORITHMS: tuple[Algorithm, ...] = ("rsa-sha256", "ed25519-sha256")
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainKey:
    """What people and programs may see of a key. `record`: its TXT record in one piece."""

    id: int
    selector: str
    algorithm: str
    state: str
    record: str
    missed_at: datetime | None
    created_at: datetime
    active_at: datetime | None
    retire_at: datetime | None
    retired_at: datetime | None


async def of(tx: AccountTx, domain_id: int) -> list[DomainKey]:
    """Those that matter in the DNS, and the last retired ones; RSA first."""
    return await tx.many(
        DomainKey,
        """
        SELECT id, selector, algorithm, state, record, missed_at, created_at, active_at, retire_at, retired_at
        FROM dkim_keys
        WHERE account_id = $1 AND domain_id = $2
          AND (retired_at IS NULL OR retired_at > now() - interval '30 days')
        ORDER BY array_position(ARRAY['active', 'pending', 'retiring', 'retired'], state),
                 algorithm DESC, id DESC
        LIMIT 40
        """,
        domain_id,
    )


async def add(tx: AccountTx, services: Services, *, domain_id: int, name: str) -> int:
    """A pending key of each kind that has none. Returns how many were made.

    In a thread: the two primes of RSA take up to a second.
    """
    mark = "m" + "".join(secrets.choice(_LETTERS) for _ in range(8))
    made = 0
    for algorithm in ALGORITHMS:
        selector = mark + algorithm[0]
        private = await asyncio.to_thread(dkim.generate, algorithm)
        made += await tx.run(
            """
            INSERT INTO dkim_keys (account_id, domain_id, selector, algorithm, record, sealed)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (account_id, domain_id, algorithm) WHERE state = 'pending' DO NOTHING
            """,
            domain_id,
            selector,
            algorithm,
            dkim.record(dkim.read(name, selector, private)),
            services.sealer.seal(private, _purpose(tx, selector)),
        )
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sealed:
    selector: str
    sealed: bytes


async def signing(tx: AccountTx, services: Services, name: str) -> tuple[Key, ...]:
    """The keys that sign for this domain now, RSA first; none when the relay signs or nothing is proved.

    Raises Unsealable when the operator's secret changed and the old one was not kept.
    """
    found = await tx.many(
        _Sealed,
        """
        SELECT k.selector, k.sealed
        FROM domains d
        JOIN dkim_keys k ON k.account_id = d.account_id AND k.domain_id = d.id AND k.state = 'active'
        WHERE d.account_id = $1 AND d.name = $2
        ORDER BY k.algorithm DESC
        """,
        name,
    )
    return tuple(
        dkim.read(name, one.selector, services.sealer.open(one.sealed, _purpose(tx, one.selector)))
        for one in found
    )


async def settle(tx: AccountTx, domain_id: int, *, seen: Collection[int], asked: Collection[int]) -> None:
    """What follows from one look at the DNS. `seen`: keys whose record is there, of those `asked` about."""
    for key in await of(tx, domain_id):
        if key.id in asked:
            await (_found(tx, domain_id, key) if key.id in seen else _missed(tx, key))
    await tx.run(
        """
        UPDATE dkim_keys
        SET state = 'retired', sealed = NULL, retired_at = now()
        WHERE account_id = $1 AND domain_id = $2 AND state = 'retiring' AND retire_at <= $3
        """,
        domain_id,
        clock.now(),
    )


async def _found(tx: AccountTx, domain_id: int, key: DomainKey) -> None:
    if key.state == "active" and key.missed_at is not None:
        await tx.run("UPDATE dkim_keys SET missed_at = NULL WHERE account_id = $1 AND id = $2", key.id)
    if key.state != "pending":
        return
    await tx.run(
        """
        UPDATE dkim_keys
        SET state = 'retiring', retire_at = $4
        WHERE account_id = $1 AND domain_id = $2 AND algorithm = $3 AND state = 'active'
        """,
        domain_id,
        key.algorithm,
        clock.now() + OVERLAP,
    )
    await tx.run(
        """
        UPDATE dkim_keys
        SET state = 'active', active_at = $3, missed_at = NULL
        WHERE account_id = $1 AND id = $2 AND state = 'pending'
        """,
        key.id,
        clock.now(),
    )


async def _missed(tx: AccountTx, key: DomainKey) -> None:
    """The second time it is believed: then the key waits again, unless another one waits already."""
    if key.state != "active":
        return
    if key.missed_at is None:
        await tx.run(
            "UPDATE dkim_keys SET missed_at = $3 WHERE account_id = $1 AND id = $2", key.id, clock.now()
        )
    elif key.missed_at <= clock.now() - PATIENCE:
        # while a new key waits, whoever runs the domain is exchanging the records: the old one goes for good
        await tx.run(
            """
            UPDATE dkim_keys a
            SET state = CASE WHEN n.id IS NULL THEN 'pending' ELSE 'retiring' END,
                retire_at = CASE WHEN n.id IS NULL THEN NULL ELSE $3::timestamptz END
            FROM dkim_keys k
            LEFT JOIN dkim_keys n ON n.account_id = k.account_id AND n.domain_id = k.domain_id
                AND n.algorithm = k.algorithm AND n.state = 'pending'
            WHERE a.account_id = $1 AND a.id = $2 AND a.state = 'active'
              AND k.account_id = a.account_id AND k.id = a.id
            """,
            key.id,
            clock.now() + OVERLAP,
        )


def due(keys: list[DomainKey]) -> bool:
    """Is it time for new keys by itself? Not while some wait already."""
    if any(key.state == "pending" and key.algorithm == "rsa-sha256" for key in keys):
        return False
    return any(
        key.state == "active"
        and key.algorithm == "rsa-sha256"
        and key.active_at is not None
        and key.active_at <= clock.now() - ROTATE_AFTER
        for key in keys
    )


def signs(keys: list[DomainKey]) -> bool:
    """Does an RSA key sign? Ed25519 alone is not read everywhere (D-51)."""
    return any(key.state == "active" and key.algorithm == "rsa-sha256" for key in keys)


def _purpose(tx: AccountTx, selector: str) -> str:
    return f"dkim {tx.account_id} {selector}"
