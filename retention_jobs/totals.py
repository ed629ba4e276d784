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

# Who left or complained stands in `events` alone. A plan over all months takes longer than the look itself.
_LEFT = """
    SELECT campaign_id, kind, 0, '', count(DISTINCT contact_id)
    FROM events
    WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[]) AND kind IN ('unsubscribe', 'complaint')
    GROUP BY campaign_id, kind
"""

# In event_counts each recipient counts once, as the best that is known of it, as in the report. Behind the
# hits of such a cell may stand more people, since somebody better known has some too.
_FEW = """
    SELECT e.campaign_id, e.kind, e.link_id, e.verdict, (
        SELECT count(DISTINCT h.contact_id)
        FROM events h
        WHERE h.account_id = $1 AND h.campaign_id = e.campaign_id AND h.kind = e.kind
          AND h.verdict = e.verdict AND (e.link_id = 0 OR h.link_id = e.link_id))
    FROM event_counts e
    WHERE e.account_id = $1 AND e.campaign_id = ANY ($2::bigint[]) AND e.people < $3 AND e.hits >= $3
"""

_FREEZE = """
    WITH known AS (
        SELECT * FROM unnest($6::bigint[], $7::text[], $8::bigint[], $9::text[], $10::bigint[])
            AS k (campaign_id, kind, link_id, verdict, people)
    ), cells AS (
        SELECT e.campaign_id, k.key || v.name AS key, v.n, v.people
        FROM event_counts e
        LEFT JOIN known w ON w.campaign_id = e.campaign_id AND w.kind = e.kind AND w.link_id = e.link_id
                         AND w.verdict = e.verdict
        CROSS JOIN LATERAL (
            SELECT CASE WHEN e.link_id > 0 THEN 'link:' || e.link_id ELSE e.kind END || ':'
                   || CASE e.verdict WHEN 'person' THEN 'people' WHEN 'machine' THEN 'machines'
                                     ELSE e.verdict END AS key) k
        CROSS JOIN LATERAL (VALUES ('', e.people, e.people),
                                   (':hits', e.hits, coalesce(w.people, e.people))) v (name, n, people)
        WHERE e.account_id = $1 AND e.campaign_id = ANY ($2::bigint[])
        UNION ALL
        SELECT campaign_id, kind, people, people FROM known WHERE verdict = ''
        UNION ALL
        SELECT d.campaign_id, v.key, count(*), count(*)
        FROM deliveries d
        CROSS JOIN LATERAL (VALUES ('base:open', d.opens), ('base:click', d.clicks)) v (key, measured)
        WHERE d.account_id = $1 AND d.campaign_id = ANY ($2::bigint[]) AND d.month = ANY ($5::date[])
          AND d.status = 'delivered' AND v.measured
        GROUP BY d.campaign_id, v.key
    )
    UPDATE campaigns c
    SET totals = coalesce(c.totals, (
            SELECT coalesce(jsonb_object_agg(key, n), '{}')
            FROM (
                SELECT status || CASE reason WHEN '' THEN '' ELSE ':' || reason END AS key, count(*) AS n
                FROM deliveries
                WHERE account_id = $1 AND campaign_id = c.id AND month = ANY ($5::date[])
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
    if keep:
        await _freeze(tx, campaign_ids, now)
    else:
        await tx.run(
            """
            UPDATE campaigns
            SET totals = coalesce(totals, '{}'), measured = '{}', details_erased_at = $3
            WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND details_erased_at IS NULL
            """,
            campaign_ids,
            now,
        )
    await counts.forget(tx, campaign_ids)
    await ab_content.forget_small_figures(tx, campaign_ids, SMALLEST_CELL if keep else NOTHING)
    # exact figures that other campaigns were compared with
    await tx.run(
        "DELETE FROM campaign_figures WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[])",
        campaign_ids,
    )


async def _freeze(tx: AccountTx, campaign_ids: list[int], now: datetime) -> None:
    # the partitions of their deliveries, and no others
    [(months, few)] = await tx.rows(
        """
        SELECT array_agg(DISTINCT month),
               EXISTS (SELECT FROM event_counts
                       WHERE account_id = $1 AND campaign_id = ANY ($2::bigint[])
                         AND people < $3 AND hits >= $3)
        FROM campaigns
        WHERE account_id = $1 AND id = ANY ($2::bigint[])
        """,
        campaign_ids,
        SMALLEST_CELL,
    )
    async with tx.plans_kept():
        known = await tx.rows(_LEFT, campaign_ids)
        if few:
            known += await tx.rows(_FEW, campaign_ids, SMALLEST_CELL)
    columns = list(zip(*known, strict=True)) or [()] * 5
    await tx.run(_FREEZE, campaign_ids, SMALLEST_CELL, now, months, *columns)


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
