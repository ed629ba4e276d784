"""Finding contacts: by the beginning of an address or name, by list, by state; newest first, by keyset.

Prefixes are ranges on plain columns, which indexes reach under row-level security (S8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from lists.contacts import Id, search_key
from mailer.core.db import AccountTx
from mailer.core.paging import Page, decode, page
from mailer.web.request import Input

LAST = "\U0010ffff"  # no text that begins with p comes after p + this, by code points
WALKED = 10_000  # twice what a page takes where one in a hundred begins so
EXACT_TO = 10_000  # ui 2.3: totals are exact up to here
State = Literal["", "active", "pending", "unsubscribed", "none", "suppressed"]


class Filter(Input):
    """`q`: the beginning of an address or a name. `list_id` narrows `status` to that list."""

    q: Annotated[str, Field(max_length=320)] = ""
    list_id: Id | None = None
    status: State = ""
    tag_id: Id | None = None

    @property
    def prefix(self) -> str:
        return search_key(self.q.replace("\0", ""))

    @property
    def empty(self) -> bool:
        return not (self.prefix or self.list_id or self.status or self.tag_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A row of the table. `active`, `pending`: lists; `stopped`: nothing may go there, for no list."""

    id: int
    email: str
    first_name: str
    last_name: str
    active: list[str]
    pending: int
    left: int
    stopped: str | None
    created_at: datetime
    last_act_at: datetime | None


async def ids(tx: AccountTx, wanted: Filter, *, after: int = 2**63 - 1, limit: int = 50) -> list[int]:
    """Contact ids below `after`, the newest first: one definition for table, count and selection."""
    if wanted.prefix:
        rows = await _by_prefix(tx, wanted, after, limit)
    elif wanted.tag_id:
        rows = await _of_tag(tx, wanted, after, limit)
    elif wanted.list_id:
        rows = await _of_list(tx, wanted, after, limit)
    else:
        rows = await _of_account(tx, wanted, after, limit)
    return [row[0] for row in rows]


async def _by_prefix(tx: AccountTx, wanted: Filter, after: int, limit: int) -> list[tuple[int, ...]]:
    # materialized: a plan made for any prefix would walk all contacts by id instead of the three ranges
    return await tx.rows(
        """
        WITH found AS MATERIALIZED (
            SELECT id, address_hash
            FROM contacts
            WHERE account_id = $1
              AND ((address_key >= $2 AND address_key < $3)
                   OR (first_name_key >= $2 AND first_name_key < $3)
                   OR (last_name_key >= $2 AND last_name_key < $3))
        )
        SELECT c.id
        FROM found c
        WHERE c.id < $6
          AND ($8::bigint IS NULL OR EXISTS (SELECT FROM contact_tags t
                                             WHERE t.account_id = $1 AND t.contact_id = c.id
                                               AND t.tag_id = $8))
          AND (($4::bigint IS NULL AND $5 IN ('', 'none', 'suppressed'))
               OR EXISTS (SELECT FROM subscriptions s
                          WHERE s.account_id = $1 AND s.contact_id = c.id
                            AND ($4::bigint IS NULL OR s.list_id = $4)
                            AND ($5 IN ('', 'none', 'suppressed') OR s.status = $5)))
          AND ($5 <> 'none' OR NOT EXISTS (SELECT FROM subscriptions s
                                           WHERE s.account_id = $1 AND s.contact_id = c.id
                                             AND s.status = 'active'))
          AND ($5 <> 'suppressed' OR EXISTS (SELECT FROM suppressions u
                                             WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                                               AND u.list_id IS NULL
                                               AND (u.expires_at IS NULL OR u.expires_at > now())))
        ORDER BY c.id DESC
        LIMIT $7
        """,
        wanted.prefix,
        wanted.prefix + LAST,
        wanted.list_id,
        wanted.status,
        after,
        limit,
        wanted.tag_id,
    )


