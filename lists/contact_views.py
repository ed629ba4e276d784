"""A contact as programs see it: the row, its lists and what stops mail to it, in one statement a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# pydantic describes no other TypedDict before Python 3.12, and brings this one along
from typing_extensions import TypedDict

from lists import contact_search
from lists.contact_search import Filter
from lists.field_values import Value
from mailer.core import addresses
from mailer.core.addresses import AddressError
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.paging import Page, decode, encode, page


class SubscriptionShown(TypedDict):
    """`status`: pending, active, unsubscribed; `since` of that status."""

    list_id: int
    name: str
    status: str
    legal_basis: str
    since: str


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactShown:
    """`suppressed`: why nothing may go to this address, or null; `returned_to`: ids of the lists of which
    this is not true, because the person came back to them by their own act. `restricted_at`: since when the
    data may only be kept (GDPR art. 18), or null.
    """

    id: int
    email: str
    first_name: str
    last_name: str
    language: str
    fields: dict[str, Value]
    lists: list[SubscriptionShown]
    tags: list[str]
    suppressed: str | None
    returned_to: list[int]
    opens: str
    clicks: str
    source: str
    import_id: int | None
    created_at: datetime
    updated_at: datetime
    last_act_at: datetime | None
    restricted_at: datetime | None


async def many(
    tx: AccountTx, wanted: Filter, *, cursor: str | None = None, limit: int = 50
) -> Page[ContactShown]:
    """The newest first."""
    after = decode(cursor, (int,))
    ids = await contact_search.ids(
        tx, wanted, after=int(str(after[0])) if after else 2**63 - 1, limit=limit + 1
    )
    return page(await by_ids(tx, ids), limit, key=lambda row: (row.id,))


async def updated(
    tx: AccountTx, wanted: Filter, since: datetime, *, cursor: str | None = None, limit: int = 50
) -> Page[ContactShown]:
    """Changed at `since` or later (address, name, language, fields), the oldest change first.

    `wanted.q` is not looked at.
    """
    # whole microseconds, which a float cannot hold
    after = decode(cursor, (int, int))
    begin, last = (_EPOCH + timedelta(microseconds=_int(after[0])), after[1]) if after else (since, 0)
    rows = await tx.rows(
        """
        SELECT c.id, c.updated_at
        FROM contacts c
        WHERE c.account_id = $1 AND (c.updated_at, c.id) > ($2, $3)
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
          AND ($7::bigint IS NULL OR EXISTS (SELECT FROM contact_tags t
                                             WHERE t.account_id = $1 AND t.contact_id = c.id
                                               AND t.tag_id = $7))
        ORDER BY c.updated_at, c.id
        LIMIT $6
        """,
        begin,
        last,
        wanted.list_id,
        wanted.status,
        limit + 1,
        wanted.tag_id,
    )
    kept = rows[:limit]
    people = {one.id: one for one in await by_ids(tx, [row[0] for row in kept])}
    shown = [people[row[0]] for row in kept if row[0] in people]
    if len(rows) <= limit:
        return Page(shown)
    last_id, last_at = kept[-1]
    return Page(shown, encode((last_at - _EPOCH) // timedelta(microseconds=1), last_id))


def _int(value: object) -> int:
    """Within what a time can hold; a made-up cursor may say anything."""
    return max(0, min(int(str(value)), 2**57))


async def with_address(tx: AccountTx, email: str) -> list[ContactShown]:
    """The one contact that has this address, if there is one."""
    try:
        key = addresses.parse(email).key
    except AddressError:
        return []
    found = await tx.rows("SELECT id FROM contacts WHERE account_id = $1 AND address_key = $2", key)
    return await by_ids(tx, [row[0] for row in found])


async def show(tx: AccountTx, contact_id: int) -> ContactShown:
    """Raises NotFound."""
    found = await by_ids(tx, [contact_id])
    if not found:
        raise NotFound
    return found[0]


async def by_ids(tx: AccountTx, contact_ids: Sequence[int]) -> list[ContactShown]:
    return await tx.many(
        ContactShown,
        """
        SELECT c.id, c.email, c.first_name, c.last_name, c.language, c.fields, s.lists,
               ARRAY(SELECT t.name FROM contact_tags ct
                     JOIN tags t ON t.account_id = $1 AND t.id = ct.tag_id
                     WHERE ct.account_id = $1 AND ct.contact_id = c.id
                     ORDER BY t.name_key) AS tags, u.suppressed,
               u.returned_to, c.opens, c.clicks, c.source, c.import_id, c.created_at, c.updated_at,
               c.last_act_at, c.restricted_at
        FROM contacts c
        CROSS JOIN LATERAL (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'list_id', s.list_id, 'name', l.name, 'status', s.status, 'legal_basis', s.legal_basis,
                       'since', to_char(s.status_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                       ORDER BY s.list_id), '[]') AS lists
            FROM subscriptions s
            JOIN mailing_lists l ON l.account_id = $1 AND l.id = s.list_id AND l.deleted_at IS NULL
            WHERE s.account_id = $1 AND s.contact_id = c.id
        ) s
        CROSS JOIN LATERAL (
            SELECT min(reason) AS suppressed, coalesce(min(returned_to), '{}') AS returned_to
            FROM suppressions
            WHERE account_id = $1 AND address_hash = c.address_hash AND list_id IS NULL
              AND (expires_at IS NULL OR expires_at > now())
        ) u
        WHERE c.account_id = $1 AND c.id = ANY($2::bigint[])
        ORDER BY c.id DESC
        """,
        list(contact_ids),
    )
