"""Mails that came back: what nobody understood, and that the others were there, for six days (A-001)."""

from datetime import datetime

from mailer.core.db import AccountTx


async def purge(tx: AccountTx, before: datetime, *, limit: int) -> int:
    return await tx.run(
        """
        DELETE FROM inbound_mails
        WHERE account_id = $1 AND id IN (
            SELECT id FROM inbound_mails WHERE account_id = $1 AND received_at <= $2 LIMIT $3
        )
        """,
        before,
        limit,
    )
