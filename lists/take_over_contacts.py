"""Contacts of an archive into the account: the row, then its refusals, subscriptions, proofs and tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lists import fields, tags, wordings
from lists.contacts import search_key
from lists.fields import Field
from mailer.core import addresses, keys
from mailer.core.db import AccountTx

Object = Mapping[str, Any]
PLACE = "archive"  # where the versions of wordings that were taken over count


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`key`: of address hashes. `lists`: ids in the archive → ours."""

    key: bytes
    lists: Mapping[int, int]
    fields: list[Field]


async def add(tx: AccountTx, account: Account, objects: Sequence[Object]) -> int:
    """Those that are not there yet; returns how many. Raises Invalid for a value that fits no field."""
    new = await _add_rows(tx, account, objects)
    there = [(new[one["email"]], one) for one in objects if one["email"] in new]
    await _stop(tx, account, [(hashed, stop) for (_, hashed), one in there for stop in one["suppressions"]])
    await _subscribe(tx, account, [(id_, sub) for (id_, _), one in there for sub in one["lists"]])
    await _prove(tx, account, [(*ids, proof) for ids, one in there for proof in one["consents"]])
    await _tag(tx, [(contact_id, name) for (contact_id, _), one in there for name in one.get("tags", [])])
    return len(new)


async def _add_rows(
    tx: AccountTx, account: Account, objects: Sequence[Object]
) -> dict[str, tuple[int, bytes]]:
    """Address as written → id and hash."""
    found = await tx.rows(
        """
        INSERT INTO contacts (account_id, email, address_key, address_hash, first_name, last_name,
                              first_name_key, last_name_key, language, fields, opens, clicks, source,
                              created_at, updated_at, last_act_at)
        SELECT $1, c.email, c.key, c.hash, c.first, c.last, c.first_key, c.last_key, c.language, c.fields,
               c.opens, c.clicks, c.source, c.created_at, c.updated_at, c.last_act_at
        FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::text[], $10::jsonb[], $11::text[], $12::text[], $13::text[], $14::timestamptz[],
                    $15::timestamptz[], $16::timestamptz[])
            AS c (email, key, hash, first, last, first_key, last_key, language, fields, opens, clicks, source,
                  created_at, updated_at, last_act_at)
        ORDER BY c.key
        ON CONFLICT (account_id, address_key) DO NOTHING
        RETURNING email, id, address_hash
        """,
        *_columns(account, objects),
    )
    return {email: (contact_id, hashed) for email, contact_id, hashed in found}


def _columns(account: Account, objects: Sequence[Object]) -> list[list[object]]:
    address_keys = [addresses.parse(one["email"]).key for one in objects]
    return [
        [one["email"] for one in objects],
        [*address_keys],
        [keys.address_hash(account.key, one) for one in address_keys],
        [one["first_name"] for one in objects],
        [one["last_name"] for one in objects],
        [search_key(one["first_name"]) for one in objects],
        [search_key(one["last_name"]) for one in objects],
        [one["language"] for one in objects],
        [fields.values(account.fields, one["fields"]) for one in objects],
        [one["opens"] for one in objects],
        [one["clicks"] for one in objects],
        [one["source"] for one in objects],
        [moment(one["created_at"]) for one in objects],
        [moment(one["updated_at"]) for one in objects],
        [moment(one["last_act_at"]) for one in objects],
    ]


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


async def _stop(tx: AccountTx, account: Account, stops: Sequence[tuple[bytes, Object]]) -> None:
    """A list that is not here stops nothing here; a stop of everything does."""
    known = [
        (hashed, one) for hashed, one in stops if one["list_id"] is None or one["list_id"] in account.lists
    ]
    await tx.run(
        """
        INSERT INTO suppressions (account_id, address_hash, list_id, reason, since, expires_at, returned_to)
        SELECT $1, s.hash, s.list_id, s.reason, s.since, s.expires_at,
               CASE WHEN s.list_id IS NULL THEN ARRAY(
                   SELECT l.id FROM mailing_lists l
                   WHERE l.account_id = $1 AND l.deleted_at IS NULL
                     AND l.name IN (SELECT jsonb_array_elements_text(s.back -> 'lists'))
               ) ELSE '{}' END
        FROM unnest($2::bytea[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::jsonb[])
            AS s (hash, list_id, reason, since, expires_at, back)
        ON CONFLICT ON CONSTRAINT suppressions_scope DO NOTHING
        """,
        [hashed for hashed, _ in known],
        [account.lists.get(one["list_id"]) for _, one in known],
        [one["reason"] for _, one in known],
        [moment(one["since"]) for _, one in known],
        [moment(one["expires_at"]) for _, one in known],
        [{"lists": one["returned_to"]} for _, one in known],
    )


