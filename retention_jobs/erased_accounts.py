"""What is left of an erased account: its number, the day, how many rows, the end of its chain (A-093)."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import AccountTx, SharedTx


@dataclass(frozen=True, slots=True)
class Erased:
    """`n`, `hash`: the last record of its chain, so that a copy which somebody kept can be checked."""

    account_id: int
    erased_at: datetime
    n: int
    hash: bytes
    counts: dict[str, int]


async def note(tx: AccountTx, counts: dict[str, int], now: datetime) -> None:
    """In the transaction of the erasure; the chain's end goes with it."""
    ends = await tx.rows("DELETE FROM retention_chains WHERE account_id = $1 RETURNING n, hash")
    n, end = ends[0] if ends else (0, bytes(32))
    shared = tx.shared()
    await shared.run("DELETE FROM retention_watch WHERE account_id = $1", tx.account_id)
    await shared.run(
        "INSERT INTO erased_accounts (account_id, erased_at, n, hash, counts) VALUES ($1, $2, $3, $4, $5)",
        tx.account_id,
        now,
        n,
        end,
        {table: rows for table, rows in counts.items() if rows},
    )


async def take(tx: SharedTx) -> list[Erased]:
    """Those that stand in no record yet; the caller writes it in this transaction."""
    return await tx.many(
        Erased,
        """
        DELETE FROM erased_accounts
        WHERE account_id IN (
            SELECT account_id FROM erased_accounts ORDER BY account_id LIMIT 50 FOR UPDATE SKIP LOCKED
        )
        RETURNING account_id, erased_at, n, hash, counts
        """,
    )
