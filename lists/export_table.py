"""Contacts as columns of cells, for tables (A-013): a chunk costs four short statements.

Columns, not rows, all the way from PostgreSQL: one array a column costs a third of as many rows of small
values (measured), and most columns have few different values or none that needs a second look. What stands
beside a contact (subscriptions, suppressions) comes once for each combination, with whom it is true of.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lists import export_columns, field_values
from lists.export_columns import STATES
from lists.export_rows import instant
from lists.field_values import Value
from mailer.core.db import AccountTx

Cells = list[str]
_OF_LISTS = ("subscribed", "awaiting_confirmation", "unsubscribed", "legal_basis")
_OWN = (*export_columns.NAMES, "opens", "clicks", "source", "created_at", "last_act_at")


async def columns(
    tx: AccountTx, contact_ids: Sequence[int], *, header: Sequence[str], types: Mapping[str, str]
) -> list[Cells]:
    """The cells under each heading, by contact; contacts that are gone are left out.

    `types`: the account's fields, key → type.
    """
    states = {export_columns.heading(name, tuple(types)): name for name in STATES}
    asked = {states.get(name, name) for name in header if name not in types}
    # as a text: asyncpg looks at each item of an array that it sends
    wanted = "{" + ",".join(map(str, contact_ids)) + "}"
    ids, fields, found = await _contacts(tx, wanted, with_fields=any(name in types for name in header))
    names = await _list_names(tx) if asked & {*_OF_LISTS, "suppressed"} else {}
    if asked & set(_OF_LISTS):
        found |= await _subscribed(tx, wanted, ids, names)
    if "suppressed" in asked:
        found["suppressed"] = await _suppressed(tx, wanted, ids, names)
    return [_values(fields, name) if name in types else found[states.get(name, name)] for name in header]


async def _contacts(
    tx: AccountTx, wanted: str, *, with_fields: bool
) -> tuple[list[int], list[dict[str, Value]], dict[str, Cells]]:
    [(ids, fields, *own)] = await tx.rows(
        """
        SELECT coalesce(array_agg(id), '{}'),
               CASE WHEN $3 THEN coalesce(array_agg(fields::text), '{}') ELSE '{}' END,
               array_agg(email), array_agg(first_name), array_agg(last_name), array_agg(language),
               array_agg(opens), array_agg(clicks), array_agg(source), array_agg(created_at),
               array_agg(last_act_at)
        FROM (
            SELECT id, fields, email, first_name, last_name, language, opens, clicks, source, created_at,
                   last_act_at
            FROM contacts
            WHERE account_id = $1 AND id = ANY ($2::text::bigint[])
            ORDER BY id
        ) AS c
        """,
        wanted,
        with_fields,
    )
    found = {name: cells or [] for name, cells in zip(_OWN, own, strict=True)}
    for name in ("created_at", "last_act_at"):
        found[name] = _each(found[name])
    return ids, orjson.loads("[" + ",".join(fields) + "]"), found


def _each(moments: Sequence[Any]) -> Cells:
    """Each moment is written once: an import gives thousands of contacts the same one."""
    written = {one: instant(one) for one in set(moments)}
    return [written[one] for one in moments]


def _values(fields: Sequence[Mapping[str, Value]], key: str) -> Cells:
    write = field_values.write
    values = [one.get(key, "") for one in fields]
    return [value if type(value) is str else write(value) for value in values]


async def _list_names(tx: AccountTx) -> dict[int, str]:
    return dict(
        await tx.rows("SELECT id, name FROM mailing_lists WHERE account_id = $1 AND deleted_at IS NULL")
    )


async def _subscribed(
    tx: AccountTx, wanted: str, ids: Sequence[int], names: Mapping[int, str]
) -> dict[str, Cells]:
    nothing = ("", "", "", "")
    of: dict[int, tuple[str, str, str, str]] = {}
    for combination, those in await tx.rows(
        """
        SELECT combination, array_agg(contact_id)
        FROM (
            SELECT contact_id, string_agg(list_id || '/' || status || '/' || legal_basis, ' ') AS combination
            FROM subscriptions
            WHERE account_id = $1 AND contact_id = ANY ($2::text::bigint[])
            GROUP BY contact_id
        ) AS s
        GROUP BY combination
        """,
        wanted,
    ):
        of |= dict.fromkeys(those, _said(combination, names))
    said = [of.get(one, nothing) for one in ids]
    return {name: [one[n] for one in said] for n, name in enumerate(_OF_LISTS)}


def _said(combination: str, names: Mapping[int, str]) -> tuple[str, str, str, str]:
    """In the order of _OF_LISTS, lists by name."""
    parts = [one.split("/") for one in combination.split(" ")]
    known = sorted((names[int(one[0])], one[1], one[2]) for one in parts if int(one[0]) in names)
    active, pending, left = (
        field_values.write([name for name, status, _ in known if status == state])
        for state in ("active", "pending", "unsubscribed")
    )
    bases = field_values.write([f"{name}: {basis}" for name, _, basis in known if basis])
    return active, pending, left, bases


async def _suppressed(tx: AccountTx, wanted: str, ids: Sequence[int], names: Mapping[int, str]) -> Cells:
    of: dict[int, list[str]] = {}
    for contact_id, list_id, name, reason, returned_to in await tx.rows(
        """
        SELECT c.id, u.list_id, coalesce(l.name, ''), u.reason, u.returned_to
        FROM contacts c
        JOIN suppressions u ON u.account_id = $1 AND u.address_hash = c.address_hash
        LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = u.list_id
        WHERE c.account_id = $1 AND c.id = ANY ($2::text::bigint[])
        ORDER BY u.id
        """,
        wanted,
    ):
        back = ", ".join(sorted(names[one] for one in returned_to if one in names))
        everything = f"{reason} (returned to: {back})" if back else reason
        of.setdefault(contact_id, []).append(f"{name}: {reason}" if list_id else everything)
    return [field_values.write(of[one]) if one in of else "" for one in ids]
