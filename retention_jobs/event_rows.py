"""Opens and clicks past their 13 calendar months, in batches (G-2)."""

from datetime import datetime, timedelta

from lists import legal_holds
from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs import held_events, totals
from retention_jobs.policies import STATISTICS_MONTHS

LIMIT = 50_000
"""Each costs its deletion and little else, so that a batch may be larger than those of other rules."""
STEP = timedelta(days=1)


async def purge(tx: AccountTx, now: datetime) -> int:
    """What they add up to is kept first (G-2). A day's at a time, until they are LIMIT or the last.

    Looking each one's holds up takes longer than deleting it, so that it is asked first whether there are
    any; then about LIMIT of them, those of one moment together.
    """
    before = months_before(now, STATISTICS_MONTHS)
    held = await legal_holds.anybody(tx, now)
    due = await held_events.due(tx, before, now) if held else await _due(tx, before)
    if due:
        await totals.freeze(tx, [campaign_id for (campaign_id,) in due], now)
    if held:
        to = await held_events.nth(tx, LIMIT, before, now)
        return await held_events.delete(tx, before, to or before, now)
    deleted, to = 0, None
    while deleted < LIMIT and to != before and (oldest := await _oldest(tx, before)):
        to = min(oldest + STEP, before)
        deleted += await _delete(tx, to)
    return deleted


async def _due(tx: AccountTx, before: datetime) -> list[tuple[int]]:
    """Campaigns of which something goes, and whose figures are not frozen."""
    return await tx.rows(
        """
        SELECT c.id
        FROM campaigns c
        WHERE c.account_id = $1 AND c.details_erased_at IS NULL
          AND (c.month IS NULL OR c.month <= ($2::timestamptz AT TIME ZONE 'UTC')::date)
          -- all kinds there are (events_kind_check): a step or two into an index for each campaign
          AND EXISTS (SELECT FROM events e
                      WHERE e.account_id = $1 AND e.campaign_id = c.id AND e.at < $2
                        AND e.kind IN ('open', 'click', 'unsubscribe', 'complaint', 'bounce'))
        """,
        before,
    )


async def _oldest(tx: AccountTx, before: datetime) -> datetime | None:
    found: datetime | None = await tx.value(
        "SELECT at FROM events WHERE account_id = $1 AND at < $2 ORDER BY at LIMIT 1", before
    )
    return found


async def _delete(tx: AccountTx, before: datetime) -> int:
    return await tx.run("DELETE FROM events WHERE account_id = $1 AND at < $2", before)
