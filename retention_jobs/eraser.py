"""What the login role may not delete or read: ledger, journal, last opens. Only here is the role taken (S11).

The role has no policy of its own, so row-level security holds it inside the account of the transaction.
"""

from datetime import date, datetime

from mailer.core.db import AccountTx


async def _as_eraser(tx: AccountTx) -> None:
    await tx.run_plain("SET LOCAL ROLE mailer_eraser")


async def _as_ourselves(tx: AccountTx) -> None:
    await tx.run_plain("RESET ROLE")


async def old_journal(tx: AccountTx, before: datetime, *, limit: int) -> int:
    """Deletes up to `limit` entries of the journal from before then; returns how many."""
    await _as_eraser(tx)
    deleted = await tx.run(
        """
        DELETE FROM audit
        WHERE account_id = $1 AND id IN (
            SELECT id FROM audit WHERE account_id = $1 AND at < $2 ORDER BY at LIMIT $3
        )
        """,
        before,
        limit,
    )
    await _as_ourselves(tx)
    return deleted


async def old_open_days(tx: AccountTx, before: date, *, limit: int) -> int:
    """Deletes up to `limit` days of last opens (B-33) that lie before then; returns how many."""
    await _as_eraser(tx)
    deleted = await tx.run(
        """
        DELETE FROM last_open_days
        WHERE account_id = $1 AND contact_id IN (
            SELECT contact_id FROM last_open_days WHERE account_id = $1 AND day < $2 LIMIT $3
        )
        """,
        before,
        limit,
    )
    await _as_ourselves(tx)
    return deleted


async def whole_ledger(tx: AccountTx) -> int:
    """Everything that only the eraser may delete in a closed account; returns how many rows."""
    await _as_eraser(tx)
    deleted = await tx.run("DELETE FROM consents WHERE account_id = $1")
    deleted += await tx.run("DELETE FROM wordings WHERE account_id = $1")
    deleted += await tx.run("DELETE FROM audit WHERE account_id = $1")
    await _as_ourselves(tx)
    return deleted
