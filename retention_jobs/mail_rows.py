"""Transactional messages; of automatic campaigns the mails, and who passed which step: as deliveries (S6)."""

from datetime import datetime

from mailer.core.db import AccountTx

BATCH = 10_000


async def purge(tx: AccountTx, before: datetime, now: datetime) -> int:
    deleted: int = await tx.value(
        """
        WITH old_messages AS (
            DELETE FROM messages
            WHERE account_id = $1 AND id IN (
                SELECT id FROM messages
                WHERE account_id = $1 AND final_at < $2 AND NOT held(contact_id, $4)
                LIMIT $3
            )
            RETURNING 1
        ), mails AS (
            DELETE FROM automation_mails
            WHERE account_id = $1 AND (step_id, contact_id, occasion) IN (
                SELECT step_id, contact_id, occasion FROM automation_mails
                WHERE account_id = $1 AND at < $2 AND NOT held(contact_id, $4)
                LIMIT $3
            )
            RETURNING 1
        ), passages AS (
            DELETE FROM automation_passages
            WHERE account_id = $1 AND (contact_id, at, id) IN (
                SELECT contact_id, at, id FROM automation_passages
                WHERE account_id = $1 AND at < $2 AND NOT held(contact_id, $4)
                ORDER BY at
                LIMIT $3
            )
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM old_messages) + (SELECT count(*) FROM mails)
             + (SELECT count(*) FROM passages)
        """,
        before,
        BATCH,
        now,
    )
    return deleted
