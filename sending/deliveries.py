"""Deliveries of a campaign, as people look at them: how many in each state, who, and why (S1)."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import AccountTx

OPEN = frozenset({"queued", "claimed", "handing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many deliveries share state and reason; `deferred`: of the queued, those that were tried before."""

    status: str
    reason: str
    n: int
    deferred: int


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


async def tally(tx: AccountTx, campaign_id: int) -> list[Tally]:
    """Adds up to the audience at each moment."""
    return await tx.many(
        Tally,
        """
        SELECT status, reason, count(*)::int AS n,
               (count(*) FILTER (WHERE status = 'queued' AND attempts > 0))::int AS deferred
        FROM deliveries
        WHERE account_id = $1 AND campaign_id = $2
        GROUP BY status, reason
        ORDER BY status, reason
        """,
        campaign_id,
    )


async def many(tx: AccountTx, campaign_id: int, wanted: Filter) -> list[Delivery]:
    """By contact, one more than the limit when there are more."""
    return await tx.many(
        Delivery,
        """
        SELECT d.contact_id, coalesce(c.email, '') AS email, d.list_id,
               CASE WHEN d.status = 'queued' AND d.attempts > 0 THEN 'deferred' ELSE d.status END AS status,
               d.reason, d.attempts::int AS attempts,
               CASE WHEN d.status = 'queued' THEN d.next_at END AS next_at, d.final_at,
               d.smtp_code::int AS smtp_code, d.smtp_reply
        FROM deliveries d
        LEFT JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
        WHERE d.account_id = $1 AND d.campaign_id = $2
          AND ($3 = '' OR d.status = CASE WHEN $3 = 'deferred' THEN 'queued' ELSE $3 END)
          AND ($3 <> 'deferred' OR d.attempts > 0)
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
          AND (status IN ('bounced', 'failed', 'in_doubt') OR status = 'queued' AND attempts > 0)
          AND smtp_reply <> ''
        ORDER BY at DESC
        LIMIT $3
        """,
        campaign_id,
        limit,
    )
