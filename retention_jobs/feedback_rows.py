"""What came back, past its time: soft bounces after 6 months, counts of a day with its statistics (A-004)."""

from datetime import datetime

from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs.policies import SEEN, SOFT_BOUNCE_MONTHS, STATISTICS_MONTHS

# as purge.BATCH, whose file imports this one
LIMIT = 10_000


async def feedback(tx: AccountTx, now: datetime) -> int:
    """Soft bounces by age; the counts of days hold nobody and go with the statistics of their time."""
    deleted: int = await tx.value(
        """
        WITH days AS (
            DELETE FROM feedback_counts WHERE account_id = $1 AND day < $2
        ), seen AS (
            DELETE FROM feedback_seen
            WHERE account_id = $1 AND key IN (
                SELECT key FROM feedback_seen WHERE account_id = $1 AND at < $3 ORDER BY at LIMIT $5
            )
            RETURNING 1
        ), bounces AS (
            DELETE FROM soft_bounces
            WHERE account_id = $1 AND (contact_id, day) IN (
                SELECT contact_id, day FROM soft_bounces
                WHERE account_id = $1 AND at < $4
                ORDER BY at
                LIMIT $5
            )
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM seen) + (SELECT count(*) FROM bounces)
        """,
        months_before(now, STATISTICS_MONTHS).date(),
        now - SEEN,
        months_before(now, SOFT_BOUNCE_MONTHS),
        LIMIT,
    )
    return deleted
