"""Deliveries of a campaign, as people look at them: who, in which state, and why (S1)."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`email` is "" when the contact is gone. `status` deferred: queued again after a try (S1)."""

    contact_id: int
    email: str
    list_id: int
    status: str
    reason: str
    attempts: int
    next_at: datetime | None
    final_at: datetime | None
    smtp_code: int | None
    smtp_reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What servers answered last."""

    status: str
    reason: str
    smtp_code: int | None
    smtp_reply: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`status` may be "deferred" too. `after` is the contact of the last row of the page before."""

    status: str = ""
    reason: str = ""
    after: int | None = None
    limit: int = 50


async def skipped(tx: AccountTx, campaign_id: int) -> list[tuple[str, int]]:
    """Reason and number of the people who were left out at the last moment."""
    return [
        (reason, n)
        for reason, n in await tx.rows(
            """
            SELECT reason, count(*)
            FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2 AND status = 'skipped'
            GROUP BY reason
            ORDER BY reason
            """,
            campaign_id,
        )
    ]


async def many(tx: AccountTx, campaign_id: int, wanted: Filter) -> list[Delivery]:
    """By contact, one more than the limit when there are more."""
    return await tx.many(
        Delivery,
        """
        SELECT d.contact_id, coalesce(c.email, '') AS email, d.list_id,
               CASE WHEN d.status = 'queued' AND d.first_at IS NOT NULL THEN 'deferred'
                    ELSE d.status END AS status,
               d.reason, d.attempts::int AS attempts,
               CASE WHEN d.status = 'queued' THEN d.next_at END AS next_at, d.final_at,
               d.smtp_code::int AS smtp_code, d.smtp_reply
        FROM deliveries d
        LEFT JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
        WHERE d.account_id = $1 AND d.campaign_id = $2
          AND ($3 = '' OR d.status = CASE WHEN $3 = 'deferred' THEN 'queued' ELSE $3 END)
          AND ($3 <> 'deferred' OR d.first_at IS NOT NULL)
          AND ($4 = '' OR d.reason = $4)
          AND ($5::bigint IS NULL OR d.contact_id > $5)
        ORDER BY d.contact_id
        LIMIT $6
        """,
        campaign_id,
        wanted.status,
        wanted.reason,
        wanted.after,
        wanted.limit + 1,
    )


async def troubles(tx: AccountTx, campaign_id: int, limit: int = 5) -> list[Trouble]:
    """The newest answers that were no acceptance."""
    return await tx.many(
        Trouble,
        """
        SELECT status, reason, smtp_code::int AS smtp_code, smtp_reply,
               coalesce(final_at, first_at, now()) AS at
        FROM deliveries
        WHERE account_id = $1 AND campaign_id = $2
          AND (status IN ('bounced', 'failed', 'in_doubt') OR status = 'queued' AND first_at IS NOT NULL)
          AND smtp_reply <> ''
        ORDER BY at DESC
        LIMIT $3
        """,
        campaign_id,
        limit,
    )
