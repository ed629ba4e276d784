"""Many contacts in one request: each row has its result, and a bad one stops no other.

    rows ─▶ read (pure) ─▶ staged_batch ─▶ created · held · updated · subscribed · refused ─▶ results

One statement a step, whatever the number of rows. A no stays a no (B-28): a subscription that is there is
never touched, and a new one of somebody who is suppressed is written as unsubscribed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import orjson
from pydantic import Field, SkipValidation, model_validator

from lists import consents, contacts, fields
from lists.contacts import Id, Language, PersonName, search_key
from lists.field_values import Value
from lists.imports import Mode
from lists.legal_bases import BasisEvidence, LegalBasis
from mailer.accounts import agreements, audit
from mailer.core import keys, planner
from mailer.core.addresses import Address
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.sealing import Sealer
from mailer.core.text import N_
from mailer.web.request import Input, check

MAX_ROWS = 10_000
MANY = 1_000
ABOVE = N_("This address stands in row {first} already.")


class BatchContact(Input):
    """What is left out or null stays. `fields`: only those named; null takes one away."""

    email: Annotated[str, Field(max_length=1000)]
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    language: Language | None = None
    fields: dict[str, Any] = {}


class NewBatch(BasisEvidence):
    """Up to 10,000 `contacts`. `lists` needs `legal_basis` and `source`, which hold for every row (C-01), and
    so does what the basis rests on.

    `mode`: `add` changes nobody who is there, `update` adds nobody.
    """

    contacts: Annotated[list[SkipValidation[BatchContact]], Field(min_length=1, max_length=MAX_ROWS)]
    mode: Mode = Mode.ADD_AND_UPDATE
    lists: Annotated[list[Id], Field(max_length=50)] = []
    legal_basis: LegalBasis | None = None
    source: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _with_evidence(self) -> "NewBatch":
        contacts.check_evidence(self, self.legal_basis or "", self.source, self.lists)
        return self


@dataclass(slots=True)
class Row:
    """A row that can be kept. `erased`: keys of the fields to take away."""

    number: int
    address: Address
    contact: BatchContact
    values: dict[str, Value]
    erased: list[str]


@dataclass(slots=True)
class Read:
    rows: list[Row] = field(default_factory=list)
    faults: dict[int, list[Fault]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`result`: created, updated, unchanged; refused: the opt-out from the lists in `refused` stays, the rest
    of the row is kept; set_aside: nobody there to update; restricted: the data of this person may only be
    kept, and nothing of the row is (C-13). `id` null: there is no contact.
    """

    row: int
    id: int | None
    result: str
    refused: list[int]


def parse(values: object) -> tuple[NewBatch, list[object]]:
    """The batch, and its rows as they came: their faults are theirs alone. Raises Invalid."""
    rows = values.get("contacts") if isinstance(values, dict) else None
    if not isinstance(values, dict) or not isinstance(rows, list):
        return check(NewBatch, values), []
    return check(NewBatch, values | {"contacts": [{}] * len(rows)}), rows


def read(new: NewBatch, rows: Sequence[object], known: list[fields.Field]) -> Read:
    """Rows and faults by their number, from 1. Pure; 10,000 take some tenths of a second: in a thread."""
    found = Read()
    first: dict[str, int] = {}
    for number, given in enumerate(rows, 1):
        try:
            row = _row(number, given, known)
            contacts.check_basis(row.address, new.legal_basis or "")
            above = first.setdefault(row.address.key, number)
            if above != number:
                raise Invalid(Fault("email", ABOVE, "double", {"first": above}))
        except Invalid as error:
            found.faults[number] = [replace(one, row=number) for one in error.faults]
        else:
            found.rows.append(row)
    return found


def _row(number: int, given: object, known: list[fields.Field]) -> Row:
    """Raises Invalid with every fault of the row."""
    contact = check(BatchContact, given)
    faults = contacts.name_faults(first_name=contact.first_name, last_name=contact.last_name)
    values: dict[str, Value | None] = {}
    if contact.fields:
        try:
            values = fields.values(known, contact.fields)
        except Invalid as error:
            faults += error.faults
    try:
        address = contacts.read_address(contact.email)
    except Invalid as error:
        raise Invalid(*error.faults, *faults) from None
    if faults:
        raise Invalid(*faults)
    kept = {key: value for key, value in values.items() if value is not None}
    return Row(number, address, contact, kept, [key for key, value in values.items() if value is None])


