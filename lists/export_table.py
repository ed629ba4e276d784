"""Contacts as columns of cells, for tables (A-013): a chunk costs four short statements.

Columns, not rows, all the way from PostgreSQL: one text a column costs a third of as many small values
(measured), and most columns have few different values or none that needs a second look. What stands beside a
contact (subscriptions, suppressions) comes once for each kind, with whom it is true of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from lists import export_columns, field_values
from lists.export_columns import STATES
from lists.field_values import Value
from mailer.core.db import AccountTx

Cells = list[str]
Kind = tuple[str, str, str, int]  # list, status, legal basis, its id
_OF_LISTS = ("lists_subscribed", "lists_pending", "lists_unsubscribed", "legal_basis")
_STATUSES = {"active": "subscribed", "pending": "pending", "unsubscribed": "unsubscribed"}
_BLOCKED = {"bounced": "bounced", "complained": "complained"}  # any other reason: blocked
_OWN = (*export_columns.NAMES, "opens", "clicks", "source", "created_at", "last_act_at")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Contacts of one part: `ids`, which are above `low`. `whole`: all that there are up to the last of them.

    `list_id`: the list whose state is told.
    """

    low: int
    ids: Sequence[int]
    whole: bool = False
    list_id: int | None = None

    @property
    def high(self) -> int:
        return self.ids[-1] if self.ids else self.low

    @property
    def listed(self) -> str | None:
        """As a text: asyncpg looks at each item of an array that it sends."""
        return None if self.whole else "{" + ",".join(map(str, self.ids)) + "}"


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
    with_fields = any(name in types for name in header)
    ids, fields, found = await _contacts(tx, chunk, with_fields=with_fields)
    if chunk.whole and len(ids) > len(chunk.ids):
        # the source leaves somebody out who stands between
        chunk = replace(chunk, whole=False)
        ids, fields, found = await _contacts(tx, chunk, with_fields=with_fields)
    if asked & {*_OF_LISTS, "suppressed", "status"}:
        names = await _list_names(tx)
        subscribed, status = await _subscribed(tx, chunk, ids, names)
        found |= subscribed
        found["suppressed"], blocked = await _suppressed(tx, chunk, ids, names)
        found["status"] = [blocked.get(one) or status[n] for n, one in enumerate(ids)]
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
) -> tuple[dict[str, Cells], Cells]:
    """The cells of _OF_LISTS, and the state.

    Each kind of subscription is a bit; who has the same bits has the same cells.
    """
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
            kinds.append((names[list_id], status, basis, list_id))
            for contact_id in those:
                if contact_id in bits:
                    bits[contact_id] |= bit
    cells = {
        one: _said([kind for n, kind in enumerate(kinds) if one >> n & 1], chunk.list_id)
        for one in set(bits.values())
    }
    said = [cells[one] for one in bits.values()]
    return {name: [one[n] for one in said] for n, name in enumerate(_OF_LISTS)}, [one[4] for one in said]


def _said(kinds: Sequence[Kind], list_id: int | None) -> tuple[str, str, str, str, str]:
    """In the order of _OF_LISTS, lists by name; then the state: the best there is of what counts."""
    known = sorted(kinds)
    active, pending, left = (
        field_values.write([name for name, status, _, _ in known if status == state]) for state in _STATUSES
    )
    bases = field_values.write([f"{name}: {basis}" for name, _, basis, _ in known if basis])
    counted = {status for _, status, _, one in known if list_id in (None, one)}
    status = next((word for state, word in _STATUSES.items() if state in counted), "")
    return active, pending, left, bases, status


async def _suppressed(
    tx: AccountTx, chunk: Chunk, ids: Sequence[int], names: Mapping[int, str]
) -> tuple[Cells, dict[int, str]]:
    """The cells, and for whom nothing may be sent: why."""
    of: dict[int, list[str]] = {}
    blocked: dict[int, str] = {}
    for contact_id, list_id, name, reason, returned_to, in_force in await tx.rows(
        """
        SELECT c.id, u.list_id, coalesce(l.name, ''), u.reason, u.returned_to,
               u.expires_at IS NULL OR u.expires_at > now()
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
        open_ways = returned_to if chunk.list_id is None else chunk.list_id in returned_to
        if list_id is None and in_force and not open_ways:
            blocked[contact_id] = _BLOCKED.get(reason, "blocked")
    return [field_values.write(of[one]) if one in of else "" for one in ids], blocked
