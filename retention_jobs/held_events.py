"""Opens and clicks past their time in an account of which a law holds somebody, or everybody (A-005).

As the statements of `event_rows`, less what is held. Holds are joined and not asked for with `held`, which
takes 30 µs a row: a day may have a million.
"""

from datetime import datetime

from mailer.core.db import AccountTx


async def due(tx: AccountTx, before: datetime, now: datetime) -> list[tuple[int]]:
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


async def nth(tx: AccountTx, n: int, before: datetime, now: datetime) -> datetime | None:
    """The time of the nth event that nothing holds; None when there are fewer."""
    found: datetime | None = await tx.value(
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
        n - 1,
    )
    return found


async def delete(tx: AccountTx, before: datetime, to: datetime, now: datetime) -> int:
    """Those before that moment, and up to the other."""
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
          AND NOT EXISTS (SELECT FROM campaigns c
                          WHERE c.account_id = $1 AND c.id = e.campaign_id AND c.details_erased_at IS NULL)
        """,
        before,
        now,
        to,
    )
