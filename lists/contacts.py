"""Contacts: add, read, change, delete. No edit ever lifts an opt-out (B-28)."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from lists import (
    consents,
    erasing,
    fields,
    legal_bases,
    legal_holds,
    restrictions,
    subscriptions,
    suppressions,
)
from lists.consents import Evidence
from lists.erasing import Why
from lists.field_values import Value
from lists.legal_bases import BasisEvidence, LegalBasis
from mailer.accounts import agreements, audit
from mailer.core import addresses, clock, forbidden_data, keys
from mailer.core.addresses import Address, AddressError
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, NotFound, conflict
from mailer.core.sealing import Sealer
from mailer.core.text import N_
from mailer.web import i18n


def one_line(text: str) -> str:
    """A name as it stands in a greeting: blanks of any kind become one."""
    return " ".join(text.split())


PersonName = Annotated[str, Field(max_length=200), AfterValidator(one_line)]
Language = Literal["", "fr", "en"]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
ALREADY = N_("The address “{address}” is a contact already.")
NEEDS_BASIS = N_("Say on what legal basis this person may be written to.")
NEEDS_SOURCE = N_("Say where the agreement comes from, for example “Form of 12 March 2026”.")
NOT_BUSINESS = N_("“{address}” is a personal mailbox: business interest is no basis for it.")
CHANGED_MEANWHILE = N_("Somebody changed this contact meanwhile. Check the values below, then save again.")


class NewContact(BasisEvidence):
    """`lists` needs `legal_basis` and `source`: what shows that the person agreed (C-01)."""

    email: Annotated[str, Field(max_length=1000)]
    first_name: PersonName = ""
    last_name: PersonName = ""
    language: Language = ""
    fields: dict[str, Any] = {}
    lists: Annotated[list[Id], Field(max_length=100)] = []
    legal_basis: LegalBasis | Literal[""] = ""
    source: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _with_evidence(self) -> "NewContact":
        check_evidence(self, self.legal_basis, self.source, self.lists)
        return self


class ContactChange(BasisEvidence):
    """What is None stays. `fields`: only those named; null takes one away. `lists` are added to."""

    email: Annotated[str, Field(max_length=1000)] | None = None
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    language: Language | None = None
    fields: dict[str, Any] = {}
    lists: Annotated[list[Id], Field(max_length=100)] = []
    legal_basis: LegalBasis | Literal[""] = ""
    source: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _with_evidence(self) -> "ContactChange":
        check_evidence(self, self.legal_basis, self.source, self.lists)
        return self


class NewSubscriptions(BasisEvidence):
    """Lists for a contact that is there, with the evidence."""

    lists: Annotated[list[Id], Field(min_length=1, max_length=100)]
    legal_basis: LegalBasis
    source: Annotated[str, Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _with_evidence(self) -> "NewSubscriptions":
        check_evidence(self, self.legal_basis, self.source, self.lists)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """`opens`, `clicks`: unknown, granted, denied; the first and last are not measured."""

    id: int
    email: str
    first_name: str
    last_name: str
    language: str
    fields: dict[str, Value]
    opens: str
    clicks: str
    source: str
    import_id: int | None
    created_at: datetime
    updated_at: datetime
    last_act_at: datetime | None
    restricted_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Identity:
    id: int
    address_key: str
    address_hash: bytes
    updated_at: datetime


def check_evidence(given: BasisEvidence, legal_basis: str, source: str, lists: Sequence[int]) -> None:
    """Raises Invalid when lists come without what shows that the person may be written to (C-01, B-22)."""
    faults = legal_bases.faults(legal_basis, given) if lists else []
    if lists and not legal_basis:
        faults.append(Fault("legal_basis", NEEDS_BASIS, "missing"))
    if lists and not source:
        faults.append(Fault("source", NEEDS_SOURCE, "missing"))
    if faults:
        raise Invalid(*faults)


def name_faults(**names: str | None) -> list[Fault]:
    """A-025, A-026: a name is no place for a card number either. A surname may be a word of health."""
    return [
        Fault(name, forbidden_data.VALUE_REFUSED[kind], kind)
        for name, text in names.items()
        if (kind := forbidden_data.of_value(text or "", words=False))
    ]


def _check_names(given: "NewContact | ContactChange") -> None:
    if faults := name_faults(first_name=given.first_name, last_name=given.last_name):
        raise Invalid(*faults)


def search_key(text: str) -> str:
    """What a name or the beginning of one is searched by: lower case, composed, one blank between words."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def read_address(text: str) -> Address:
    """Raises Invalid at `email`."""
    try:
        return addresses.parse(text)
    except AddressError as error:
        raise Invalid(Fault("email", error.message, error.code, error.params)) from None


