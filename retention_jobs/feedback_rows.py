"""What came back, past its time: soft bounces after 6 months, counts of a day with its statistics (A-004)."""

from datetime import datetime

from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs.policies import SEEN, SOFT_BOUNCE_MONTHS, STATISTICS_MONTHS

# as purge.BATCH, whose file imports this one
LIMIT = 10_000


async def feedback(tx: AccountTx, now: datetime) -> int:
    """Soft bounces by age; the counts of days hold nobody and go with the statistics of their time."""
    await tx.run(
        "DELETE FROM feedback_counts WHERE account_id = $1 AND day < $2",
        months_before(now, STATISTICS_MONTHS).date(),
    )
    seen = await tx.run(
        """
        DELETE FROM feedback_seen
        WHERE account_id = $1 AND key IN (
            SELECT key FROM feedback_seen WHERE account_id = $1 AND at < $2 ORDER BY at LIMIT $3
        )
        """,
        now - SEEN,
        LIMIT,
    )
    return seen + await tx.run(
        """
        DELETE FROM soft_bounces
        WHERE account_id = $1 AND (contact_id, day) IN (
            SELECT contact_id, day FROM soft_bounces WHERE account_id = $1 AND at < $2 ORDER BY at LIMIT $3
        )
        """,
        months_before(now, SOFT_BOUNCE_MONTHS),
        LIMIT,
    )