async def _of_tag(tx: AccountTx, wanted: Filter, after: int, limit: int) -> list[tuple[int, ...]]:
    return await tx.rows(
        """
        SELECT c.id
        FROM contact_tags m
        JOIN contacts c ON c.account_id = $1 AND c.id = m.contact_id
        WHERE m.account_id = $1 AND m.tag_id = $2 AND m.contact_id < $5
          AND (($3::bigint IS NULL AND $4 IN ('', 'none', 'suppressed'))
               OR EXISTS (SELECT FROM subscriptions s
                          WHERE s.account_id = $1 AND s.contact_id = m.contact_id
                            AND ($3::bigint IS NULL OR s.list_id = $3)
                            AND ($4 IN ('', 'none', 'suppressed') OR s.status = $4)))
          AND ($4 <> 'none' OR NOT EXISTS (SELECT FROM subscriptions s
                                           WHERE s.account_id = $1 AND s.contact_id = m.contact_id
                                             AND s.status = 'active'))
          AND ($4 <> 'suppressed' OR EXISTS (SELECT FROM suppressions u
                                             WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                                               AND u.list_id IS NULL
                                               AND (u.expires_at IS NULL OR u.expires_at > now())))
        ORDER BY m.contact_id DESC
        LIMIT $6
        """,
        wanted.tag_id,
        wanted.list_id,
        wanted.status,
        after,
        limit,
    )


async def _of_list(tx: AccountTx, wanted: Filter, after: int, limit: int) -> list[tuple[int, ...]]:
    return await tx.rows(
        """
        SELECT c.id
        FROM subscriptions m
        JOIN contacts c ON c.account_id = $1 AND c.id = m.contact_id
        WHERE m.account_id = $1 AND m.list_id = $2 AND m.contact_id < $4
          AND ($3 IN ('', 'none', 'suppressed') OR m.status = $3)
          AND ($3 <> 'none' OR NOT EXISTS (SELECT FROM subscriptions s
                                           WHERE s.account_id = $1 AND s.contact_id = m.contact_id
                                             AND s.status = 'active'))
          AND ($3 <> 'suppressed' OR EXISTS (SELECT FROM suppressions u
                                             WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                                               AND u.list_id IS NULL
                                               AND (u.expires_at IS NULL OR u.expires_at > now())))
        ORDER BY m.contact_id DESC
        LIMIT $5
        """,
        wanted.list_id,
        wanted.status,
        after,
        limit,
    )


async def _of_account(tx: AccountTx, wanted: Filter, after: int, limit: int) -> list[tuple[int, ...]]:
    return await tx.rows(
        """
        SELECT c.id
        FROM contacts c
        WHERE c.account_id = $1 AND c.id < $3
          AND ($2 IN ('', 'none', 'suppressed')
               OR EXISTS (SELECT FROM subscriptions s
                          WHERE s.account_id = $1 AND s.contact_id = c.id AND s.status = $2))
          AND ($2 <> 'none' OR NOT EXISTS (SELECT FROM subscriptions s
                                           WHERE s.account_id = $1 AND s.contact_id = c.id
                                             AND s.status = 'active'))
          AND ($2 <> 'suppressed' OR EXISTS (SELECT FROM suppressions u
                                             WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                                               AND u.list_id IS NULL
                                               AND (u.expires_at IS NULL OR u.expires_at > now())))
        ORDER BY c.id DESC
        LIMIT $4
        """,
        wanted.status,
        after,
        limit,
    )


async def count(tx: AccountTx, wanted: Filter) -> int:
    """Exact up to EXACT_TO; one more than that when there are more."""
    if wanted.status or wanted.tag_id:
        return len(await ids(tx, wanted, limit=EXACT_TO + 1))
    if wanted.prefix:
        return await _count_prefix(tx, wanted)
    found: int = await tx.value(
        """
        SELECT CASE WHEN $2::bigint IS NULL
            THEN (SELECT count(*) FROM (SELECT FROM contacts WHERE account_id = $1 LIMIT $3) c)
            ELSE (SELECT count(*) FROM (
                SELECT FROM subscriptions WHERE account_id = $1 AND list_id = $2 LIMIT $3) s)
        END
        """,
        wanted.list_id,
        EXACT_TO + 1,
    )
    return found


async def _count_prefix(tx: AccountTx, wanted: Filter) -> int:
    if not wanted.list_id:
        ranges = await _count_ranges(tx, wanted)
        if max(ranges) > EXACT_TO or sum(map(bool, ranges)) <= 1:
            return max(ranges)
    found: int = await tx.value(
        """
        SELECT count(*) FROM (
            SELECT FROM contacts c
            WHERE c.account_id = $1
              AND ((address_key >= $2 AND address_key < $3)
                   OR (first_name_key >= $2 AND first_name_key < $3)
                   OR (last_name_key >= $2 AND last_name_key < $3))
              AND ($4::bigint IS NULL OR EXISTS (
                  SELECT FROM subscriptions s
                  WHERE s.account_id = $1 AND s.contact_id = c.id AND s.list_id = $4))
            LIMIT $5
        ) f
        """,
        wanted.prefix,
        wanted.prefix + LAST,
        wanted.list_id,
        EXACT_TO + 1,
    )
    return found