def check_basis(address: Address, legal_basis: str) -> None:
    """Raises Invalid when this basis cannot be for this address (B-23)."""
    if not legal_bases.fits(legal_basis, address.key):
        raise Invalid(Fault("legal_basis", NOT_BUSINESS, "free_mail", {"address": address.email}))


async def show(tx: AccountTx, contact_id: int) -> Contact:
    """Raises NotFound."""
    return await tx.one(
        Contact,
        """
        SELECT id, email, first_name, last_name, language, fields, opens, clicks, source, import_id,
               created_at, updated_at, last_act_at, restricted_at
        FROM contacts
        WHERE account_id = $1 AND id = $2
        """,
        contact_id,
    )


async def add(tx: AccountTx, sealer: Sealer, new: NewContact) -> Contact:
    """Raises Forbidden "agreement" (A-016), Invalid, Conflict at `email` when the address is there."""
    await agreements.require(tx)
    _check_names(new)
    address = read_address(new.email)
    check_basis(address, new.legal_basis)
    values = {key: value for key, value in await _values(tx, new.fields) if value is not None}
    hashed = keys.address_hash(await keys.hash_key(tx, sealer), address.key)
    with conflict("contacts_address_key", "email", ALREADY, address=address.email):
        contact_id: int = await tx.value(
            """
            INSERT INTO contacts (account_id, email, address_key, address_hash, first_name, last_name,
                                  first_name_key, last_name_key, language, fields, source)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            RETURNING id
            """,
            address.email,
            address.key,
            hashed,
            new.first_name,
            new.last_name,
            search_key(new.first_name),
            search_key(new.last_name),
            new.language,
            values,
            "api" if tx.actor.kind == "api_key" else "page",
        )
    await audit.write(tx, "created", "contact", contact_id)
    await _subscribe(tx, contact_id, new.lists, _evidence(tx, new, new.legal_basis, new.source))
    return await show(tx, contact_id)


async def _values(tx: AccountTx, given: Mapping[str, object]) -> list[tuple[str, Value | None]]:
    if not given:
        return []
    # people write numbers as in their language, programs as the documentation says
    comma = tx.actor.kind != "user" or i18n.language() == "fr"
    return list(fields.values(await fields.many(tx), given, decimal_comma=comma).items())


def _evidence(tx: AccountTx, given: BasisEvidence, legal_basis: str, source: str) -> Evidence:
    return Evidence(
        method=consents.method_of(tx),
        legal_basis=legal_basis,
        source=source,
        basis_date=given.date_for(legal_basis),
        basis_about=given.about_for(legal_basis),
    )


async def _subscribe(tx: AccountTx, contact_id: int, lists: Sequence[int], evidence: Evidence) -> None:
    """Adds one contact to lists, with its evidence. Raises Invalid at `lists` for an unknown list."""
    for list_id in dict.fromkeys(lists):
        try:
            await subscriptions.add(tx, [contact_id], list_id, evidence=evidence)
        except NotFound:
            raise Invalid(Fault("lists", N_("There is no such list."), "unknown_list")) from None
        await audit.write(tx, "subscribed", "contact", contact_id)


async def add_to_lists(tx: AccountTx, contact_id: int, new: NewSubscriptions) -> None:
    """Raises NotFound, Invalid; Conflict at `contact` when its use is limited (C-13)."""
    contact = await show(tx, contact_id)
    await restrictions.require_free(tx, [contact_id])
    check_basis(read_address(contact.email), new.legal_basis)
    await _subscribe(tx, contact_id, new.lists, _evidence(tx, new, new.legal_basis, new.source))


