"""What happened with one contact, and why: deliveries with their reason, and everything in order of time."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lists import (
    bounce_standing,
    consents,
    contact_journeys,
    contact_merges,
    contact_timeline,
    contacts,
    export_rows,
    restrictions,
    subscriptions,
    suppressions,
)
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.text import N_
from mailer.web import response

# C-10: how long each part of a copy is kept; retention_jobs/policies.py holds the periods
KEPT = {
    "contact, lists, restrictions": N_("until erased; looked at again 3 years after the last sign"),
    "consents": N_("as proof, with the account"),
    "suppressions": N_("as a fingerprint of the address, to honour the refusal"),
    "deliveries, messages, opens and clicks": N_("13 months after the last attempt, the open or the click"),
    "changes": N_("12 months after the change"),
    "content of messages": N_("6 days after the last attempt"),
    "automatic_campaigns": N_(
        "as long as the contact; which mail left and which step was passed: 13 months after it"
    ),
    "sign_ups": N_("30 days after the request"),
    "requests": N_("3 years after the answer, as proof"),
    "temporary_failures": N_("6 months after the failure"),
}


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
    bounce_reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A transactional message, without what it said."""

    id: int
    template: str
    status: str
    reason: str
    created_at: datetime
    final_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A form sent with this address; `given`: what was typed, until it is confirmed."""

    form_id: int
    version: int
    asked_at: datetime
    confirmed_at: datetime | None
    given: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsRequest:
    """What the person asked about their data (`rights_requests` has the register)."""

    id: int
    kind: str
    channel: str
    state: str
    details: str
    received_at: datetime
    due_on: date
    answer: str
    finished_at: datetime | None


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
               d.smtp_code, d.smtp_reply, d.bounce_reason, s.created_at AS since
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


async def archive(tx: AccountTx, contact_id: int) -> dict[str, Any]:
    """Everything held about one person, for a copy of their data (C-10). Raises NotFound."""
    row = (await export_rows.by_ids(tx, [(await contacts.show(tx, contact_id)).id]))[0]
    found = dict(export_rows.contact_object(row))
    found["restrictions"] = await restrictions.of_contact(tx, contact_id)
    found["deliveries"] = await deliveries(tx, contact_id, limit=100_000)
    found["messages"] = await _messages(tx, contact_id)
    found["automatic_campaigns"] = await contact_journeys.many(tx, contact_id, limit=100_000)
    found["sign_ups"] = await _sign_ups(tx, contact_id)
    found["requests"] = await _requests(tx, contact_id)
    found["temporary_failures"] = await bounce_standing.failures(tx, contact_id)
    history = (await contact_timeline.many(tx, contact_id, limit=100_000)).items
    found["history"] = [response.jsonable(one) | {"kept_until": one.kept_until} for one in history]
    found["kept"] = KEPT
    await audit.write(tx, "exported", "contact", contact_id)
    return found


async def _messages(tx: AccountTx, contact_id: int) -> list[Message]:
    """Mails that programs sent to this contact alone; what they said is gone after six days."""
    return await tx.many(
        Message,
        """
        SELECT id, template, status, reason, created_at, final_at
        FROM messages
        WHERE account_id = $1 AND contact_id = ANY ($2::bigint[])
        ORDER BY id DESC
        LIMIT 100000
        """,
        await contact_merges.ids(tx, contact_id),
    )


async def _sign_ups(tx: AccountTx, contact_id: int) -> list[SignUp]:
    return await tx.many(
        SignUp,
        """
        SELECT r.form_id, r.version, r.asked_at, r.confirmed_at, r.given
        FROM signup_requests r
        WHERE r.account_id = $1 AND r.contact_id = $2
        ORDER BY r.id DESC
        LIMIT 100000
        """,
        contact_id,
    )


async def _requests(tx: AccountTx, contact_id: int) -> list[RightsRequest]:
    return await tx.many(
        RightsRequest,
        """
        SELECT id, kind, channel, state, details, received_at, due_on, answer, finished_at
        FROM rights_requests
        WHERE account_id = $1 AND contact_id = $2
        ORDER BY id DESC
        LIMIT 1000
        """,
        contact_id,
    )
