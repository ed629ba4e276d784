"""No report reads a year: counters for opens and clicks, index ranges for the rest, months that cannot matter left out."""

import re

import asyncpg
import pytest

from mailer.core.db import AccountTx
from mailer.core.services import Services
from sending import segment_figures
from tests.make import Account, Make
from tests.reports.test_report import fill
from tests.statements import statements
from tracking import whole_report

PEOPLE = 20_000


def _sql(path: str, words: str) -> str:
    [found] = [one.sql for one in statements() if one.path == path and words in (one.sql or "")]
    assert found is not None
    return found


@pytest.fixture
async def acc(make: Make) -> Account:
    return await make.account()


async def _year(tx: AccountTx, campaign_id: int) -> None:
    """Many opens, clicks and departures, a few of them this campaign's, in this month and the three before."""
    for months in range(4):
        await tx.shared().run(
            "CALL make_month((date_trunc('month', now()) - make_interval(months => $1))::date)", months
        )
    await tx.run(
        """
        INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
        SELECT $1, 'year-' || n, now() - make_interval(months => n % 4), $2 + n % 50, n,
               (ARRAY['open', 'click', 'unsubscribe', 'complaint'])[1 + n % 4], 'person'
        FROM generate_series(1, $3::int) AS n
        """,
        campaign_id,
        PEOPLE,
    )


async def _plan(connection: asyncpg.Connection, sql: str, *args: object, run: bool = False) -> str:
    words = "EXPLAIN (ANALYZE, TIMING OFF)" if run else "EXPLAIN"
    return "\n".join(row[0] for row in await connection.fetch(f"{words} {sql}", *args))


@pytest.mark.req("S6", "S8")
async def test_reports_read_counters_and_index_ranges(services: Services, make: Make, acc: Account) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await _year(tx, campaign_id)
    async with services.db.connection() as connection:
        await connection.execute("ANALYZE events, deliveries, campaigns, event_counts, event_hours")
    here = (acc.id, campaign_id)
    async with services.db.account(acc.id) as tx:
        connection = tx._connection
        # a table of a few rows is rightly read whole: what counts is that an index can serve
        await connection.execute("SET LOCAL enable_seqscan = off")
        plans = {
            "opens": await _plan(connection, _sql("tracking/measured.py", "link_id = 0"), *here),
            "links": await _plan(connection, _sql("tracking/measured.py", "FROM links l"), *here),
            "hours": await _plan(
                connection, _sql("tracking/timeline.py", "date_trunc"), *here, "hour", "Europe/Paris", 74
            ),
            "span": await _plan(connection, _sql("tracking/timeline.py", "min(hour)"), *here),
            "left": await _plan(connection, _sql("tracking/reports.py", "'unsubscribe'"), *here),
            "complained": await _plan(connection, _sql("tracking/reports.py", "'complaint'"), *here),
            "outcomes": await _plan(connection, _sql("tracking/reports.py", "d.first_at IS NOT NULL"), *here),
            "providers": await _plan(
                connection, _sql("tracking/providers.py", "GROUP BY d.profile\n"), *here
            ),
            "answers": await _plan(connection, _sql("tracking/providers.py", "row_number()"), *here, 3),
            "segment": await _plan(
                connection, _sql("sending/segment_figures.py", "LATERAL"), *here, list(range(200))
            ),
        }
    for name, plan in plans.items():
        assert "Seq Scan" not in plan, f"{name}:\n{plan}"
    for name in ("opens", "links"):
        assert "events" not in plans[name].replace("event_counts", ""), plans[name]
    assert "contact_id = m.contact_id" in plans["segment"], plans["segment"]


@pytest.mark.req("S6")
async def test_months_before_the_campaign_are_not_looked_at(
    services: Services, make: Make, acc: Account
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await _year(tx, campaign_id)
        sql = _sql("tracking/reports.py", "'unsubscribe'")
        plan = await _plan(tx._connection, sql, acc.id, campaign_id, run=True)
    looked_at = {name for name in re.findall(r" on (events_\d{4}_\d\d)", plan) if f"on {name}" in plan} - set(
        re.findall(r" on (events_\d{4}_\d\d)[^\n]*\(never executed\)", plan)
    )
    # this month, the one before (31 days), and those made ahead
    this = await _month(services)
    assert looked_at, plan
    assert min(looked_at) >= f"events_{this}", plan


async def _month(services: Services) -> str:
    """The month before this one, as partitions are named."""
    async with services.db.shared() as tx:
        return str(
            await tx.value("SELECT to_char(date_trunc('month', now()) - interval '1 month', 'YYYY_MM')")
        )


async def test_a_whole_report_is_the_same_with_a_years_events_beside_it(
    services: Services, make: Make, acc: Account
) -> None:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        before = await whole_report.whole(tx, campaign_id, zone="Europe/Paris")
        await _year(tx, campaign_id + 1)
        after = await whole_report.whole(tx, campaign_id, zone="Europe/Paris")
        assert after == before
        # of a segment's people too, the events of other campaigns do not count
        counted = await segment_figures._count(tx, campaign_id, [])
        assert counted.audience == 0
