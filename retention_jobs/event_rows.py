"""Opens and clicks past their 13 calendar months, in batches (G-2)."""

from datetime import datetime

from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs import totals
from retention_jobs.policies import STATISTICS_MONTHS

LIMIT = 50_000
"""Each costs its deletion and little else, so that a batch may be larger than those of other rules."""


async def purge(tx: AccountTx, now: datetime) -> int:
    """What they add up to is kept first (G-2). About LIMIT of them, fewer when these are the last.

    Up to the time of the LIMITth that no law holds, those of the same moment with it. Holds are joined and
    not asked for with `held`, which takes 30 µs a row: a day may have a million.
    """
    before = months_before(now, STATISTICS_MONTHS)
    due = await tx.rows(
        """
        SELECT c.id
        FROM campaigns c
        WHERE c.account_id = $1 AND c.details_erased_at IS NULL
          AND (c.month IS NULL OR c.month <= ($2::timestamptz AT TIME ZONE 'UTC')::date)
          -- all kinds there are (events_kind_check): a step or two into an index for each campaign
          AND EXISTS (SELECT FROM events e
                      WHERE e.account_id = $1 AND e.campaign_id = c.id AND e.at < $2
                        AND e.kind IN ('open', 'click', 'unsubscribe', 'complaint', 'bounce')
                        AND NOT EXISTS (SELECT FROM legal_holds h
                                        WHERE h.account_id = $1 AND h.contact_id IS NULL
                                          AND h.lifted_at IS NULL AND h.ends_at > $3)
                        AND NOT EXISTS (SELECT FROM legal_holds h
                                        WHERE h.account_id = $1 AND h.contact_id = e.contact_id
                                          AND h.lifted_at IS NULL AND h.ends_at > $3))
        """,
        before,
        now,
    )
    if due:
        await totals.freeze(tx, [campaign_id for (campaign_id,) in due], now)
    return await tx.run(
        """
        DELETE FROM events e
        WHERE e.account_id = $1 AND e.at < $2 AND e.at <= $4
          AND NOT EXISTS (SELECT FROM legal_holds h
                          WHERE h.account_id = $1 AND h.contact_id IS NULL
                            AND h.lifted_at IS NULL AND h.ends_at > $3)
          AND NOT EXISTS (SELECT FROM legal_holds h
                          WHERE h.account_id = $1 AND h.contact_id = e.contact_id
                            AND h.lifted_at IS NULL AND h.ends_at > $3)
          -- not what was stored of another since this began: its totals are not kept yet
          AND NOT EXISTS (SELECT FROM campaigns c
                          WHERE c.account_id = $1 AND c.id = e.campaign_id AND c.details_erased_at IS NULL)
        """,
        before,
        now,
        await _reach(tx, before, now),
    )


async def _reach(tx: AccountTx, before: datetime, now: datetime) -> datetime:
    """The time of the LIMITth event that no law holds; `before` when there are fewer."""
    anybody_held = await tx.value(
        """
        SELECT EXISTS (SELECT FROM legal_holds
                       WHERE account_id = $1 AND lifted_at IS NULL AND ends_at > $2)
        """,
        now,
    )
    if not anybody_held:
        # by the index alone
        until = await tx.value(
            """
            SELECT at FROM events
            WHERE account_id = $1 AND at < $2
            ORDER BY at
            OFFSET $3 LIMIT 1
            """,
            before,
            LIMIT - 1,
        )
    else:
        until = await tx.value(
            """
            SELECT e.at FROM events e
            WHERE e.account_id = $1 AND e.at < $2
              AND NOT EXISTS (SELECT FROM legal_holds h
                              WHERE h.account_id = $1 AND h.contact_id IS NULL
                                AND h.lifted_at IS NULL AND h.ends_at > $3)
              AND NOT EXISTS (SELECT FROM legal_holds h
                              WHERE h.account_id = $1 AND h.contact_id = e.contact_id
                                AND h.lifted_at IS NULL AND h.ends_at > $3)
            ORDER BY e.at
            OFFSET $4 LIMIT 1
            """,
            before,
            now,
            LIMIT - 1,
        )
    return until or before
