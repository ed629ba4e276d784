"""From what happened to a delivery for each endpoint that wants it.

    pulse   (platform, 2 s)   rings that are committed → work for their accounts
    collect (an account)      contact_changes behind the feed's place → webhook_events, coalesced
                              webhook_events not spread yet → webhook_deliveries → work for endpoints

Contacts cost nothing but a ring while they change: their feed is there already. A transaction that changed
many alike becomes one event for each 400 contacts: an import of a million is some thousands of requests.
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.core import jobs, restores, work
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.work import Task
from mailer.webhooks.catalogue import KINDS, MOST_IDS

PULSE = "webhooks.pulse"
COLLECT = "webhooks.collect"
PULSE_SECONDS = 2.0
# of the feed, and of events, in one transaction
MOST_CHANGES = 20_000
MOST_EVENTS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """Up to where a transaction has read. `more`: there is something behind it already."""

    xid: int | None
    id: int | None
    n: int


async def pulse(services: Services, _: Task) -> datetime:
    async with services.db.shared() as tx:
        rung = await tx.rows("DELETE FROM webhook_rings RETURNING account_id")
        await work.ask_accounts(tx, COLLECT, sorted({account_id for (account_id,) in rung}))
    return jobs.in_(seconds=PULSE_SECONDS)


async def collect(services: Services, task: Task) -> datetime | None:
    async with services.db.account(task.account_id) as tx:
        wanted = await _wanted(tx)
        if not wanted:
            return None
        more = await _read_feed(tx, wanted)
        spread = await _spread(tx)
        if more or spread >= MOST_EVENTS:
            return jobs.again()
        # written by a transaction that is over while an older one is open: it is read once that has ended
        open_still = await tx.value(
            """
            SELECT 1 FROM contact_changes
            WHERE account_id = $1 AND xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            LIMIT 1
            """
        )
    return jobs.in_(seconds=PULSE_SECONDS) if open_still else None


async def _wanted(tx: AccountTx) -> list[str]:
    rows = await tx.rows(
        "SELECT DISTINCT unnest(events) FROM webhook_endpoints WHERE account_id = $1 AND status <> 'off'"
    )
    return [name for (name,) in rows if name in KINDS]


async def _read_feed(tx: AccountTx, wanted: list[str]) -> bool:
    """True when there is more to read at once."""
    lineage = await restores.lineage(tx.shared())
    # the row is locked: a turn that was given to another does not read the same again
    found = await tx.rows(
        """
        SELECT lineage, xid, id, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        FROM webhook_feeds
        WHERE account_id = $1
        FOR UPDATE
        """
    )
    if not found:
        return False
    [(known, xid, place, horizon)] = found
    if known != lineage or xid >= horizon:
        # another cluster counts its transactions anew: older places mean nothing there
        await _move(tx, lineage, horizon - 1, 2**63 - 1)
        return False
    read = await _events_of_changes(tx, (xid, place, horizon), wanted)
    if read.n < MOST_CHANGES or read.xid is None or read.id is None:
        await _move(tx, lineage, horizon - 1, 2**63 - 1)
        return False
    await _move(tx, lineage, read.xid, read.id)
    return True


async def _move(tx: AccountTx, lineage: str, xid: int, place: int) -> None:
    await tx.run(
        "UPDATE webhook_feeds SET lineage = $2, xid = $3, id = $4 WHERE account_id = $1", lineage, xid, place
    )


async def _events_of_changes(tx: AccountTx, place: tuple[int, int, int], wanted: list[str]) -> _Read:
    return await tx.one(
        _Read,
        """
        -- The feed says that a consent changed, the ledger in the same transaction which, and how: both carry
        -- the time at which that transaction began.
        WITH read AS MATERIALIZED (
            SELECT xid, id, contact_id, list_id, kind, status, at
            FROM contact_changes
            WHERE account_id = $1 AND (xid, id) > ($2, $3) AND xid < $4
            ORDER BY xid, id
            LIMIT $5
        ), named AS (
            SELECT xid, id, contact_id, at,
                   CASE kind WHEN 'subscription' THEN 'subscription.' || status
                             WHEN 'deleted' THEN 'contact.erased'
                             ELSE 'contact.' || kind END AS type,
                   jsonb_strip_nulls(jsonb_build_object('list_id', list_id)) AS also
            FROM read
            WHERE kind <> 'consent'
            UNION ALL
            SELECT r.xid, r.id, r.contact_id, r.at,
                   CASE WHEN c.act IN ('granted', 'confirmed') THEN 'consent.granted'
                        ELSE 'consent.withdrawn' END,
                   jsonb_build_object('purpose', c.purpose)
            FROM read r
            JOIN consents c ON c.account_id = $1 AND c.contact_id = r.contact_id AND c.at = r.at
            WHERE r.kind = 'consent' AND c.purpose IN ('opens', 'clicks') AND c.act <> 'asked'
        ), parted AS (
            SELECT *, (row_number() OVER (PARTITION BY xid, type, also ORDER BY id) - 1) / $7::bigint AS part
            FROM named
            WHERE type = ANY ($6::text[])
        ), told AS (
            INSERT INTO webhook_events (account_id, type, at, data)
            SELECT $1, type, at, also || jsonb_build_object('contact_ids', jsonb_agg(contact_id ORDER BY id))
            FROM parted
            GROUP BY xid, type, at, also, part
            ORDER BY xid, min(id)
        )
        SELECT (SELECT count(*)::int FROM read) AS n,
               (SELECT xid FROM read ORDER BY xid DESC, id DESC LIMIT 1) AS xid,
               (SELECT id FROM read ORDER BY xid DESC, id DESC LIMIT 1) AS id
        """,
        *place,
        MOST_CHANGES,
        wanted,
        MOST_IDS,
    )


async def _spread(tx: AccountTx) -> int:
    """A delivery for every endpoint that wants an event, and work for the endpoint. Returns how many events.

    An endpoint that Mailer disabled gets them as missed: they are there to be replayed once it works again.
    """
    events = await tx.rows(
        """
        WITH next AS (
            SELECT id FROM webhook_events WHERE account_id = $1 AND NOT spread ORDER BY id LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        UPDATE webhook_events e SET spread = true FROM next WHERE e.account_id = $1 AND e.id = next.id
        RETURNING e.id
        """,
        MOST_EVENTS,
    )
    if not events:
        return 0
    told = await tx.rows(
        """
        WITH spread AS (
            INSERT INTO webhook_deliveries (account_id, endpoint_id, event_id, status, next_at)
            SELECT $1, w.id, e.id, CASE WHEN w.status = 'on' THEN 'waiting' ELSE 'missed' END,
                   CASE WHEN w.status = 'on' THEN e.at END
            FROM webhook_events e
            JOIN webhook_endpoints w ON w.account_id = $1 AND w.status <> 'off' AND e.type = ANY (w.events)
                                    AND e.at >= w.since
            WHERE e.account_id = $1 AND e.id = ANY ($2::bigint[])
            ON CONFLICT DO NOTHING
            RETURNING endpoint_id, status
        )
        SELECT DISTINCT endpoint_id FROM spread WHERE status = 'waiting' ORDER BY endpoint_id
        """,
        [event_id for (event_id,) in events],
    )
    for (endpoint_id,) in told:
        await work.add(tx, "webhooks.send", endpoint_id)
    return len(events)
