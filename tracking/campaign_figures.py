"""What each campaign came to, in one row each: what pages that compare campaigns read.

    job "tracking.count_campaigns", or a look at a small account ─▶ reports.summary ─▶ campaign_figures

The older a campaign, the rarer it is counted again. A row goes when the campaign's details do (A-064).
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import AccountTx
from tracking import reports
from tracking.reports import Report

SMALL = 2_000
"""Recipients of a campaign that is counted while somebody waits."""
AT_ONCE = 20
MANY = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFigures:
    """`opened`, `clicked`, `unsubscribed`, `complained`: people. `counted_at` None: not counted yet."""

    campaign_id: int
    name: str
    started_at: datetime
    counted_at: datetime | None
    audience: int
    sent: int
    delivered: int
    bounced_hard: int
    bounced_other: int
    opens_base: int
    opened: int
    clicks_base: int
    clicked: int
    unsubscribed: int
    complained: int


async def latest(
    tx: AccountTx, *, limit: int, before: tuple[datetime, int] | None = None, but: int = 0
) -> list[CampaignFigures]:
    """Campaigns that were sent, the newest first, behind the one that began at `before`; `but`: left out.

    Campaigns whose details are erased are in no comparison any more.
    """
    return await tx.many(
        CampaignFigures,
        """
        SELECT c.id AS campaign_id, c.name, c.started_at, f.counted_at,
               coalesce(f.audience, c.audience) AS audience, coalesce(f.sent, 0) AS sent,
               coalesce(f.delivered, 0) AS delivered, coalesce(f.bounced_hard, 0) AS bounced_hard,
               coalesce(f.bounced_other, 0) AS bounced_other, coalesce(f.opens_base, 0) AS opens_base,
               coalesce(f.opened, 0) AS opened, coalesce(f.clicks_base, 0) AS clicks_base,
               coalesce(f.clicked, 0) AS clicked, coalesce(f.unsubscribed, 0) AS unsubscribed,
               coalesce(f.complained, 0) AS complained
        FROM campaigns c
        LEFT JOIN campaign_figures f ON f.account_id = $1 AND f.campaign_id = c.id
        WHERE c.account_id = $1 AND c.status = 'sent' AND c.started_at IS NOT NULL
          AND c.details_erased_at IS NULL AND c.id <> $2 AND c.automation_id IS NULL
          AND ($3::timestamptz IS NULL OR (c.started_at, c.id) < ($3, $4))
        ORDER BY c.started_at DESC, c.id DESC
        LIMIT $5
        """,
        but,
        before[0] if before else None,
        before[1] if before else 0,
        limit,
    )


async def refresh(tx: AccountTx, *, most_recipients: int = SMALL, limit: int = AT_ONCE) -> int:
    """Counts what is due, the newest first. Returns how many campaigns that were.

    Due: never counted, or longer ago than a fiftieth of the campaign's age: after a day half an hour, after a
    month half a day.
    """
    due = await tx.rows(
        """
        SELECT c.id
        FROM campaigns c
        LEFT JOIN campaign_figures f ON f.account_id = $1 AND f.campaign_id = c.id
        WHERE c.account_id = $1 AND c.status = 'sent' AND c.started_at IS NOT NULL
          AND c.details_erased_at IS NULL AND c.audience <= $2
          AND (f.counted_at IS NULL
               OR f.counted_at < now() - greatest(interval '1 minute', (now() - c.started_at) / 50))
        ORDER BY c.started_at DESC
        LIMIT $3
        """,
        most_recipients,
        limit,
    )
    for (campaign_id,) in due:
        await keep(tx, await reports.summary(tx, campaign_id))
    return len(due)


async def keep(tx: AccountTx, report: Report) -> None:
    balance = report.balance
    await tx.run(
        """
        INSERT INTO campaign_figures (account_id, campaign_id, audience, sent, delivered, bounced_hard,
                                      bounced_other, opens_base, opened, clicks_base, clicked, unsubscribed,
                                      complained)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (account_id, campaign_id) DO UPDATE
        SET counted_at = now(), audience = excluded.audience, sent = excluded.sent,
            delivered = excluded.delivered, bounced_hard = excluded.bounced_hard,
            bounced_other = excluded.bounced_other, opens_base = excluded.opens_base,
            opened = excluded.opened, clicks_base = excluded.clicks_base, clicked = excluded.clicked,
            unsubscribed = excluded.unsubscribed, complained = excluded.complained
        """,
        report.campaign.id,
        balance.audience,
        balance.sent,
        balance.delivered,
        balance.bounced_hard,
        balance.bounced - balance.bounced_hard,
        report.opens.base,
        report.opens.unique.people,
        report.clicks.base,
        report.clicks.unique.people,
        report.unsubscribed,
        report.complained,
    )
