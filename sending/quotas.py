"""Quotas: how many mails an account may begin to send in a day and in a month, set by the operator.

Counted in PostgreSQL, by the account's own calendar, in the transaction in which a mail begins to leave: two
lanes never pass the limit together. A mail that is tried again counts once. Without a quota none is counted.
"""

from dataclasses import dataclass
from datetime import date, datetime

from mailer.core import clock
from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Limits None: none. `begun` today, `month_begun` this month; `tomorrow`, `next_month`: when they end."""

    per_day: int | None
    per_month: int | None
    day: date
    begun: int
    month_begun: int
    tomorrow: datetime
    next_month: datetime

    @property
    def left(self) -> int:
        of_day = self.per_day - self.begun if self.per_day is not None else None
        of_month = self.per_month - self.month_begun if self.per_month is not None else None
        return max(0, min(left for left in (of_day, of_month) if left is not None))

    @property
    def resumes_at(self) -> datetime:
        """When there is something left again, once `left` is 0."""
        month_over = self.per_month is not None and self.month_begun >= self.per_month
        return self.next_month if month_over else self.tomorrow


async def today(tx: AccountTx) -> Quota | None:
    """As of now; None when the account has no quota."""
    return await tx.first(
        Quota,
        """
        SELECT a.per_day, a.per_month, x.day,
               coalesce((SELECT d.begun FROM day_counts d
                         WHERE d.account_id = $1 AND d.day = x.day), 0) AS begun,
               coalesce((SELECT sum(d.begun) FROM day_counts d
                         WHERE d.account_id = $1 AND d.day >= date_trunc('month', x.day)::date
                           AND d.day <= x.day), 0)::int AS month_begun,
               ((x.day + 1)::timestamp AT TIME ZONE a.time_zone) AS tomorrow,
               ((date_trunc('month', x.day) + interval '1 month') AT TIME ZONE a.time_zone) AS next_month
        FROM accounts a
        CROSS JOIN LATERAL (SELECT ($2::timestamptz AT TIME ZONE a.time_zone)::date AS day) x
        WHERE a.id = $1 AND (a.per_day IS NOT NULL OR a.per_month IS NOT NULL)
        """,
        clock.now(),
    )


async def hold(tx: AccountTx) -> Quota | None:
    """As of now, and nobody else counts until this transaction ends."""
    found = await today(tx)
    if found is None:
        return None
    await _begin_day(tx, found.day)
    await tx.value("SELECT begun FROM day_counts WHERE account_id = $1 AND day = $2 FOR UPDATE", found.day)
    return await today(tx)


async def count(tx: AccountTx, day: date, n: int) -> None:
    """`n` more mails began to leave."""
    await tx.run("UPDATE day_counts SET begun = begun + $3 WHERE account_id = $1 AND day = $2", day, n)


async def _begin_day(tx: AccountTx, day: date) -> None:
    """The first count of a day finds what left before there was a quota."""
    if await tx.value("SELECT 1 FROM day_counts WHERE account_id = $1 AND day = $2", day):
        return
    await tx.run(
        """
        INSERT INTO day_counts (account_id, day, begun)
        SELECT $1, $2, count(d.contact_id)
        FROM accounts a
        JOIN campaigns c ON c.account_id = a.id AND c.started_at IS NOT NULL
            AND coalesce(c.finished_at, 'infinity') >= ($2::date::timestamp AT TIME ZONE a.time_zone)
        JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
            AND d.first_at >= ($2::date::timestamp AT TIME ZONE a.time_zone)
        WHERE a.id = $1
        ON CONFLICT DO NOTHING
        """,
        day,
    )
