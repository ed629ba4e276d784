"""Records of what a run deleted in an account: signed, chained, of nobody in particular (A-001, A-004, S11).

The counts are added up in `retention_passes` by the transactions that delete, and taken from there in the
transaction that writes the record: a run killed in between is told by the next one. A run that deleted
nothing is recorded once a day; that it took place stands in `retention_passes`.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from mailer.core import proof_keys
from mailer.core.db import AccountTx
from mailer.core.sealing import Sealer
from retention_jobs import ages, chain
from retention_jobs.ages import Found
from retention_jobs.chain import Head, Proof
from retention_jobs.classes import OF_ACCOUNTS

READ = 500


async def write(tx: AccountTx, sealer: Sealer, now: datetime) -> Proof | None:
    """The record of the run that ends here; None when it deleted nothing and today has one."""
    head = await _lock(tx)
    taken = await tx.rows(
        """
        UPDATE retention_passes p
        SET unproven = 0
        FROM (SELECT rule, unproven FROM retention_passes WHERE account_id = $1 FOR UPDATE) old
        WHERE p.account_id = $1 AND p.rule = old.rule
        RETURNING p.rule, old.unproven
        """
    )
    if not any(deleted for _, deleted in taken) and await _has_today(tx, head, now):
        return None
    record = {
        "account": tx.account_id,
        "at": chain.instant(now),
        "classes": classes(await ages.of_account(tx, now, behind=False)),
        "deleted": dict(sorted(taken)),
        "n": head.n + 1,
        "previous": head.hash.hex(),
    }
    text = chain.canonical(record)
    signature = await proof_keys.sign(tx.shared(), sealer, text.encode())
    proof = Proof(head.n + 1, now, text, chain.digest(text), signature.key_id, signature.value)
    await tx.run(
        """
        INSERT INTO retention_proofs (account_id, n, at, record, hash, key_id, signature)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        proof.n,
        proof.at,
        proof.record,
        proof.hash,
        proof.key_id,
        proof.signature,
    )
    await tx.run("UPDATE retention_chains SET n = $2, hash = $3 WHERE account_id = $1", proof.n, proof.hash)
    return proof


def classes(found: Sequence[Found]) -> list[dict[str, object]]:
    """Of each class: the cut-off of this run, and the oldest thing left."""
    return [
        {
            "before": chain.instant(one.before),
            "class": one.name,
            "oldest": chain.instant(one.oldest) if one.oldest else None,
            "overdue": one.overdue,
            "rule": OF_ACCOUNTS[one.name].rule if one.name in OF_ACCOUNTS else one.name,
        }
        for one in found
    ]


async def _lock(tx: AccountTx) -> Head:
    """Whoever else writes a record of this account waits here."""
    while True:
        found = await tx.first(Head, "SELECT n, hash FROM retention_chains WHERE account_id = $1 FOR UPDATE")
        if found:
            return found
        await tx.run(
            "INSERT INTO retention_chains (account_id, hash) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            chain.START,
        )


async def _has_today(tx: AccountTx, head: Head, now: datetime) -> bool:
    last: datetime | None = await tx.value(
        "SELECT at FROM retention_proofs WHERE account_id = $1 AND n = $2", head.n
    )
    return last is not None and last.date() == now.date()


async def head(tx: AccountTx) -> Head | None:
    return await tx.first(Head, "SELECT n, hash FROM retention_chains WHERE account_id = $1")


async def last(tx: AccountTx) -> Proof | None:
    return await tx.first(
        Proof,
        """
        SELECT n, at, record, hash, key_id, signature
        FROM retention_proofs
        WHERE account_id = $1
        ORDER BY n DESC
        LIMIT 1
        """,
    )


async def after(tx: AccountTx, n: int) -> list[Proof]:
    """The next records behind that number, READ at most."""
    return await tx.many(
        Proof,
        """
        SELECT n, at, record, hash, key_id, signature
        FROM retention_proofs
        WHERE account_id = $1 AND n > $2
        ORDER BY n
        LIMIT $3
        """,
        n,
        READ,
    )


async def whole(tx: AccountTx) -> AsyncIterator[list[Proof]]:
    """The chain from its first record on, a page at a time."""
    n = 0
    while found := await after(tx, n):
        yield found
        n = found[-1].n
