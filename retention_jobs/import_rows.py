"""What an import keeps beside its contacts: staged rows, rejects, refusals, what stood before."""

from datetime import datetime

from mailer.core.db import AccountTx


async def purge(tx: AccountTx, leftovers_before: datetime, changes_before: datetime) -> int:
    """What an undo would need is forgotten by a job of its own; here, of one that never came to its end."""
    deleted: int = await tx.value(
        """
        WITH old AS (
            SELECT id FROM imports WHERE account_id = $1 AND created_at <= $2
        ), done AS (
            SELECT id FROM imports WHERE account_id = $1 AND finished_at <= $3 AND state <> 'undoing'
        ), parts AS (
            DELETE FROM import_parts USING old WHERE account_id = $1 AND import_id = old.id RETURNING 1
        ), rejects AS (
            DELETE FROM import_rejects USING old WHERE account_id = $1 AND import_id = old.id RETURNING 1
        ), opt_outs AS (
            DELETE FROM import_opt_outs USING old WHERE account_id = $1 AND import_id = old.id RETURNING 1
        ), changes AS (
            DELETE FROM import_changes USING done WHERE account_id = $1 AND import_id = done.id RETURNING 1
        ), fields AS (
            DELETE FROM import_values USING done WHERE account_id = $1 AND import_id = done.id RETURNING 1
        ), removals AS (
            DELETE FROM import_removals USING done WHERE account_id = $1 AND import_id = done.id RETURNING 1
        )
        SELECT (SELECT count(*) FROM parts) + (SELECT count(*) FROM rejects)
             + (SELECT count(*) FROM opt_outs) + (SELECT count(*) FROM changes)
             + (SELECT count(*) FROM fields) + (SELECT count(*) FROM removals)
        """,
        leftovers_before,
        changes_before,
    )
    return deleted
