"""Accounts: one tenant each. Identity shown to recipients, settings, limits; closing: `account_life.py`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field

from mailer.accounts import audit, users
from mailer.core import work
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import Fault, Invalid, fault
from mailer.core.text import N_
from mailer.web.request import Input


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Status: pending (waits for whom `awaits` names: operator, owner), active, suspended, closed.

    `per_day`, `per_month`: mails it may send, None without a limit; the operator sets them.
    """

    id: int
    name: str
    status: str
    status_reason: str
    suspended_by: str | None
    awaits: str
    language: str
    time_zone: str
    legal_name: str
    postal_address: str
    country: str
    contact_email: str
    website: str
    registration: str
    keep_sources: bool
    per_day: int | None
    per_month: int | None
    created_at: datetime
    closed_at: datetime | None
    erase_at: datetime | None

    @property
    def identified(self) -> bool:
        """A-062: recipients can be told who writes to them."""
        return bool(self.legal_name and self.postal_address and self.contact_email)


class AccountSettings(Input):
    """All settings of the page."""

    name: str = Field(min_length=1, max_length=120)
    language: Literal["fr", "en"] = "fr"
    time_zone: str = "Europe/Paris"
    legal_name: str = Field(min_length=1, max_length=200)
    postal_address: str = Field(min_length=1, max_length=500)
    country: str = Field("FR", pattern=r"^[A-Z]{2}$")
    contact_email: str = Field(min_length=1, max_length=254)
    website: str = Field("", max_length=300)
    registration: str = Field("", max_length=120)
    keep_sources: bool = True


class AccountChanges(Input):
    """PATCH: what is left out stays. Identity cannot be emptied again once it was given."""

    name: str | None = Field(None, min_length=1, max_length=120)
    language: Literal["fr", "en"] | None = None
    time_zone: str | None = None
    legal_name: str | None = Field(None, min_length=1, max_length=200)
    postal_address: str | None = Field(None, min_length=1, max_length=500)
    country: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    contact_email: str | None = Field(None, min_length=1, max_length=254)
    website: str | None = Field(None, max_length=300)
    registration: str | None = Field(None, max_length=120)
    keep_sources: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An account in the switcher."""

    id: int
    name: str
    status: str
    awaits: str
    role: str


async def create(tx: SharedTx, name: str, *, owner_id: int, language: str, status: str = "active") -> int:
    """An account with its owner, who may send. Returns its id."""
    account_id: int = await tx.value(
        "INSERT INTO accounts (name, language, status) VALUES ($1, $2, $3) RETURNING id",
        name,
        language,
        status,
    )
    await tx.run(
        "INSERT INTO memberships (account_id, user_id, role, can_send) VALUES ($1, $2, 'owner', true)",
        account_id,
        owner_id,
    )
    return account_id


async def of_person(tx: SharedTx, user_id: int) -> list[Place]:
    return await tx.many(
        Place,
        """
        SELECT a.id, a.name, a.status, a.awaits, m.role
        FROM memberships m
        JOIN accounts a ON a.id = m.account_id
        WHERE m.user_id = $1
        ORDER BY a.name, a.id
        LIMIT 200
        """,
        user_id,
    )


async def show(tx: AccountTx) -> Account:
    return await tx.one(
        Account,
        """
        SELECT id, name, status, status_reason, suspended_by, awaits, language, time_zone, legal_name,
               postal_address, country, contact_email, website, registration, keep_sources, per_day,
               per_month, created_at, closed_at, erase_at
        FROM accounts
        WHERE id = $1
        """,
    )


async def change(tx: AccountTx, changes: AccountSettings | AccountChanges) -> Account:
    """Writes what is given. Raises Invalid at `time_zone`, `contact_email`, `website`."""
    given = changes.model_dump(exclude_none=True)
    _check(given)
    await tx.run(
        """
        UPDATE accounts
        SET name = coalesce($2, name), language = coalesce($3, language), time_zone = coalesce($4, time_zone),
            legal_name = coalesce($5, legal_name), postal_address = coalesce($6, postal_address),
            country = coalesce($7, country), contact_email = coalesce($8, contact_email),
            website = coalesce($9, website), registration = coalesce($10, registration),
            keep_sources = coalesce($11, keep_sources)
        WHERE id = $1
        """,
        changes.name,
        changes.language,
        changes.time_zone,
        changes.legal_name,
        changes.postal_address,
        changes.country,
        changes.contact_email,
        changes.website,
        changes.registration,
        changes.keep_sources,
    )
    await audit.write(tx, "changed", "account", tx.account_id)
    return await show(tx)


def _check(given: dict[str, object]) -> None:
    faults = []
    zone = given.get("time_zone")
    if zone is not None and zone not in available_timezones():
        faults.append(Fault("time_zone", N_("There is no time zone of this name.")))
    website = str(given.get("website", ""))
    if website and not website.startswith(("https://", "http://")):
        faults.append(Fault("website", N_("Write the address of the site with https:// in front.")))
    if "contact_email" in given:
        try:
            users.address(str(given["contact_email"]), "contact_email")
        except Invalid as error:
            faults.extend(error.faults)
    if faults:
        raise Invalid(*faults)


async def limit(tx: AccountTx, *, per_day: int | None, per_month: int | None) -> Account:
    """By the operator; None: no limit. What waits for tomorrow looks again at once. Raises Invalid."""
    for name, value in (("per_day", per_day), ("per_month", per_month)):
        if value is not None and not 0 <= value < 2**31:
            raise fault(name, N_("A limit is a number from 0 on."))
    await tx.run(
        "UPDATE accounts SET per_day = $2, per_month = $3 WHERE id = $1",
        per_day,
        per_month,
    )
    await audit.write(tx, "changed", "account", tx.account_id)
    await work.bring_forward(tx, "sending.send")
    return await show(tx)


async def limit_images(tx: AccountTx, most: int | None) -> None:
    """By the operator: bytes of images it may keep; None: no limit. What is there stays. Raises Invalid."""
    if most is not None and not 0 <= most < 2**53:
        raise fault("images_mb", N_("A limit is a number from 0 on."))
    await tx.run("UPDATE accounts SET image_bytes = $2 WHERE id = $1", most)
    await audit.write(tx, "changed", "account", tx.account_id)


async def hold(tx: AccountTx, until: datetime | None) -> None:
    """Until when a law keeps the whole account from being erased (lists/legal_holds.py)."""
    await tx.run("UPDATE accounts SET held_until = $2 WHERE id = $1", until)


async def approve(tx: SharedTx, account_id: int) -> bool:
    """An account that waited may send from now on; False when it did not wait."""
    return bool(
        await tx.run(
            """
            UPDATE accounts SET status = 'active'
            WHERE id = $1 AND status = 'pending' AND awaits = 'operator'
            """,
            account_id,
        )
    )
