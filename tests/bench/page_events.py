"""A year of opens and clicks for `pages`: ten events a contact, over eleven campaigns and their months."""

from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.work import Task
from tests.bench.outcome import say
from tests.delivery.conftest import Post
from tracking import counts, jobs_figures

EARLIER = 10
"""Campaigns of the months before, of which 6 in 10 people opened and 3 in 20 clicked: 0.75 events each."""
LINKS = 20


async def a_year(post: Post, campaign_id: int, last: int, chunk: int) -> int:
    """Events of the account's contacts up to `last`; the campaign of now gets 2.5 for each. Returns how many."""
    made = 0
    for months in range(EARLIER, -2, -1):
        async with post.tx() as tx:
            await tx.shared().run(
                "CALL make_month((date_trunc('month', now()) - make_interval(months => $1))::date)", months
            )
    for months in range(EARLIER, -1, -1):
        async with post.tx() as tx:
            sent = campaign_id if not months else await _campaign(tx, months)
            first = await _links(tx, sent)
        for after in range(0, last, chunk):
            async with post.tx() as tx:
                made += await _events(tx, sent, first, (after, after + chunk), now=not months)
        async with post.tx() as tx:
            await count(tx, sent)
    say(f"  {made:,} events in {EARLIER + 1} months")
    return made


async def summed_up(services: Services, account_id: int) -> None:
    """The job that counts campaigns, until it has nothing left."""
    while await jobs_figures.count_campaigns(services, Task(account_id, "tracking.count_campaigns", 0, 0, 1)):
        pass


async def _campaign(tx: AccountTx, months: int) -> int:
    found: int = await tx.value(
        """
        INSERT INTO campaigns (account_id, name, status, month, prepared_at, started_at, finished_at, subject, audience)
        SELECT $1, 'Lettre ' || $2::int, 'sent', date_trunc('month', at)::date, at, at, at, 'Lettre', 0
        FROM (SELECT now() - make_interval(months => $2::int) AS at) t
        RETURNING id
        """,
        months,
    )
    return found


async def _links(tx: AccountTx, campaign_id: int) -> int:
    """The id of the first."""
    found: int = await tx.value(
        """
        WITH made AS (
            INSERT INTO links (account_id, campaign_id, position, url, label)
            SELECT $1, $2, n, 'https://boutique.example/' || n, 'Lien ' || n
            FROM generate_series(0, $3::int - 1) AS n
            RETURNING id)
        SELECT min(id) FROM made
        """,
        campaign_id,
        LINKS,
    )
    return found


async def _events(tx: AccountTx, campaign_id: int, first: int, span: tuple[int, int], *, now: bool) -> int:
    return await tx.run(
        """
        INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, link_id, verdict)
        SELECT $1::bigint, concat_ws('-', 'year', $2::bigint, c.id, k.n),
               m.started_at + make_interval(secs => c.id * 7919 % 250000), $2, c.id, k.kind,
               CASE k.kind WHEN 'click' THEN $3 + c.id % $4::int END,
               CASE (c.id + k.n) % 5 WHEN 0 THEN 'machine' WHEN 1 THEN 'unknown' ELSE 'person' END
        FROM contacts c
        JOIN campaigns m ON m.account_id = $1 AND m.id = $2
        CROSS JOIN (VALUES (1, 'open', 12, 20), (2, 'open', 0, 20), (3, 'click', 3, 10)) k (n, kind, before, today)
        WHERE c.account_id = $1 AND c.id > $5 AND c.id <= $6
          AND c.id % 20 < CASE WHEN $7::boolean THEN k.today ELSE k.before END
        """,
        campaign_id,
        first,
        LINKS,
        *span,
        now,
    )


async def count(tx: AccountTx, campaign_id: int) -> None:
    """What ingest would have counted."""
    await counts.hold(tx)
    await tx.run(
        """
        INSERT INTO event_counts (account_id, campaign_id, month, kind, link_id, verdict, hits, people)
        SELECT $1, $2, m.month, r.kind, r.link_id, v.verdict, sum(v.hits),
               count(*) FILTER (WHERE v.verdict = r.best)
        FROM (
            SELECT e.kind, k.link_id, e.contact_id,
                   count(*) FILTER (WHERE e.verdict = 'person') AS person,
                   count(*) FILTER (WHERE e.verdict = 'machine') AS machine,
                   count(*) FILTER (WHERE e.verdict = 'unknown') AS unknown,
                   CASE WHEN bool_or(e.verdict = 'person') THEN 'person'
                        WHEN bool_or(e.verdict = 'unknown') THEN 'unknown' ELSE 'machine' END AS best
            FROM events e
            CROSS JOIN LATERAL (SELECT 0 AS link_id UNION ALL SELECT e.link_id WHERE e.link_id > 0) k
            WHERE e.account_id = $1 AND e.campaign_id = $2 AND e.kind IN ('open', 'click')
            GROUP BY e.kind, k.link_id, e.contact_id) r
        JOIN campaigns m ON m.account_id = $1 AND m.id = $2
        CROSS JOIN LATERAL (VALUES ('person', r.person), ('machine', r.machine), ('unknown', r.unknown))
            v (verdict, hits)
        GROUP BY m.month, r.kind, r.link_id, v.verdict
        HAVING sum(v.hits) > 0
        """,
        campaign_id,
    )
    await tx.run(
        """
        INSERT INTO event_hours (account_id, campaign_id, hour, kind, verdict, hits)
        SELECT $1, $2, date_trunc('hour', at, 'UTC'), kind, verdict, count(*)
        FROM events
        WHERE account_id = $1 AND campaign_id = $2 AND kind IN ('open', 'click')
        GROUP BY 3, 4, 5
        """,
        campaign_id,
    )
