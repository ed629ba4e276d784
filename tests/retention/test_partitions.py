"""Tables of a month: made ahead, dropped when they are empty, and nobody has to wait for either."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import pytest

from mailer.core.services import Services
from retention_jobs import partitions
from tests.make import Make


async def _make(services: Services, month: date) -> None:
    async with services.db.shared() as tx:
        await tx.run("CALL make_month($1)", month)


async def _there(services: Services, name: str) -> bool:
    async with services.db.shared() as tx:
        found: bool = await tx.value("SELECT to_regclass($1) IS NOT NULL", name)
    return found


async def _put(services: Services, account_id: int, at: datetime, event_id: str) -> None:
    async with services.db.account(account_id) as tx:
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            VALUES ($1, $2, $3, 1, 1, 'open', 'person')
            """,
            event_id,
            at,
        )


@asynccontextmanager
async def _read(services: Services, table: str) -> AsyncIterator[None]:
    """Somebody reads it for long, as a backup does."""
    async with services.db.connection() as connection, connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        yield


async def test_the_month_of_the_boundary_is_never_dropped(services: Services) -> None:
    await _make(services, date(2025, 10, 1))
    found = await partitions.droppable(services.db, datetime(2026, 11, 22, tzinfo=UTC))
    assert "events_2025_10" not in {one.name for one in found}


@pytest.mark.req("A-004")
async def test_emptied_months_are_dropped_and_full_ones_kept(services: Services, make: Make) -> None:
    account = await make.account()
    now = datetime(2019, 8, 2, tzinfo=UTC)
    await _make(services, date(2018, 5, 1))
    await _put(services, account.id, datetime(2018, 5, 10, tzinfo=UTC), "old")
    assert "events_2018_05" not in await partitions.drop_old(services.db, now)
    assert await _there(services, "events_2018_05")
    async with services.db.account(account.id) as tx:
        await tx.run("DELETE FROM events WHERE account_id = $1")
    async with services.db.shared() as tx:
        # the rows are dead, their pages are there
        assert await tx.value("SELECT pg_relation_size('events_2018_05')") > 0
    assert "events_2018_05" in await partitions.drop_old(services.db, now)
    assert not await _there(services, "events_2018_05")
    assert not await _there(services, "deliveries_2018_05")


async def test_a_month_that_is_kept_stays_behind_its_wall(services: Services, make: Make) -> None:
    account, other = await make.account(), await make.account()
    await _make(services, date(2019, 7, 1))
    await _put(services, account.id, datetime(2019, 7, 2, tzinfo=UTC), "kept")
    dropped = await partitions.drop_old(services.db, datetime(2021, 1, 1, tzinfo=UTC))
    assert "deliveries_2019_07" in dropped
    assert "events_2019_07" not in dropped
    async with services.db.account(other.id) as tx:
        assert await tx.shared().value(
            "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'events_2019_07'"
        )
        assert await tx.shared().value("SELECT count(*) FROM events_2019_07") == 0


@pytest.mark.parametrize("table", ["events", "deliveries_2017_03"])
async def test_a_month_in_use_is_left_to_the_next_run_and_holds_nobody_up(
    services: Services, make: Make, table: str
) -> None:
    account = await make.account()
    now = datetime(2018, 6, 1, tzinfo=UTC)
    await _make(services, date(2017, 3, 1))
    async with _read(services, table):
        async with asyncio.timeout(60):
            dropped = await partitions.drop_old(services.db, now)
            # who comes behind goes on
            await _put(services, account.id, datetime(2017, 3, 2, tzinfo=UTC), "new")
        assert not {"events_2017_03", "deliveries_2017_03"} & set(dropped)
    async with services.db.account(account.id) as tx:
        await tx.run("DELETE FROM events WHERE account_id = $1")
    assert {"events_2017_03", "deliveries_2017_03"} <= set(await partitions.drop_old(services.db, now))


async def test_months_to_come_wait_for_who_reads(services: Services) -> None:
    now = datetime(2031, 1, 5, tzinfo=UTC)
    async with _read(services, "deliveries"), asyncio.timeout(60):
        await partitions.make_next(services.db, now)
    assert not await _there(services, "events_2031_01")
    await partitions.make_next(services.db, now)
    made = [f"{table}_2031_{month:02}" for table in ("events", "deliveries") for month in (1, 2, 3)]
    assert all([await _there(services, name) for name in made])
    async with services.db.connection() as connection:
        await connection.execute(f"DROP TABLE {', '.join(made)}")
