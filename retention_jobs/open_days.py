"""What the milder modes keep for a time: days of last opens (B-33), numbers of counted loads (B-34)."""

from datetime import datetime

from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs import eraser
from retention_jobs.policies import COUNTED, STATISTICS_MONTHS

BATCH = 10_000


async def purge(tx: AccountTx, now: datetime) -> int:
    """A rule as those of `purge`."""
    # a batch comes again within minutes, or not at all
    await tx.run("DELETE FROM counted_loads WHERE account_id = $1 AND day < $2", (now - COUNTED).date())
    return await eraser.old_open_days(tx, months_before(now, STATISTICS_MONTHS).date(), limit=BATCH)
