"""The platform's own chain: what was deleted outside of accounts, and which accounts were erased (A-093)."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from mailer.core import proof_keys, work
from mailer.core.db import SharedTx
from mailer.core.sealing import Sealer
from retention_jobs import ages, chain, erased_accounts, proofs
from retention_jobs.chain import Head, Proof
from retention_jobs.erased_accounts import Erased


async def write(tx: SharedTx, sealer: Sealer, now: datetime) -> Proof | None:
    """The record of the sweep that ends here; None when it deleted nothing and today has one."""
    head = await _lock(tx)
    taken = await tx.rows(
        """
        UPDATE retention_runs r
        SET unproven = 0
        FROM (SELECT rule, unproven FROM retention_runs FOR UPDATE) old
        WHERE r.rule = old.rule
        RETURNING r.rule, old.unproven
        """
    )
    erased = await erased_accounts.take(tx)
    if not erased and not any(deleted for _, deleted in taken) and await _has_today(tx, head, now):
        return None
    record: dict[str, Any] = {
        "account": work.PLATFORM,
        "at": chain.instant(now),
        "classes": proofs.classes(await ages.of_platform(tx, now)),
        "deleted": dict(sorted(taken)),
        "erased": [_told(one) for one in sorted(erased, key=lambda one: one.account_id)],
        "n": head.n + 1,
        "previous": head.hash.hex(),
    }
    text = chain.canonical(record)
    signature = await proof_keys.sign(tx, sealer, text.encode())
    proof = Proof(head.n + 1, now, text, chain.digest(text), signature.key_id, signature.value)
    await tx.run(
        """
        INSERT INTO platform_proofs (n, at, record, hash, key_id, signature) VALUES ($1, $2, $3, $4, $5, $6)
        """,
        proof.n,
        proof.at,
        proof.record,
        proof.hash,
        proof.key_id,
        proof.signature,
    )
    await tx.run("UPDATE platform_chain SET n = $1, hash = $2", proof.n, proof.hash)
    return proof


def _told(one: Erased) -> dict[str, object]:
    return {
        "account": one.account_id,
        "at": chain.instant(one.erased_at),
        "chain_hash": one.hash.hex(),
        "chain_n": one.n,
        "rows": one.counts,
    }


async def _lock(tx: SharedTx) -> Head:
    await tx.run("INSERT INTO platform_chain (hash) VALUES ($1) ON CONFLICT DO NOTHING", chain.START)
    return await tx.one(Head, "SELECT n, hash FROM platform_chain FOR UPDATE")


async def _has_today(tx: SharedTx, head: Head, now: datetime) -> bool:
    last: datetime | None = await tx.value("SELECT at FROM platform_proofs WHERE n = $1", head.n)
    return last is not None and last.date() == now.date()


async def head(tx: SharedTx) -> Head | None:
    return await tx.first(Head, "SELECT n, hash FROM platform_chain")


async def whole(tx: SharedTx) -> AsyncIterator[list[Proof]]:
    """The chain from its first record on, a page at a time."""
    n = 0
    while found := await tx.many(
        Proof,
        """
        SELECT n, at, record, hash, key_id, signature
        FROM platform_proofs
        WHERE n > $1
        ORDER BY n
        LIMIT $2
        """,
        n,
        proofs.READ,
    ):
        yield found
        n = found[-1].n
