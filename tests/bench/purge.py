"""`purge`: a day's retention run over events of 14 months, against the same boundary DELETE and DROP by hand.

The run is the product's job of an account: every rule, totals of the campaigns whose events go, the signed record,
and the partitions that are empty. By hand a person writes one DELETE up to the boundary of the next day and drops
one empty partition. Row-level security is on for both; each run erases days of its own.
"""

import time
from datetime import UTC, date, datetime, timedelta

from mailer.core import clock
from mailer.core.work import Task
from retention_jobs import jobs, partitions, totals
from retention_jobs.policies import STATISTICS_MONTHS
from tests.bench import page_events, scene
from tests.bench.outcome import Options, Result, Void, say
from tests.bench.scene import Scene

EVENTS = 10_000_000
MONTHS = 14
PEOPLE = 50_000
PASSES = 8
# no month of the events: what is emptied and dropped stands here
EMPTY_FROM = date(2019, 1, 1)


async def run(options: Options) -> Result:
    count = options.scaled(EVENTS, least=4_000)
    ours, yardstick = [], []
    async with scene.opened(20) as stage:
        last = clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
        # from the first of a month on: no two days have one boundary
        first = clock.months_before(last, MONTHS).replace(day=1)
        days = (last - first).days
        await _fill(stage, first, days, count)
        # the job's clock stands so that nothing is over yet
        moment = clock.months_after(first, STATISTICS_MONTHS)
        await _passes(stage, moment - timedelta(hours=1), PASSES)
        for n in range(options.runs):
            moment += timedelta(days=1)
            left = await _events(stage)
            ours.append(await _ours(stage, moment, n))
            erased = left - await _events(stage)
            moment += timedelta(days=1)
            yardstick.append(await _by_hand(stage, moment, n))
            by_hand = left - erased - await _events(stage)
            await _freeze(stage)
            if not erased or abs(erased - by_hand) > max(2, erased // 5):
                raise Void(f"the run erased {erased} events, the statement {by_hand}")
            say(
                f"  run {n + 1}: {erased:,} of {left:,} events;"
                f" {ours[-1]:.0f} ms, by hand {yardstick[-1]:.0f} ms; {ours[-1] / yardstick[-1]:.2f}"
            )
        clock.shift(timedelta())
    return Result(bench="purge", ours=ours, yardstick=yardstick, unit="ms", goal=2.0, less=True)


async def _fill(stage: Scene, first: datetime, days: int, count: int) -> None:
    """A campaign a day, its opens and clicks within the day, counted; analysed, as autovacuum would have done."""
    async with stage.post.tx() as tx:
        await totals.keep(tx, True)
        for month in range(MONTHS + 1):
            start = clock.months_after(first.replace(day=1), month).date()
            await tx.shared().run("CALL make_month($1)", start)
        await tx.run(
            """
            INSERT INTO campaigns (account_id, name, status, month, finished_at, content_erased_at)
            SELECT $1, 'Jour ' || n, 'sent', date_trunc('month', d)::date, d, d
            FROM generate_series(0, $3::int - 1) n
            CROSS JOIN LATERAL (SELECT $2::timestamptz + make_interval(days => n) AS d) x
            """,
            first,
            days,
        )
        lowest: int = await tx.value("SELECT min(id) FROM campaigns WHERE account_id = $1")
    for part in range(20):
        async with stage.post.tx() as tx:
            await tx.run(
                """
                INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict, signals)
                SELECT $1, (extract(epoch FROM x.at) * 1000)::bigint || '-' || n, x.at,
                       $2 + least(extract(epoch FROM x.at - $3)::bigint / 86400, $4::int - 1),
                       1 + n * 7919 % $7, CASE WHEN n % 3 = 0 THEN 'click' ELSE 'open' END, 'person',
                       '{"rules": 1, "delay": "minutes"}'
                FROM generate_series($5::bigint, $6::bigint - 1) n
                CROSS JOIN LATERAL (
                    SELECT $3::timestamptz + make_interval(secs => n * ($4::int * 86400.0 / $8::bigint)) AS at) x
                """,
                lowest,
                first,
                days,
                count * part // 20,
                count * (part + 1) // 20,
                PEOPLE,
                count,
            )
    for n in range(days):
        async with stage.post.tx() as tx:
            await page_events.count(tx, lowest + n)
    async with stage.services.db.connection() as connection:
        await connection.execute("VACUUM ANALYZE events, event_counts, event_hours")


async def _events(stage: Scene) -> int:
    async with stage.post.tx() as tx:
        found: int = await tx.value("SELECT count(*) FROM events WHERE account_id = $1")
    return found


async def _freeze(stage: Scene) -> None:
    """Campaigns whose events went by hand: as the product leaves them, or its next run would look at each."""
    async with stage.post.tx() as tx:
        await tx.run(
            """
            UPDATE campaigns c SET details_erased_at = now()
            WHERE account_id = $1 AND details_erased_at IS NULL
              AND NOT EXISTS (SELECT FROM events e WHERE e.account_id = $1 AND e.campaign_id = c.id)
            """
        )


async def _empty_month(stage: Scene, n: int) -> date:
    """A month without rows, for both tables."""
    month = date(EMPTY_FROM.year + n // 12, n % 12 + 1, 1)
    async with stage.services.db.shared() as tx:
        await tx.run("CALL make_month($1)", month)
    return month


async def _passes(stage: Scene, moment: datetime, count: int) -> None:
    """Those of the days before, with their records: what a worker asks is known to its connection, as in life."""
    before = await _events(stage)
    for n in reversed(range(count)):
        clock.shift(timedelta())
        clock.shift(moment - timedelta(days=n) - datetime.now(UTC))
        await jobs.account_pass(
            stage.services, Task(stage.account.id, "retention_jobs.account_pass", 0, 0, 1)
        )
    if await _events(stage) != before:
        raise Void("something was over before the first run")


async def _ours(stage: Scene, moment: datetime, n: int) -> float:
    month = await _empty_month(stage, 2 * n)
    await _passes(stage, moment - timedelta(days=1, hours=1), 1)
    clock.shift(timedelta())
    clock.shift(moment - datetime.now(UTC))
    task = Task(stage.account.id, "retention_jobs.account_pass", 0, 0, 1)
    began = time.perf_counter()
    while await jobs.account_pass(stage.services, task) is not None:
        pass
    dropped = await partitions.drop_old(stage.services.db, clock.now())
    took = time.perf_counter() - began
    if f"events_{month:%Y_%m}" not in dropped:
        raise Void(f"the emptied month {month} was not dropped")
    return took * 1000


async def _by_hand(stage: Scene, moment: datetime, n: int) -> float:
    month = await _empty_month(stage, 2 * n + 1)
    before = clock.months_before(moment, STATISTICS_MONTHS)
    began = time.perf_counter()
    async with stage.post.tx() as tx:
        await tx.run("DELETE FROM events WHERE account_id = $1 AND at < $2", before)
    async with stage.services.db.connection() as connection:
        for table in ("events", "deliveries"):
            await connection.execute(f"DROP TABLE {table}_{month:%Y_%m}")
    return (time.perf_counter() - began) * 1000
