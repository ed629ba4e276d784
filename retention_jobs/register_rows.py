"""Files of breaches and notices of the operator, five years after they were closed (GDPR 33(5))."""

from datetime import datetime

from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs.policies import REGISTER_MONTHS


async def purge(tx: AccountTx, now: datetime) -> int:
    before = months_before(now, REGISTER_MONTHS)
    deleted = await tx.run("DELETE FROM account_breaches WHERE account_id = $1 AND closed_at < $2", before)
    # a notice stays as long as the file it belongs to
    return deleted + await tx.run(
        """
        DELETE FROM notices n
        WHERE n.account_id = $1 AND n.at < $2
          AND NOT EXISTS (SELECT FROM account_breaches b
                          WHERE b.account_id = $1 AND n.kind = 'breach' AND b.breach_id = n.ref_id)
        """,
        before,
    )