async def _count_ranges(tx: AccountTx, wanted: Filter) -> tuple[int, int, int]:
    """Addresses, first names and last names that begin so: from their indexes alone, no contact is read."""
    [found] = await tx.rows(
        """
        SELECT (SELECT count(*) FROM (
                    SELECT FROM contacts
                    WHERE account_id = $1 AND address_key >= $2 AND address_key < $3 LIMIT $4) AS a),
               (SELECT count(*) FROM (
                    SELECT FROM contacts
                    WHERE account_id = $1 AND first_name_key >= $2 AND first_name_key < $3 LIMIT $4) AS f),
               (SELECT count(*) FROM (
                    SELECT FROM contacts
                    WHERE account_id = $1 AND last_name_key >= $2 AND last_name_key < $3 LIMIT $4) AS l)
        """,
        wanted.prefix,
        wanted.prefix + LAST,
        EXACT_TO + 1,
    )
    return found


async def many(
    tx: AccountTx, wanted: Filter, *, cursor: str | None = None, limit: int = 50, total: int | None = None
) -> Page[Found]:
    """A page of them. `total`: what `count` has said of them, where that is known."""
    key = decode(cursor, (int,))
    after = int(str(key[0])) if key else 2**63 - 1
    found: list[int] = []
    if wanted.prefix and not (wanted.list_id or wanted.status or wanted.tag_id):
        known = await _count_prefix(tx, wanted) if total is None else total
        if known > EXACT_TO:
            found = await _dense(tx, wanted, after, limit + 1)
    if len(found) <= limit:
        found = await ids(tx, wanted, after=after, limit=limit + 1)
    return page(await _rows(tx, found), limit, key=lambda row: (row.id,))


async def _dense(tx: AccountTx, wanted: Filter, after: int, limit: int) -> list[int]:
    """As `ids`, of a prefix that so many have that a walk of some contacts may find a page of them."""
    rows = await tx.rows(
        """
        SELECT id
        FROM (
            SELECT id, address_key, first_name_key, last_name_key
            FROM contacts
            WHERE account_id = $1 AND id < $4
            ORDER BY id DESC
            LIMIT $6
        ) walked
        WHERE ((address_key >= $2 AND address_key < $3)
               OR (first_name_key >= $2 AND first_name_key < $3)
               OR (last_name_key >= $2 AND last_name_key < $3))
        ORDER BY id DESC
        LIMIT $5
        """,
        wanted.prefix,
        wanted.prefix + LAST,
        after,
        limit,
        WALKED,
    )
    return [contact_id for (contact_id,) in rows]


async def _rows(tx: AccountTx, contact_ids: Sequence[int]) -> list[Found]:
    return await tx.many(
        Found,
        """
        SELECT c.id, c.email, c.first_name, c.last_name, s.active, s.pending, s.left, u.stopped, c.created_at,
               c.last_act_at
        FROM contacts c
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(l.name ORDER BY l.name) FILTER (WHERE s.status = 'active'), '{}')
                       AS active,
                   count(*) FILTER (WHERE s.status = 'pending') AS pending,
                   count(*) FILTER (WHERE s.status = 'unsubscribed') AS left
            FROM subscriptions s
            JOIN mailing_lists l ON l.account_id = $1 AND l.id = s.list_id AND l.deleted_at IS NULL
            WHERE s.account_id = $1 AND s.contact_id = c.id
        ) s
        CROSS JOIN LATERAL (
            SELECT min(reason) AS stopped
            FROM suppressions
            WHERE account_id = $1 AND address_hash = c.address_hash AND list_id IS NULL AND returned_to = '{}'
              AND (expires_at IS NULL OR expires_at > now())
        ) u
        WHERE c.account_id = $1 AND c.id = ANY($2::bigint[])
        ORDER BY c.id DESC
        """,
        list(contact_ids),
    )
