"""Opens and clicks past their 13 calendar months, in batches that are read once (G-2)."""

from datetime import datetime

from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs import totals
from retention_jobs.policies import STATISTICS_MONTHS


async def purge(tx: AccountTx, now: datetime, *, limit: int) -> int:
    """What they add up to is kept first (G-2). About `limit` of them, fewer when these are the last.

    Up to the time of the `limit`th that no law holds, those of the same moment with it. Holds are joined and
    not asked for with `held`, which takes 30 µs a row: a day may have a million.
    """
    before = months_before(now, STATISTICS_MONTHS)
    [(until, campaigns)] = await tx.rows(
        """
        SELECT max(at), array_agg(DISTINCT campaign_id)
        FROM (
            SELECT e.at, e.campaign_id
            FROM events e
            WHERE e.account_id = $1 AND e.at < $2
              AND NOT EXISTS (SELECT FROM legal_holds h
                              WHERE h.account_id = $1 AND h.contact_id IS NULL
                                AND h.lifted_at IS NULL AND h.ends_at > $4)
              AND NOT EXISTS (SELECT FROM legal_holds h
                              WHERE h.account_id = $1 AND h.contact_id = e.contact_id
                                AND h.lifted_at IS NULL AND h.ends_at > $4)
            ORDER BY e.at, e.id
            LIMIT $3
        ) first
        """,
        before,
        limit,
        now,
    )
    if until is None:
        return 0
    due = await tx.rows(
        """
        SELECT id FROM campaigns
        WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND details_erased_at IS NULL
        """,
        campaigns,
    )
    if due:
        await totals.freeze(tx, [campaign_id for (campaign_id,) in due], now)
    return await tx.run(
        """
        DELETE FROM events e
        WHERE e.account_id = $1 AND e.at < $2 AND e.at <= $3
          AND NOT EXISTS (SELECT FROM legal_holds h
                          WHERE h.account_id = $1 AND h.contact_id IS NULL
                            AND h.lifted_at IS NULL AND h.ends_at > $4)
          AND NOT EXISTS (SELECT FROM legal_holds h
                          WHERE h.account_id = $1 AND h.contact_id = e.contact_id
                            AND h.lifted_at IS NULL AND h.ends_at > $4)
          -- not what was stored of another since this began: its totals are not kept yet
          AND e.campaign_id = ANY ($5::bigint[])
        """,
        before,
        until,
        now,
        campaigns,
    )
