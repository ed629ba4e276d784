"""In the first hours of a month its table is empty: a plan made then must not be kept for the thousands to come."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

import pytest

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.services import Services
from tests.clicks.conftest import sent_campaign
from tests.make import Make
from tracking import buffer, ingest
from tracking.buffer import Hit
from tracking.window import Window

PEOPLE = 400
MONTH = date(2035, 3, 1)


async def _people(tx: AccountTx, make: Make) -> tuple[int, list[int]]:
    """A campaign and its recipients, all measured."""
    list_id = await make.mailing_list(tx)
    campaign_id, _ = await sent_campaign(tx)
    rows = await tx.rows(
        """
        WITH made AS (
            INSERT INTO contacts (account_id, email, address_key, address_hash, opens, clicks)
            SELECT $1, n || '@count.test', n || '@count.test', decode(md5('count' || n), 'hex'), 'granted', 'granted'
            FROM generate_series(1, $2::int) n
            RETURNING id
        ), delivered AS (
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at,
                                    final_at, opens, clicks)
            SELECT $1, g.id, made.id, g.month, $4, 'delivered', now(), now(), true, true
            FROM made
            JOIN campaigns g ON g.account_id = $1 AND g.id = $3
        )
        SELECT id FROM made
        """,
        PEOPLE,
        campaign_id,
        list_id,
    )
    return campaign_id, [contact_id for (contact_id,) in rows]


@pytest.fixture
async def new_month(services: Services) -> AsyncIterator[datetime]:
    """Its second day, of which no statistics know."""
    async with services.db.shared() as tx:
        await tx.run("CALL make_month($1)", MONTH)
    day = datetime(2035, 3, 2, 9, tzinfo=clock.now().tzinfo)
    clock.shift(day - clock.now())
    yield day
    clock.shift(timedelta())
    async with services.db.connection() as connection:
        await connection.execute("DROP TABLE events_2035_03, deliveries_2035_03")


async def test_a_plan_of_the_first_hits_does_not_read_all_events_for_each_person(
    services: Services, make: Make, new_month: datetime
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        campaign_id, people = await _people(tx, make)
    window = Window()

    async def store(people: list[int]) -> int:
        """How many rows of the month were read for it."""
        at = buffer.now_ms()
        hits = [
            Hit(buffer.new_id(at), at, "open", account.id, campaign_id, one, 0, "browser", False)
            for one in people
        ]
        async with services.db.account(account.id) as tx:
            await ingest.store(tx, window.add(hits), window)
            read: int = await tx.shared().value(
                """
                SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint
                FROM pg_stat_xact_user_tables WHERE relname = 'events_2035_03'
                """
            )
        return read

    # as many as a statement is planned for anew before its plan is kept, and some more
    for n in range(8):
        await store(people[n : n + 2])
    times = 6
    read = [await store(people) for _ in range(times)]
    # each person's own, and little else
    assert max(read) < 5 * PEOPLE * times, read
