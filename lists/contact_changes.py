"""What changed about contacts, in an order that misses nothing, for programs that keep a copy of them.

Rows are written by triggers (migration 0097). Numbers of a sequence become visible out of order: who reads
up to 7 may never see 6, which was being written. So a reader gets only what transactions wrote that are all
over, below the oldest open one, by transaction and number. A change is there within the time of the longest
transaction, seconds as a rule.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lists import contact_views
from lists.contact_views import ContactShown
from mailer.core import clock, paging, restores
from mailer.core.db import AccountTx
from mailer.core.errors import Gone
from mailer.core.text import N_

KEPT = timedelta(days=30)
STALE = N_("Changes are kept for 30 days: read all contacts anew, then go on from a new cursor.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`kind`: created, updated, deleted, subscription (then `list_id`, `status`), consent (opens and clicks).

    `status`: active, pending, unsubscribed, or removed. `contact`: as it is now, when it was asked for and is
    still there.
    """

    kind: str
    contact_id: int
    list_id: int | None
    status: str
    at: datetime
    contact: ContactShown | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`next_cursor` is always there: ask again with it as `since`. `more`: there is something to read now."""

    items: list[Change]
    next_cursor: str
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    xid: int
    id: int
    contact_id: int
    list_id: int | None
    kind: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Place:
    """Behind which change to read on. `at`: everything up to then was read."""

    lineage: str
    xid: int
    id: int
    at: int

    @property
    def cursor(self) -> str:
        return paging.encode(self.lineage, self.xid, self.id, self.at)


async def since(tx: AccountTx, cursor: str | None, *, limit: int, with_contacts: bool) -> Changes:
    """The next changes. Without a cursor none, and the cursor from which to go on: take it before reading all
    contacts, and what changes meanwhile comes again.

    Raises Invalid at `cursor`, and Gone when it is older than 30 days or of a database that was put back.
    """
    horizon: int = await tx.value(
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint WHERE $1::bigint IS NOT NULL"
    )
    lineage = await restores.lineage(tx.shared())
    end = _Place(lineage, horizon - 1, 2**63 - 1, int(clock.now().timestamp()))
    key = paging.decode(cursor, (str, int, int, int))
    if key is None:
        return Changes(items=[], next_cursor=end.cursor, more=False)
    place = _Place(str(key[0]), *(int(str(part)) for part in key[1:]))
    if place.lineage != lineage or place.xid >= horizon or place.at < (clock.now() - KEPT).timestamp():
        raise Gone(STALE)
    rows = await tx.many(
        _Row,
        """
        SELECT xid, id, contact_id, list_id, kind, status, at
        FROM contact_changes
        WHERE account_id = $1 AND (xid, id) > ($2, $3) AND xid < $4
        ORDER BY xid, id
        LIMIT $5
        """,
        place.xid,
        place.id,
        horizon,
        limit + 1,
    )
    kept, more = rows[:limit], len(rows) > limit
    if more:
        end = _Place(lineage, kept[-1].xid, kept[-1].id, int(kept[-1].at.timestamp()))
    people = {}
    if with_contacts:
        found = await contact_views.by_ids(tx, list({row.contact_id for row in kept}))
        people = {one.id: one for one in found}
    return Changes(
        items=[
            Change(
                kind=row.kind,
                contact_id=row.contact_id,
                list_id=row.list_id,
                status=row.status,
                at=row.at,
                contact=people.get(row.contact_id),
            )
            for row in kept
        ],
        next_cursor=end.cursor,
        more=more,
    )
