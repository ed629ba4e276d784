"""Counts of a day or a campaign beside deliveries, which go when those of their time do (A-004)."""

from datetime import datetime

from mailer.core.db import AccountTx


async def purge(tx: AccountTx, before: datetime) -> None:
    """What providers answered, how much left on a day, what a send was judged by, counted loads.

    Few rows: at once.
    """
    await tx.run(
        """
        WITH stops AS (
            DELETE FROM provider_stops WHERE account_id = $1 AND at < $2
        ), days AS (
            DELETE FROM day_counts WHERE account_id = $1 AND day < $3
        ), warm AS (
            DELETE FROM warm_up_days WHERE account_id = $1 AND day < $3
        ), loads AS (
            DELETE FROM open_counts o
            USING campaigns c
            WHERE o.account_id = $1 AND c.account_id = $1 AND c.id = o.campaign_id
              AND c.details_erased_at IS NOT NULL
        )
        DELETE FROM evidence e
        USING campaigns c
        WHERE e.account_id = $1 AND c.account_id = $1 AND c.id = e.campaign_id
          AND c.details_erased_at IS NOT NULL
        """,
        before,
        before.date(),
    )
