"""Contacts as columns of cells, for tables (A-013): a chunk costs four short statements.

Columns, not rows, all the way from PostgreSQL: one text a column costs a third of as many small values
(measured), and most columns have few different values or none that needs a second look. What stands beside a
contact (subscriptions, suppressions) comes once for each kind, with whom it is true of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from lists import export_columns, field_values
from lists.export_columns import STATES
from lists.field_values import Value
from mailer.core.db import AccountTx

Cells = list[str]
Kind = tuple[str, str, str]  # list, status, legal basis
_OF_LISTS = ("subscribed", "awaiting_confirmation", "unsubscribed", "legal_basis")
_OWN = (*export_columns.NAMES, "opens", "clicks", "source", "created_at", "last_act_at")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Contacts of one part: all with an id above `low` up to `high`, or of these the ones in `ids`."""

    low: int
    high: int
    ids: Sequence[int] | None

    @property
    def listed(self) -> str | None:
        """As a text: asyncpg looks at each item of an array that it sends."""
        return None if self.ids is None else "{" + ",".join(map(str, self.ids)) + "}"


async def columns(
    tx: AccountTx, chunk: Chunk, *, header: Sequence[str], types: Mapping[str, str]
) -> list[Cells]:
    """The cells under each heading, by contact; contacts that are gone are left out.

    `types`: the account's fields, key → type.
    """
    # a plan for any chunk would look at a list of ids for each contact
    await tx.run_plain("SET LOCAL plan_cache_mode = force_custom_plan")
    states = {export_columns.heading(name, tuple(types)): name for name in STATES}
    asked = {states.get(name, name) for name in header if name not in types}
    ids, fields, found = await _contacts(tx, chunk, with_fields=any(name in types for name in header))
    names = await _list_names(tx) if asked & {*_OF_LISTS, "suppressed"} else {}
    if asked & set(_OF_LISTS):
        found |= await _subscribed(tx, chunk, ids, names)
    if "suppressed" in asked:
        found["suppressed"] = await _suppressed(tx, chunk, ids, names)
    return [_values(fields, name) if name in types else found[states.get(name, name)] for name in header]


async def _contacts(
    tx: AccountTx, chunk: Chunk, *, with_fields: bool
) -> tuple[list[int], list[dict[str, Value]], dict[str, Cells]]:
    [(ids, fields, *own)] = await tx.rows(
        """
        -- texts joined by a character that no name and no address holds (contacts.one_line)
        SELECT coalesce(array_agg(id), '{}'),
               CASE WHEN $5 THEN coalesce(string_agg(fields::text, ','), '') ELSE '' END,
               string_agg(email, E'\\x1f'), string_agg(translate(first_name, E'\\x1f', ' '), E'\\x1f'),
               string_agg(translate(last_name, E'\\x1f', ' '), E'\\x1f'), string_agg(language, E'\\x1f'),
               string_agg(opens, E'\\x1f'), string_agg(clicks, E'\\x1f'), string_agg(source, E'\\x1f'),
               string_agg(created_at::text, E'\\x1f'), string_agg(coalesce(last_act_at::text, ''), E'\\x1f')
        FROM (
            SELECT id, fields, email, first_name, last_name, language, opens, clicks, source, created_at,
                   last_act_at
            FROM contacts
            WHERE account_id = $1 AND id > $2 AND id <= $3
              AND ($4::text IS NULL OR id = ANY ($4::text::bigint[]))
            ORDER BY id
        ) AS c
        """,
        chunk.low,
        chunk.high,
        chunk.listed,
        with_fields,
    )
    found = {name: cells.split("\x1f") if ids else [] for name, cells in zip(_OWN, own, strict=True)}
    for name in ("created_at", "last_act_at"):
        found[name] = _each(found[name])
    return ids, orjson.loads(f"[{fields}]"), found


def _each(moments: Sequence[str]) -> Cells:
    """`2026-11-26 15:58:00.123+00` → RFC 3339. Each once: imports repeat them."""
    written = {one: f"{one[:10]}T{one[11:19]}Z" if one else "" for one in set(moments)}
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
    tx: AccountTx, chunk: Chunk, ids: Sequence[int], names: Mapping[int, str]
) -> dict[str, Cells]:
    """Each kind of subscription is a bit; who has the same bits has the same cells."""
    kinds: list[Kind] = []
    bits = dict.fromkeys(ids, 0)
    for list_id, status, basis, those in await tx.rows(
        """
        SELECT list_id, status, legal_basis, array_agg(contact_id)
        FROM subscriptions
        WHERE account_id = $1 AND contact_id > $2 AND contact_id <= $3
          AND ($4::text IS NULL OR contact_id = ANY ($4::text::bigint[]))
        GROUP BY list_id, status, legal_basis
        """,
        chunk.low,
        chunk.high,
        chunk.listed,
    ):
        if list_id in names:
            bit = 1 << len(kinds)
            kinds.append((names[list_id], status, basis))
            for contact_id in those:
                bits[contact_id] |= bit
    cells = {one: _said([kind for n, kind in enumerate(kinds) if one >> n & 1]) for one in set(bits.values())}
    said = [cells[one] for one in bits.values()]
    return {name: [one[n] for one in said] for n, name in enumerate(_OF_LISTS)}


def _said(kinds: Sequence[Kind]) -> tuple[str, str, str, str]:
    """In the order of _OF_LISTS, lists by name."""
    known = sorted(kinds)
    active, pending, left = (
        field_values.write([name for name, status, _ in known if status == state])
        for state in ("active", "pending", "unsubscribed")
    )
    bases = field_values.write([f"{name}: {basis}" for name, _, basis in known if basis])
    return active, pending, left, bases


async def _suppressed(tx: AccountTx, chunk: Chunk, ids: Sequence[int], names: Mapping[int, str]) -> Cells:
    of: dict[int, list[str]] = {}
    for contact_id, list_id, name, reason, returned_to in await tx.rows(
        """
        SELECT c.id, u.list_id, coalesce(l.name, ''), u.reason, u.returned_to
        FROM contacts c
        JOIN suppressions u ON u.account_id = $1 AND u.address_hash = c.address_hash
        LEFT JOIN mailing_lists l ON l.account_id = $1 AND l.id = u.list_id
        WHERE c.account_id = $1 AND c.id > $2 AND c.id <= $3
          AND ($4::text IS NULL OR c.id = ANY ($4::text::bigint[]))
        ORDER BY u.id
        """,
        chunk.low,
        chunk.high,
        chunk.listed,
    ):
        back = ", ".join(sorted(names[one] for one in returned_to if one in names))
        everything = f"{reason} (returned to: {back})" if back else reason
        of.setdefault(contact_id, []).append(f"{name}: {reason}" if list_id else everything)
    return [field_values.write(of[one]) if one in of else "" for one in ids]
