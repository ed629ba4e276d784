"""What a campaign's deliveries and events add up to, frozen before the first of them is deleted (G-2, A-064).

Once for each campaign, all its figures at one moment, in the transaction of the deletion: a crash undoes
both. Cells that fewer than SMALLEST_CELL people stand behind are left out.

    totals    status[:reason]                 deliveries (S1)
    measured  base:open  base:click           mails delivered to people who accept this measurement
              open:people[:hits] …            recipients, and hits, by verdict: people machines unknown
              link:7:people[:hits] …          the same for each link
              unsubscribe  complaint          people
"""

from datetime import datetime

from mailer.accounts import audit
from mailer.core.db import AccountTx
from retention_jobs import ab_content
from retention_jobs.policies import SMALLEST_CELL
from tracking import counts

# a cell that no campaign reaches: where the account did not ask for totals, all are too small
NOTHING = 2**31 - 1
BATCH = 1000

_FREEZE = """
    WITH hits AS (
        SELECT campaign_id, what, contact_id,
               count(*) FILTER (WHERE verdict = 'person') AS people,
               count(*) FILTER (WHERE verdict = 'machine') AS machines,
               count(*) FILTER (WHERE verdict = 'unknown') AS unknown
        FROM events
        CROSS JOIN LATERAL (
            VALUES (kind), (CASE WHEN kind = 'click' THEN 'link:' || link_id END)) k (what)
        WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[]) AND kind IN ('open', 'click')
          AND what IS NOT NULL
        GROUP BY campaign_id, what, contact_id
    ), cells AS (
        -- each recipient counts once, as the best that is known of it, as in the report
        SELECT campaign_id, what || ':' || v.name AS key, v.n, v.people
        FROM (
            SELECT campaign_id, what,
                   count(*) FILTER (WHERE people > 0) AS people,
                   count(*) FILTER (WHERE people = 0 AND unknown = 0) AS machines,
                   count(*) FILTER (WHERE people = 0 AND unknown > 0) AS unknown,
                   sum(people) AS people_hits, sum(machines) AS machine_hits,
                   sum(unknown) AS unknown_hits,
                   count(*) FILTER (WHERE machines > 0) AS with_machines,
                   count(*) FILTER (WHERE unknown > 0) AS with_unknown
            FROM hits
            GROUP BY campaign_id, what
        ) f
        CROSS JOIN LATERAL (VALUES
            ('people', people, people), ('people:hits', people_hits, people),
            ('machines', machines, machines), ('machines:hits', machine_hits, with_machines),
            ('unknown', unknown, unknown), ('unknown:hits', unknown_hits, with_unknown)
        ) v (name, n, people)
        UNION ALL
        SELECT campaign_id, kind, count(DISTINCT contact_id), count(DISTINCT contact_id)
        FROM events
        WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[])
          AND kind IN ('unsubscribe', 'complaint')
        GROUP BY campaign_id, kind
        UNION ALL
        SELECT d.campaign_id, v.key, count(*), count(*)
        FROM deliveries d
        CROSS JOIN LATERAL (VALUES ('base:open', d.opens), ('base:click', d.clicks)) v (key, measured)
        WHERE d.account_id = $1 AND d.campaign_id = ANY ($2::bigint[]) AND d.status = 'delivered'
          AND v.measured
        GROUP BY d.campaign_id, v.key
    )
    UPDATE campaigns c
    SET totals = coalesce(c.totals, (
            SELECT coalesce(jsonb_object_agg(key, n), '{}')
            FROM (
                SELECT status || CASE reason WHEN '' THEN '' ELSE ':' || reason END AS key, count(*) AS n
                FROM deliveries
                WHERE account_id = $1 AND campaign_id = c.id
                GROUP BY 1
                HAVING count(*) >= $3
            ) parts)),
        measured = (
            SELECT coalesce(jsonb_object_agg(cells.key, cells.n), '{}')
            FROM cells
            WHERE cells.campaign_id = c.id AND cells.people >= $3),
        details_erased_at = $4
    WHERE c.account_id = $1 AND c.id = ANY ($2::bigint[]) AND c.details_erased_at IS NULL
"""


async def freeze(tx: AccountTx, campaign_ids: list[int], now: datetime) -> None:
    """Campaigns that are frozen already stay as they are: what came after is not counted."""
    # who stores events meanwhile waits, and finds the campaign frozen
    await counts.hold(tx)
    keep = await kept(tx)
    await tx.run(_FREEZE, campaign_ids, SMALLEST_CELL if keep else NOTHING, now)
    await counts.forget(tx, campaign_ids)
    await ab_content.forget_small_figures(tx, campaign_ids, SMALLEST_CELL if keep else NOTHING)
    # exact figures that other campaigns were compared with
    await tx.run(
        "DELETE FROM campaign_figures WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[])",
        campaign_ids,
    )


async def kept(tx: AccountTx) -> bool:
    """Did the account say that totals which identify nobody stay (G-2)? Not unless it did."""
    return bool(await tx.value("SELECT keep_totals FROM retention_settings WHERE account_id = $1"))


async def keep(tx: AccountTx, wanted: bool) -> None:
    """What it says from now on; totals that are there go at the next run when it says no."""
    await tx.run(
        """
        INSERT INTO retention_settings (account_id, keep_totals) VALUES ($1, $2)
        ON CONFLICT (account_id) DO UPDATE SET keep_totals = excluded.keep_totals
        """,
        wanted,
    )
    await audit.write(tx, "changed", "retention")


async def purge(tx: AccountTx, now: datetime) -> int:
    """A rule as those of `purge`: totals of an account that does not want them any more."""
    if await kept(tx):
        return 0
    gone = await tx.rows(
        """
        UPDATE campaigns c
        SET totals = '{}', measured = '{}'
        FROM (
            SELECT id FROM campaigns
            WHERE account_id = $1 AND details_erased_at <= $2
              AND (coalesce(totals, '{}') <> '{}' OR coalesce(measured, '{}') <> '{}')
            LIMIT $3
        ) old
        WHERE c.account_id = $1 AND c.id = old.id
        RETURNING c.id
        """,
        now,
        BATCH,
    )
    await ab_content.forget_small_figures(tx, [campaign_id for (campaign_id,) in gone], NOTHING)
    return len(gone)
