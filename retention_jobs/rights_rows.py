"""What people asked about their data: presses that nobody confirmed, and answers past their use as proof."""

from datetime import datetime

from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs.policies import RIGHTS_ASKED, RIGHTS_MONTHS, RIGHTS_SHOWN

# as purge.BATCH, whose file imports this one
BATCH = 10_000


async def purge(tx: AccountTx, now: datetime) -> int:
    """A day, six days once confirmed; the register three years after the answer, never while it is open."""
    deleted: int = await tx.value(
        """
        WITH asks AS (
            DELETE FROM rights_asks
            WHERE account_id = $1 AND id IN (
                SELECT id FROM rights_asks
                WHERE account_id = $1 AND asked_at <= $2 AND (request_id IS NULL OR asked_at <= $3)
                ORDER BY asked_at
                LIMIT $5
            )
            RETURNING 1
        ), requests AS (
            DELETE FROM rights_requests
            WHERE account_id = $1 AND id IN (
                SELECT id FROM rights_requests
                WHERE account_id = $1 AND state <> 'open' AND finished_at < $4
                ORDER BY finished_at
                LIMIT $5
            )
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM asks) + (SELECT count(*) FROM requests)
        """,
        now - RIGHTS_ASKED,
        now - RIGHTS_SHOWN,
        months_before(now, RIGHTS_MONTHS),
        BATCH,
    )
    return deleted
