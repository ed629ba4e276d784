"""What opens and clicks add up to: event_counts and event_hours, in the transaction that changes events.

    Change: an event that is new, or has another verdict ─▶ people before and after ─▶ rows, by upsert

Exact whatever is replayed or judged anew: only what the database says was inserted or changed is counted.
Campaigns whose details were erased are left alone: their figures are frozen.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from mailer.core.db import AccountTx, numbers, words

_TOTALS = """
    -- A recipient is in the cell of its best verdict: what is there now, and what was there before these
    -- changes, which is the same less what they did. One index range a recipient (LATERAL).
    WITH changes AS (
        SELECT c.campaign_id, c.kind, k.link_id, c.contact_id, c.old, c.new
        FROM unnest($2::text::bigint[], $3::text::text[], $4::text::text[], $5::text::text[],
                    $6::text::bigint[], $7::text::bigint[])
            AS c (campaign_id, kind, old, new, link_id, contact_id)
        CROSS JOIN LATERAL (SELECT 0::bigint AS link_id
                            UNION ALL
                            SELECT c.link_id WHERE c.kind = 'click' AND c.link_id > 0) k
    ), done AS (
        SELECT campaign_id, kind, link_id, contact_id,
               sum((new = 'person')::int - (old = 'person')::int)::int AS person,
               sum((new = 'machine')::int - (old = 'machine')::int)::int AS machine,
               sum((new = 'unknown')::int - (old = 'unknown')::int)::int AS unknown
        FROM changes
        GROUP BY campaign_id, kind, link_id, contact_id
    ), found AS (
        -- OFFSET 0 keeps it one index range a recipient, campaign_id + 0 keeps that range to the index over
        -- contacts: with figures of yesterday the planner would read the whole campaign instead
        SELECT p.campaign_id, e.kind, k.link_id, p.contact_id,
               sum((e.verdict = 'person')::int)::int AS person,
               sum((e.verdict = 'machine')::int)::int AS machine,
               sum((e.verdict = 'unknown')::int)::int AS unknown
        FROM (SELECT DISTINCT campaign_id, contact_id FROM changes) p
        CROSS JOIN LATERAL (
            SELECT kind, link_id, verdict
            FROM events
            WHERE account_id = $1 AND contact_id = p.contact_id AND at >= $8
              AND campaign_id + 0 = p.campaign_id AND kind IN ('open', 'click')
            OFFSET 0
        ) e
        CROSS JOIN LATERAL (SELECT 0::bigint AS link_id
                            UNION ALL
                            SELECT e.link_id WHERE e.kind = 'click' AND e.link_id > 0) k
        GROUP BY p.campaign_id, e.kind, k.link_id, p.contact_id
    ), both_ways AS (
        -- added up, not joined: however few rows the planner expects, it is one pass
        SELECT campaign_id, kind, link_id,
               sum(now_person) AS now_person, sum(now_machine) AS now_machine,
               sum(now_unknown) AS now_unknown,
               sum(person) AS person, sum(machine) AS machine, sum(unknown) AS unknown
        FROM (
            SELECT campaign_id, kind, link_id, contact_id, 0 AS now_person, 0 AS now_machine,
                   0 AS now_unknown, person, machine, unknown, true AS touched
            FROM done
            UNION ALL
            SELECT campaign_id, kind, link_id, contact_id, person, machine, unknown, 0, 0, 0, false
            FROM found
        ) u
        GROUP BY campaign_id, kind, link_id, contact_id
        HAVING bool_or(touched)
    ), moved AS (
        SELECT campaign_id, kind, link_id, person, machine, unknown,
               CASE WHEN now_person > 0 THEN 'person' WHEN now_unknown > 0 THEN 'unknown'
                    WHEN now_machine > 0 THEN 'machine' ELSE '' END AS became,
               CASE WHEN now_person > person THEN 'person' WHEN now_unknown > unknown THEN 'unknown'
                    WHEN now_machine > machine THEN 'machine' ELSE '' END AS was
        FROM both_ways
    ), grouped AS (
        SELECT campaign_id, kind, link_id,
               sum(person) AS person, sum(machine) AS machine, sum(unknown) AS unknown,
               sum((became = 'person')::int - (was = 'person')::int) AS persons,
               sum((became = 'machine')::int - (was = 'machine')::int) AS machines,
               sum((became = 'unknown')::int - (was = 'unknown')::int) AS unknowns
        FROM moved
        GROUP BY campaign_id, kind, link_id
    ), cells AS (
        SELECT g.campaign_id, g.kind, g.link_id, v.verdict, v.hits, v.people
        FROM grouped g
        CROSS JOIN LATERAL (VALUES
            ('person', g.person, g.persons),
            ('machine', g.machine, g.machines),
            ('unknown', g.unknown, g.unknowns)
        ) v (verdict, hits, people)
        WHERE v.hits <> 0 OR v.people <> 0
    )
    INSERT INTO event_counts AS t (account_id, campaign_id, month, kind, link_id, verdict, hits, people)
    SELECT $1, c.campaign_id, g.month, c.kind, c.link_id, c.verdict, c.hits, c.people
    FROM cells c
    JOIN campaigns g ON g.account_id = $1 AND g.id = c.campaign_id
    WHERE g.details_erased_at IS NULL AND g.month IS NOT NULL
    ON CONFLICT (account_id, campaign_id, kind, link_id, verdict) DO UPDATE
    SET hits = t.hits + excluded.hits, people = t.people + excluded.people
    """


class Change(NamedTuple):
    """`at` in milliseconds since 1970; `old` "": it is new; `link_id` 0: none."""

    campaign_id: int
    contact_id: int
    kind: str
    link_id: int
    at: int
    old: str
    new: str


async def hold(tx: AccountTx) -> None:
    """One at a time for an account, before anything else is locked: what is counted must not move."""
    await tx.value("SELECT pg_advisory_xact_lock(7251, hashint8($1::bigint))")


async def apply(tx: AccountTx, changes: Sequence[Change], *, since: datetime) -> None:
    """After the events were written, under `hold`. `since`: no event of these campaigns is older."""
    if not changes:
        return
    campaigns = numbers([one.campaign_id for one in changes])
    kinds = words([one.kind for one in changes])
    old = words([one.old for one in changes])
    new = words([one.new for one in changes])
    await _totals(tx, changes, (campaigns, kinds, old, new), since)
    await _hours(tx, changes, (campaigns, kinds, old, new))


_Columns = tuple[str, str, str, str]


async def _totals(tx: AccountTx, changes: Sequence[Change], columns: _Columns, since: datetime) -> None:
    campaigns, kinds, old, new = columns
    await tx.run(
        _TOTALS,
        campaigns,
        kinds,
        old,
        new,
        numbers([one.link_id for one in changes]),
        numbers([one.contact_id for one in changes]),
        since,
    )


async def _hours(tx: AccountTx, changes: Sequence[Change], columns: _Columns) -> None:
    campaigns, kinds, old, new = columns
    await tx.run(
        """
        INSERT INTO event_hours AS t (account_id, campaign_id, hour, kind, verdict, hits)
        SELECT $1, c.campaign_id, date_trunc('hour', to_timestamp(c.at / 1000.0), 'UTC'), c.kind, v.verdict,
               sum(v.hits)
        FROM unnest($2::text::bigint[], $3::text::text[], $4::text::text[], $5::text::text[],
                    $6::text::bigint[])
            AS c (campaign_id, kind, old, new, at)
        CROSS JOIN LATERAL (VALUES (c.new, 1), (c.old, -1)) v (verdict, hits)
        JOIN campaigns g ON g.account_id = $1 AND g.id = c.campaign_id
        WHERE g.details_erased_at IS NULL AND v.verdict <> ''
        GROUP BY 2, 3, 4, 5
        HAVING sum(v.hits) <> 0
        ON CONFLICT (account_id, campaign_id, kind, hour, verdict) DO UPDATE
        SET hits = t.hits + excluded.hits
        """,
        campaigns,
        kinds,
        old,
        new,
        numbers([one.at for one in changes]),
    )


async def forget(tx: AccountTx, campaign_ids: Sequence[int]) -> None:
    """Of campaigns whose figures were frozen: a cell of one person must not outlive the events (A-064)."""
    await tx.run(
        """
        WITH counts AS (
            DELETE FROM event_counts WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[])
        )
        DELETE FROM event_hours WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[])
        """,
        list(campaign_ids),
    )
