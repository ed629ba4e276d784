"""What programs were told, and what they answered: six days (A-001, E-64)."""

from datetime import datetime

from mailer.core.db import AccountTx
from retention_jobs.policies import CONTENT

BATCH = 10_000


async def old(tx: AccountTx, now: datetime) -> int:
    """Events, and with each its deliveries and attempts: bodies and answers."""
    return await tx.run(
        """
        DELETE FROM webhook_events
        WHERE account_id = $1 AND id IN (
            SELECT id FROM webhook_events WHERE account_id = $1 AND at < $2 ORDER BY at LIMIT $3
        )
        """,
        now - CONTENT,
        BATCH,
    )