async def change(
    tx: AccountTx,
    sealer: Sealer,
    contact_id: int,
    change: ContactChange,
    *,
    seen: datetime | None = None,
) -> Contact:
    """Raises NotFound, Invalid, Conflict at `email`; Conflict at `seen` when it was changed since then.

    Conflict at `contact` when its use is limited (C-13).
    """
    before = await tx.one(
        _Identity,
        """
        SELECT id, address_key, address_hash, updated_at
        FROM contacts
        WHERE account_id = $1 AND id = $2
        FOR NO KEY UPDATE
        """,
        contact_id,
    )
    await restrictions.require_free(tx, [contact_id])
    if seen is not None and before.updated_at != seen:
        raise Conflict(Fault("seen", CHANGED_MEANWHILE, "changed"))
    _check_names(change)
    values = await _values(tx, change.fields)
    await tx.run(
        """
        UPDATE contacts
        SET first_name = coalesce($3, first_name), first_name_key = coalesce($4, first_name_key),
            last_name = coalesce($5, last_name), last_name_key = coalesce($6, last_name_key),
            language = coalesce($7, language), fields = (fields || $8::jsonb) - $9::text[], updated_at = now()
        WHERE account_id = $1 AND id = $2
        """,
        contact_id,
        change.first_name,
        None if change.first_name is None else search_key(change.first_name),
        change.last_name,
        None if change.last_name is None else search_key(change.last_name),
        change.language,
        {key: value for key, value in values if value is not None},
        [key for key, value in values if value is None],
    )
    if change.email is not None:
        await _change_address(tx, sealer, before, read_address(change.email))
    await audit.write(tx, "changed", "contact", contact_id)
    if change.lists:
        known = {name: getattr(change, name) for name in NewSubscriptions.model_fields}
        await add_to_lists(tx, contact_id, NewSubscriptions.model_validate(known))
    return await show(tx, contact_id)


async def _change_address(tx: AccountTx, sealer: Sealer, before: _Identity, address: Address) -> None:
    """The refusals of the old address follow to the new one, and those of the new one hold."""
    hashed = keys.address_hash(await keys.hash_key(tx, sealer), address.key)
    with conflict("contacts_address_key", "email", ALREADY, address=address.email):
        await tx.run(
            """
            UPDATE contacts
            SET email = $3, address_key = $4, address_hash = $5
            WHERE account_id = $1 AND id = $2
            """,
            before.id,
            address.email,
            address.key,
            hashed,
        )
    if hashed == before.address_hash:
        return
    await suppressions.carry(tx, [(before.address_hash, hashed)])
    await tx.run(
        """
        UPDATE subscriptions AS s
        SET status = 'unsubscribed', status_at = now()
        WHERE s.account_id = $1 AND s.contact_id = $2 AND s.status <> 'unsubscribed'
          AND EXISTS (SELECT FROM suppressions u
                      WHERE u.account_id = $1 AND u.address_hash = $3 AND stops(u, s.list_id))
        """,
        before.id,
        hashed,
    )


async def delete(tx: AccountTx, contact_ids: Sequence[int], why: Why = Why.ASKED) -> int:
    """Erases contacts and their subscriptions at once. Returns how many there were.

    Suppressions and the ledger stay, by hash (B-28); deliveries and events stay without a person behind them;
    what waits to be sent is dropped by sending, which finds no contact any more (A-014). A way back that the
    person opened after stopping everything ends: of somebody erased the opposition is kept, nothing softer.
    Whose use is limited stays: the person may need the data (art. 18). Conflict when it is the only one.
    """
    if len(contact_ids) == 1:
        await restrictions.require_free(tx, contact_ids)
        await legal_holds.require_unheld(tx, contact_ids[0], clock.now())
    deleted = await erasing.erase(tx, contact_ids, why)
    if len(contact_ids) == 1 and deleted:
        await audit.write(tx, "deleted", "contact", contact_ids[0])
    return deleted


async def is_silent(tx: AccountTx, contact_id: int) -> bool:
    """Was asked whether they still read, not whether they may be kept (retention_jobs.sunset)."""
    return bool(
        await tx.value("SELECT 1 FROM sunset_contacts WHERE account_id = $1 AND contact_id = $2", contact_id)
    )


async def stay(tx: AccountTx, contact_id: int) -> None:
    """The person says that they are still there: a sign of theirs, and no consent to anything (B-27)."""
    await tx.run("UPDATE contacts SET last_act_at = now() WHERE account_id = $1 AND id = $2", contact_id)
    await audit.write(tx, "stayed", "contact", contact_id)