async def stop_fingerprints(tx: AccountTx, account: Account, objects: Sequence[Object]) -> None:
    """Refusals of erased contacts, by the hash that this account's own key made."""
    # ids of lists there, not names
    stops = [(bytes.fromhex(one["address_hash"]), {**one, "returned_to": []}) for one in objects]
    await _stop(tx, account, stops)


async def _subscribe(tx: AccountTx, account: Account, found: Sequence[tuple[int, Object]]) -> None:
    """Nobody against a refusal, also one that was here before."""
    known = [(contact_id, one) for contact_id, one in found if one["list_id"] in account.lists]
    await tx.run(
        """
        INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis, created_at,
                                   status_at)
        SELECT $1, s.list_id, c.id,
               CASE WHEN EXISTS (SELECT FROM suppressions u
                                 WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                                   AND stops(u, s.list_id)) THEN 'unsubscribed' ELSE s.status END,
               s.legal_basis, s.created_at, s.status_at
        FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
            AS s (list_id, contact_id, status, legal_basis, created_at, status_at)
        JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
        ON CONFLICT (account_id, list_id, contact_id) DO NOTHING
        """,
        [account.lists[one["list_id"]] for _, one in known],
        [contact_id for contact_id, _ in known],
        [one["status"] for _, one in known],
        [one["legal_basis"] for _, one in known],
        [moment(one["created_at"]) for _, one in known],
        [moment(one["since"]) for _, one in known],
    )


async def _prove(tx: AccountTx, account: Account, found: Sequence[tuple[int, bytes, Object]]) -> None:
    """The ledger as it was: who agreed to what, when, how, in which words, on what basis.

    Ids of forms and imports mean nothing here; an IP address ends sooner than its line and stays behind.
    """
    texts = {
        text: await wordings.keep(tx, PLACE, text)
        for text in dict.fromkeys(one["wording"] for *_, one in found)
    }
    await tx.run(
        """
        INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, at, method,
                              legal_basis, source, form_url, basis_about, wording_id, basis_date)
        SELECT $1, p.contact_id, p.hash, p.purpose, p.list_id, p.act, p.at, p.method, p.legal_basis,
               p.source, p.form_url, p.basis_about, p.wording_id, p.basis_date
        FROM unnest($2::bigint[], $3::bytea[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[],
                    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::date[])
            WITH ORDINALITY
            AS p (contact_id, hash, purpose, list_id, act, at, method, legal_basis, source, form_url,
                  basis_about, wording_id, basis_date, n)
        ORDER BY p.n
        """,
        [contact_id for contact_id, _, _ in found],
        [hashed for _, hashed, _ in found],
        [one["purpose"] for _, _, one in found],
        [account.lists.get(one["list_id"]) for _, _, one in found],
        [one["act"] for _, _, one in found],
        [moment(one["at"]) for _, _, one in found],
        *(
            [one.get(name, "") for _, _, one in found]
            for name in ("method", "legal_basis", "source", "form_url", "basis_about")
        ),
        [texts[one["wording"]] for _, _, one in found],
        [date.fromisoformat(day) if (day := one.get("basis_date")) else None for _, _, one in found],
    )


async def _tag(tx: AccountTx, found: Sequence[tuple[int, str]]) -> None:
    by_name: dict[str, list[int]] = {}
    for contact_id, name in found:
        by_name.setdefault(name, []).append(contact_id)
    for name, contact_ids in by_name.items():
        await tags.put(tx, contact_ids, (await tags.named(tx, name)).id)
