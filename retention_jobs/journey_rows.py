"""Who got the mail of which step of an automatic campaign, and who passed which: as deliveries (S6)."""

from datetime import datetime

from mailer.core.db import AccountTx

BATCH = 10_000


async def purge(tx: AccountTx, before: datetime, now: datetime) -> int:
    mails = await tx.run(
        """
        DELETE FROM automation_mails
        WHERE account_id = $1 AND (step_id, contact_id, occasion) IN (
            SELECT step_id, contact_id, occasion FROM automation_mails
            WHERE account_id = $1 AND at < $2 AND NOT held(contact_id, $4)
            LIMIT $3
        )
        """,
        before,
        BATCH,
        now,
    )
    return mails + await tx.run(
        """
        DELETE FROM automation_passages
        WHERE account_id = $1 AND (contact_id, at, id) IN (
            SELECT contact_id, at, id FROM automation_passages
            WHERE account_id = $1 AND at < $2 AND NOT held(contact_id, $4)
            ORDER BY at
            LIMIT $3
        )
        """,
        before,
        BATCH,
        now,
    )