async def apply(tx: AccountTx, sealer: Sealer, new: NewBatch, rows: Sequence[Row]) -> list[Result]:
    """What became of each row. Raises Forbidden "agreement", Invalid at `lists` for an unknown list."""
    await agreements.require(tx)
    await _check_lists(tx, new.lists)
    if not rows:
        return []
    await _stage(tx, await keys.hash_key(tx, sealer), rows)
    # imports and batches of an account write in turn: no two lock the same contacts crosswise
    await tx.value("SELECT pg_advisory_xact_lock(hashtextextended('import ' || $1::bigint, 0))")
    if new.mode != Mode.UPDATE:
        await _create(tx)
    await _hold(tx)
    if new.mode != Mode.ADD:
        await _update(tx)
    if new.lists:
        await _subscribe(tx, new)
        await _tell_refusals(tx, new.lists)
    await audit.write(tx, "imported", "contact_batch", count=len(rows))
    if len(rows) >= MANY:
        await planner.meet(tx)
    return await tx.many(
        Result,
        """
        SELECT row, contact_id AS id, fate AS result, refused
        FROM staged_batch
        WHERE account_id = $1
        ORDER BY row
        """,
    )


async def _check_lists(tx: AccountTx, wanted: Sequence[int]) -> None:
    known = await tx.rows(
        """
        SELECT id FROM mailing_lists
        WHERE account_id = $1 AND id = ANY($2::bigint[]) AND deleted_at IS NULL
        """,
        list(wanted),
    )
    if set(wanted) - {row[0] for row in known}:
        raise Invalid(Fault("lists", N_("There is no such list."), "unknown_list"))


async def _stage(tx: AccountTx, key: bytes, rows: Sequence[Row]) -> None:
    await tx.plan_afresh()
    await tx.run_plain(
        """
        CREATE TEMP TABLE IF NOT EXISTS staged_batch (
            account_id bigint, row integer, email text, address_key text COLLATE "C", address_hash bytea,
            first_name text, first_name_key text, last_name text, last_name_key text, language text,
            fields jsonb, erased text[], contact_id bigint, fate text NOT NULL DEFAULT 'set_aside',
            refused bigint[] NOT NULL DEFAULT '{}'
        ) ON COMMIT DROP
        """
    )
    people = [row.contact for row in rows]
    await tx.run(
        """
        INSERT INTO staged_batch (account_id, row, email, address_key, address_hash, first_name,
                                  first_name_key, last_name, last_name_key, language, fields, erased)
        SELECT $1, row, email, address_key, address_hash, first_name, first_key, last_name, last_key,
               language, fields::jsonb, string_to_array(erased, ',')
        FROM unnest($2::integer[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::text[],
                    $9::text[], $10::text[], $11::text[], $12::text[])
             AS r (row, email, address_key, address_hash, first_name, first_key, last_name, last_key,
                   language, fields, erased)
        """,
        [row.number for row in rows],
        [row.address.email for row in rows],
        [row.address.key for row in rows],
        [keys.address_hash(key, row.address.key) for row in rows],
        [one.first_name for one in people],
        [one.first_name and search_key(one.first_name) for one in people],
        [one.last_name for one in people],
        [one.last_name and search_key(one.last_name) for one in people],
        [one.language for one in people],
        [orjson.dumps(row.values).decode() for row in rows],
        [",".join(row.erased) for row in rows],
    )
    # whichever side the planner begins with, the other one is looked up by an index: where an account is
    # thought to be small, each of its contacts would read all staged rows
    await tx.run_plain("CREATE INDEX ON staged_batch (address_key)")
    await tx.run_plain("CREATE INDEX ON staged_batch (contact_id)")
    await tx.run_plain("ANALYZE staged_batch")


async def _create(tx: AccountTx) -> None:
    await tx.run(
        """
        WITH created AS (
            INSERT INTO contacts (account_id, email, address_key, address_hash, first_name, last_name,
                                  first_name_key, last_name_key, language, fields, source)
            SELECT $1, b.email, b.address_key, b.address_hash, coalesce(b.first_name, ''),
                   coalesce(b.last_name, ''), coalesce(b.first_name_key, ''), coalesce(b.last_name_key, ''),
                   coalesce(b.language, ''), b.fields, 'api'
            FROM staged_batch b
            WHERE b.account_id = $1 AND NOT EXISTS (
                SELECT FROM contacts c WHERE c.account_id = $1 AND c.address_key = b.address_key
            )
            ORDER BY b.address_key
            ON CONFLICT (account_id, address_key) DO NOTHING
            RETURNING id, address_key
        )
        UPDATE staged_batch b
        SET contact_id = c.id, fate = 'created'
        FROM created c
        WHERE b.account_id = $1 AND b.address_key = c.address_key
        """
    )


