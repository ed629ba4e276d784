"""Why one contact got one campaign, or did not: the delivery as decided, and the proof in force then."""

from dataclasses import dataclass
from datetime import datetime

from lists.contact_history import Delivery
from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A campaign to ask about."""

    id: int
    name: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The last line of the ledger about the list, before the mail began."""

    act: str
    at: datetime
    method: str
    legal_basis: str
    source: str
    wording: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`opens`, `clicks`: was the mail measured."""

    delivery: Delivery
    opens: bool
    clicks: bool
    proof: Proof | None


async def campaigns(tx: AccountTx, limit: int = 200) -> list[Choice]:
    """The account's latest that were started, the newest first."""
    return await tx.many(
        Choice,
        """
        SELECT id, name, finished_at AS at
        FROM campaigns
        WHERE account_id = $1 AND month IS NOT NULL
        ORDER BY id DESC
        LIMIT $2
        """,
        limit,
    )


async def show(tx: AccountTx, contact_id: int, campaign_id: int) -> Decision | None:
    """None: the campaign has no delivery to this contact (any more)."""
    found = await tx.first(
        _Found,
        """
        SELECT d.campaign_id, c.name AS campaign_name, l.name AS list_name, d.list_id, d.month, d.reason,
               CASE WHEN d.status = 'queued' AND d.first_at IS NOT NULL THEN 'deferred'
                    ELSE d.status END AS status,
               coalesce(d.final_at, d.first_at) AS at,
               CASE WHEN d.status = 'queued' AND d.first_at IS NOT NULL THEN d.next_at END AS next_at,
               d.smtp_code, d.smtp_reply, d.bounce_reason, s.created_at AS since, d.first_at, d.opens,
               d.clicks
        FROM deliveries d
        JOIN campaigns c ON c.account_id = $1 AND c.id = d.campaign_id AND c.month = d.month
        LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = d.list_id
        LEFT JOIN subscriptions s
               ON s.account_id = $1 AND s.list_id = d.list_id AND s.contact_id = d.contact_id
        WHERE d.account_id = $1 AND d.contact_id = $2 AND d.campaign_id = $3
        """,
        contact_id,
        campaign_id,
    )
    if found is None:
        return None
    proof = await tx.first(
        Proof,
        """
        SELECT g.act, g.at, g.method, g.legal_basis, g.source, coalesce(w.text, g.wording) AS wording
        FROM consents g
        LEFT JOIN wordings w ON w.account_id = $1 AND w.id = g.wording_id
        WHERE g.account_id = $1 AND g.contact_id = $2 AND g.purpose = 'mail'
          AND (g.list_id = $3 OR g.list_id IS NULL) AND g.act IN ('granted', 'confirmed', 'withdrawn')
          AND g.at <= coalesce($4, now())
        ORDER BY g.id DESC
        LIMIT 1
        """,
        contact_id,
        found.list_id,
        found.first_at or found.at,
    )
    values = {name: getattr(found, name) for name in Delivery.__dataclass_fields__}
    return Decision(delivery=Delivery(**values), opens=found.opens, clicks=found.clicks, proof=proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found(Delivery):
    list_id: int
    first_at: datetime | None
    opens: bool
    clicks: bool
