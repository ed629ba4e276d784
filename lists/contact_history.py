"""What happened with one contact, and why: deliveries with their reason, and everything in order of time."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lists import consents, contact_merges, contacts, export_rows, subscriptions, suppressions
from mailer.accounts import audit
from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One campaign and this contact. `since`: of the subscription that authorised it, if it is there.

    `status` may be "deferred", then `next_at` is the next try's.
    """

    campaign_id: int
    campaign_name: str | None
    list_name: str | None
    month: date
    status: str
    reason: str
    at: datetime | None
    next_at: datetime | None
    smtp_code: int | None
    smtp_reply: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A line of the timeline. `kind`: consent, delivery, event, change; `word` says what of it."""

    at: datetime
    kind: str
    word: str
    purpose: str
    name: str | None
    who: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """The contact page in one read."""

    contact: contacts.Contact
    subscriptions: list[subscriptions.Subscription]
    suppressions: list[suppressions.Suppression]
    ledger: list[consents.Entry]
    deliveries: list[Delivery]


async def everything(tx: AccountTx, contact_id: int) -> Everything:
    """Raises NotFound."""
    contact = await contacts.show(tx, contact_id)
    hashed: bytes = await tx.value(
        "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id
    )
    return Everything(
        contact=contact,
        subscriptions=await subscriptions.of_contact(tx, contact_id),
        suppressions=await suppressions.of_address(tx, hashed),
        ledger=await consents.of_contact(tx, contact_id),
        deliveries=await deliveries(tx, contact_id),
    )


async def deliveries(tx: AccountTx, contact_id: int, limit: int = 25) -> list[Delivery]:
    """The newest first."""
    return await tx.many(
        Delivery,
        """
        SELECT d.campaign_id, c.name AS campaign_name, l.name AS list_name, d.month, d.reason,
               CASE WHEN d.status = 'queued' AND d.first_at IS NOT NULL THEN 'deferred'
                    ELSE d.status END AS status,
               coalesce(d.final_at, d.first_at) AS at,
               CASE WHEN d.status = 'queued' AND d.first_at IS NOT NULL THEN d.next_at END AS next_at,
               d.smtp_code, d.smtp_reply, s.created_at AS since
        FROM deliveries d
        LEFT JOIN campaigns c ON c.account_id = $1 AND c.id = d.campaign_id
        LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = d.list_id
        LEFT JOIN subscriptions s
               ON s.account_id = $1 AND s.list_id = d.list_id AND s.contact_id = d.contact_id
        WHERE d.account_id = $1 AND d.contact_id = ANY ($2::bigint[])
        ORDER BY d.month DESC, d.campaign_id DESC
        LIMIT $3
        """,
        await contact_merges.ids(tx, contact_id),
        limit,
    )


async def timeline(tx: AccountTx, contact_id: int, limit: int = 100) -> list[Moment]:
    """The newest first: consents, deliveries, clicks and opens, changes by the team."""
    return await tx.many(
        Moment,
        """
        -- four sources, each cut to the limit first, so that one long history does not read the others whole
        SELECT at, kind, word, purpose, name, who, source
        FROM (
            (SELECT g.at, 'consent' AS kind, g.act AS word, g.purpose, l.name, g.method AS who, g.source
             FROM consents g
             LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = g.list_id
             WHERE g.account_id = $1 AND g.contact_id = ANY ($2::bigint[])
             ORDER BY g.id DESC
             LIMIT $3)
            UNION ALL
            (SELECT coalesce(d.final_at, d.first_at), 'delivery', d.status, d.reason, c.name, '', ''
             FROM deliveries d
             LEFT JOIN campaigns c ON c.account_id = $1 AND c.id = d.campaign_id
             WHERE d.account_id = $1 AND d.contact_id = ANY ($2)
               AND coalesce(d.final_at, d.first_at) IS NOT NULL
             ORDER BY 1 DESC
             LIMIT $3)
            UNION ALL
            (SELECT e.at, 'event', e.kind, e.verdict, c.name, '', ''
             FROM events e
             LEFT JOIN campaigns c ON c.account_id = $1 AND c.id = e.campaign_id
             WHERE e.account_id = $1 AND e.contact_id = ANY ($2)
             ORDER BY e.at DESC
             LIMIT $3)
            UNION ALL
            (SELECT a.at, 'change', a.action, '', NULL, a.actor, ''
             FROM audit a
             WHERE a.account_id = $1 AND a.object = 'contact' AND a.object_id = ANY ($2)
             ORDER BY a.id DESC
             LIMIT $3)
        ) AS moments
        ORDER BY at DESC
        LIMIT $3
        """,
        await contact_merges.ids(tx, contact_id),
        limit,
    )


async def archive(tx: AccountTx, contact_id: int) -> dict[str, Any]:
    """Everything held about one person, for a copy of their data (C-10). Raises NotFound."""
    row = (await export_rows.by_ids(tx, [(await contacts.show(tx, contact_id)).id]))[0]
    found = dict(export_rows.contact_object(row))
    found["deliveries"] = await deliveries(tx, contact_id, limit=100_000)
    found["history"] = await timeline(tx, contact_id, limit=100_000)
    await audit.write(tx, "exported", "contact", contact_id)
    return found
