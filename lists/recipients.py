"""What a recipient's page shows about the person who holds the link, gone or not (S9, F-09)."""

from dataclasses import dataclass
from datetime import datetime

from lists import subscriptions, suppressions
from lists.subscriptions import Person, Subscription
from mailer.core.db import AccountTx
from mailer.core.tokens import RecipientToken

RECENT_MINUTES = 10  # ui 4.5: "after POST (and 10 min)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The link's list. `gone`: it was deleted; the refusal holds all the same."""

    name: str
    gone: bool
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A list on the preferences page. `wanted`: the person receives it now."""

    list_id: int
    name: str
    purpose: str
    frequency: str
    wanted: bool


def masked(email: str) -> str:
    """j•••@exemple.fr: mails are forwarded, so a page never shows the whole address (ui 2.4)."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


async def listed(tx: AccountTx, who: RecipientToken) -> Listed | None:
    """None when the token names no list, or one that is no more."""
    return await tx.first(
        Listed,
        """
        SELECT l.public_name AS name, l.deleted_at IS NOT NULL AS gone, s.created_at AS since
        FROM mailing_lists l
        LEFT JOIN contacts c ON c.account_id = $1 AND c.address_hash = $3
        LEFT JOIN subscriptions s ON s.account_id = $1 AND s.list_id = l.id AND s.contact_id = c.id
        WHERE l.account_id = $1 AND l.id = $2
        """,
        who.list_id,
        who.address_hash,
    )


async def mail_language(tx: AccountTx, who: RecipientToken) -> str | None:
    """Of the campaign whose mail held the link."""
    found: str | None = await tx.value(
        "SELECT language FROM campaigns WHERE account_id = $1 AND id = $2", who.campaign_id
    )
    return found


async def still_received(tx: AccountTx, person: Person | None) -> list[Subscription]:
    """Lists that go on reaching this person."""
    if person is None:
        return []
    found = await subscriptions.of_contact(tx, person.contact_id)
    return [one for one in found if one.status == "active" and not one.stopped]


async def may_return(tx: AccountTx, who: RecipientToken) -> bool:
    """False when the team itself stopped this address: then only the team can say yes."""
    found = await suppressions.of_address(tx, who.address_hash)
    return not any(
        row.reason == suppressions.Reason.ADDED and row.list_id in (None, who.list_id) for row in found
    )


async def asked_at(tx: AccountTx, who: RecipientToken) -> datetime | None:
    """When the person last asked to come back to the link's list, if that was in the last minutes."""
    found: datetime | None = await tx.value(
        """
        SELECT max(at)
        FROM consents
        WHERE account_id = $1
          AND contact_id IN (SELECT id FROM contacts WHERE account_id = $1 AND address_hash = $2)
          AND act = 'asked' AND list_id = $3 AND at > now() - make_interval(mins => $4)
        """,
        who.address_hash,
        who.list_id,
        RECENT_MINUTES,
    )
    return found


async def is_active(tx: AccountTx, who: RecipientToken) -> bool:
    """True when the link's list reaches this address."""
    return bool(
        await tx.value(
            """
            SELECT EXISTS (
                SELECT FROM subscriptions s
                JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id AND c.address_hash = $2
                WHERE s.account_id = $1 AND s.list_id = $3 AND s.status = 'active')
            AND NOT EXISTS (
                SELECT FROM suppressions
                WHERE account_id = $1 AND address_hash = $2 AND stops(suppressions, $3))
            """,
            who.address_hash,
            who.list_id,
        )
    )


async def offers(tx: AccountTx, person: Person) -> list[Offer]:
    """Lists a person may tick: those shown on this page, and any other that reaches the person now."""
    return await tx.many(
        Offer,
        """
        WITH mine AS (
            SELECT s.list_id
            FROM subscriptions s
            JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
            WHERE s.account_id = $1 AND s.contact_id = $2 AND s.status = 'active'
              AND NOT EXISTS (SELECT FROM suppressions u
                              WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                                AND stops(u, s.list_id))
        )
        SELECT l.id AS list_id, l.public_name AS name, l.purpose, l.frequency, m.list_id IS NOT NULL AS wanted
        FROM mailing_lists l
        LEFT JOIN mine m ON m.list_id = l.id
        WHERE l.account_id = $1 AND l.deleted_at IS NULL AND (l.shown_in_preferences OR m.list_id IS NOT NULL)
        ORDER BY l.public_name, l.id
        LIMIT 100
        """,
        person.contact_id,
    )


async def chosen_at(tx: AccountTx, person: Person) -> datetime | None:
    """When the person last changed anything on a page of a mail's link."""
    found: datetime | None = await tx.value(
        """
        SELECT max(at)
        FROM consents
        WHERE account_id = $1 AND contact_id = $2
          AND method IN ('link', 'one_click', 'preferences', 'confirmation')
        """,
        person.contact_id,
    )
    return found
