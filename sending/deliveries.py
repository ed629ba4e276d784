"""Deliveries of a campaign, as people look at them: who, in which state, and why (S1)."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`email` is "" when the contact is gone. `status` deferred: queued again after a try (S1).

    `since`: when the subscription that authorised it began. `provider`: who takes the mail of its domain.
    `variant`: that an A/B test drew for them, 1 for A; None for everybody else, who get what it decides.
    """

    contact_id: int
    email: str
    list_id: int
    list_name: str | None
    since: datetime | None
    status: str
    reason: str
    provider: str
    attempts: int
    first_at: datetime | None
    next_at: datetime | None
    final_at: datetime | None
    smtp_code: int | None
    smtp_reply: str
    bounce_reason: str
    variant: int | None

    @property
    def at(self) -> datetime | None:
        return self.final_at or self.first_at


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
    """`status` may be "deferred" too, or "waiting": queued, claimed or in hand-over.

    `after` is the contact of the last row of the page before.
    """

    status: str = ""
    reason: str = ""
    provider: str = ""
    after: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Of those who got nothing: how many share state and reason."""

    status: str
    reason: str
    count: int


async def by_reason(tx: AccountTx, campaign_id: int) -> list[Part]:
    """What bounced, failed and was left out, each by its reason."""
    return await tx.many(
        Part,
        """
        SELECT d.status, d.reason, count(*)::int AS count
        FROM campaigns c
        JOIN deliveries d ON d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
        WHERE c.account_id = $1 AND c.id = $2 AND d.status IN ('bounced', 'failed', 'skipped')
        GROUP BY d.status, d.reason
        ORDER BY d.status, d.reason
        """,
        campaign_id,
    )


async def many(tx: AccountTx, campaign_id: int, wanted: Filter) -> list[Delivery]:
    """By contact, one more than the limit when there are more."""
    return await tx.many(
        Delivery,
        """
        SELECT d.contact_id, coalesce(c.email, '') AS email, d.list_id, l.name AS list_name,
               s.created_at AS since, d.profile AS provider,
               CASE WHEN d.status = 'queued' AND d.first_at IS NOT NULL THEN 'deferred'
                    ELSE d.status END AS status,
               d.reason, d.attempts::int AS attempts,
               -- what an A/B test holds back is due at no hour
               CASE WHEN d.status = 'queued' AND d.next_at < '8999-01-01' THEN d.next_at END AS next_at,
               d.first_at, d.final_at, d.smtp_code::int AS smtp_code, d.smtp_reply, d.bounce_reason,
               nullif(d.variant, 0)::int AS variant
        FROM deliveries d
        LEFT JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
        LEFT JOIN mailing_lists l ON l.account_id = d.account_id AND l.id = d.list_id
        LEFT JOIN subscriptions s ON s.account_id = d.account_id AND s.list_id = d.list_id
            AND s.contact_id = d.contact_id
        WHERE d.account_id = $1 AND d.campaign_id = $2
          AND ($3 IN ('', 'waiting') OR d.status = CASE WHEN $3 = 'deferred' THEN 'queued' ELSE $3 END)
          AND ($3 <> 'deferred' OR d.first_at IS NOT NULL)
          AND ($3 <> 'waiting' OR d.status IN ('queued', 'claimed', 'handing'))
          AND ($4 = '' OR d.reason = $4)
          AND ($5 = '' OR d.profile = $5)
          AND ($6::bigint IS NULL OR d.contact_id > $6)
        ORDER BY d.contact_id
        LIMIT $7
        """,
        campaign_id,
        wanted.status,
        wanted.reason,
        wanted.provider,
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