async def _hold(tx: AccountTx) -> None:
    """Locks who is there: an unsubscription of this moment is seen by the statements below."""
    await tx.run(
        """
        WITH held AS (
            SELECT c.id, c.address_key, c.restricted_at
            FROM staged_batch b
            JOIN contacts c ON c.account_id = $1 AND c.address_key = b.address_key
            WHERE b.account_id = $1 AND b.contact_id IS NULL
            ORDER BY c.id
            FOR NO KEY UPDATE OF c
        )
        UPDATE staged_batch b
        SET contact_id = h.id,
            fate = CASE WHEN h.restricted_at IS NULL THEN 'unchanged' ELSE 'restricted' END
        FROM held h
        WHERE b.account_id = $1 AND b.address_key = h.address_key
        """
    )


async def _update(tx: AccountTx) -> None:
    """What a row says is taken; what it does not say stays."""
    await tx.run(
        """
        WITH changed AS (
            UPDATE contacts c
            SET first_name = coalesce(b.first_name, c.first_name),
                first_name_key = coalesce(b.first_name_key, c.first_name_key),
                last_name = coalesce(b.last_name, c.last_name),
                last_name_key = coalesce(b.last_name_key, c.last_name_key),
                language = coalesce(b.language, c.language), fields = (c.fields || b.fields) - b.erased,
                updated_at = now()
            FROM staged_batch b
            WHERE c.account_id = $1 AND c.id = b.contact_id AND b.fate = 'unchanged'
              AND (coalesce(b.first_name, c.first_name) <> c.first_name
                   OR coalesce(b.last_name, c.last_name) <> c.last_name
                   OR coalesce(b.language, c.language) <> c.language
                   OR (c.fields || b.fields) - b.erased <> c.fields)
            RETURNING c.id
        )
        UPDATE staged_batch b
        SET fate = 'updated'
        FROM changed c
        WHERE b.account_id = $1 AND b.contact_id = c.id
        """
    )


async def _subscribe(tx: AccountTx, new: NewBatch) -> None:
    """New subscriptions with their proof (A-020, B-25). One that is there stays as it is."""
    basis = new.legal_basis or ""
    await tx.run(
        """
        WITH wanted AS (
            SELECT l.list_id, b.contact_id, EXISTS (
                SELECT FROM suppressions s
                WHERE s.account_id = $1 AND s.address_hash = b.address_hash AND stops(s, l.list_id)
            ) AS refused
            FROM staged_batch b
            CROSS JOIN unnest($2::bigint[]) AS l (list_id)
            WHERE b.account_id = $1 AND b.contact_id IS NOT NULL AND b.fate <> 'restricted'
        ), added AS (
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT $1, list_id, contact_id, CASE WHEN refused THEN 'unsubscribed' ELSE 'active' END,
                   CASE WHEN refused THEN '' ELSE $3 END
            FROM wanted
            ORDER BY contact_id, list_id
            ON CONFLICT (account_id, list_id, contact_id) DO NOTHING
            RETURNING list_id, contact_id, status
        ), ledger AS (
            INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method,
                                  legal_basis, source, basis_date, basis_about, actor_id)
            SELECT $1, a.contact_id, c.address_hash, 'mail', a.list_id, 'granted', $4, $3, $5, $6, $7, $8
            FROM added a
            JOIN contacts c ON c.account_id = $1 AND c.id = a.contact_id
            WHERE a.status = 'active'
        )
        UPDATE staged_batch b
        SET fate = 'updated'
        FROM (SELECT DISTINCT contact_id FROM added) AS a
        WHERE b.account_id = $1 AND b.contact_id = a.contact_id AND b.fate = 'unchanged'
        """,
        sorted(set(new.lists)),
        basis,
        consents.method_of(tx),
        new.source,
        new.date_for(basis),
        new.about_for(basis),
        tx.actor.id,
    )


async def _tell_refusals(tx: AccountTx, wanted: Sequence[int]) -> None:
    await tx.run(
        """
        UPDATE staged_batch b
        SET fate = 'refused', refused = r.lists
        FROM (
            SELECT s.contact_id, array_agg(s.list_id ORDER BY s.list_id) AS lists
            FROM staged_batch k
            JOIN subscriptions s ON s.account_id = $1 AND s.contact_id = k.contact_id
                                AND s.list_id = ANY($2::bigint[])
            WHERE k.account_id = $1 AND k.fate <> 'restricted'
              AND (s.status = 'unsubscribed' OR EXISTS (
                  SELECT FROM suppressions u
                  WHERE u.account_id = $1 AND u.address_hash = k.address_hash AND stops(u, s.list_id)))
            GROUP BY s.contact_id
        ) AS r
        WHERE b.account_id = $1 AND b.contact_id = r.contact_id
        """,
        list(wanted),
    )
