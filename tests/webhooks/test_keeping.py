"""What is kept of webhooks: six days, no secret in a copy, and statements that read what they need (A-001, S8)."""

import io
import re
import zipfile
from datetime import timedelta

import orjson
import pytest

from lists import exports
from lists.exports import NewExport
from mailer.core import clock
from mailer.core.work import Task
from mailer.webhooks import turns
from retention_jobs import closed_accounts, webhook_rows
from tests.exporting import exporter
from tests.statements import statements
from tests.webhooks.conftest import Place

TABLES = ("webhook_events", "webhook_deliveries", "webhook_attempts")


async def rows(place: Place) -> list[int]:
    """Of each table."""
    return [
        await place.value("SELECT count(*) FROM webhook_events WHERE account_id = $1"),
        await place.value("SELECT count(*) FROM webhook_deliveries WHERE account_id = $1"),
        await place.value("SELECT count(*) FROM webhook_attempts WHERE account_id = $1"),
    ]


@pytest.mark.req("A-001", "E-64", "C-12")
async def test_bodies_and_answers_are_gone_after_six_days(place: Place) -> None:
    await place.listen("contact.created")
    await place.happened(2)
    await place.tell()
    assert await rows(place) == [2, 2, 2]
    async with place.tx() as tx:
        assert await webhook_rows.old(tx, clock.now() + timedelta(days=6, minutes=-1)) == 0
        assert await webhook_rows.old(tx, clock.now() + timedelta(days=6, minutes=1)) == 2
    assert await rows(place) == [0, 0, 0]
    assert (await place.show()).status == "on"


async def test_what_still_waits_dies_with_its_event(place: Place) -> None:
    await place.listen("contact.created")
    place.receiver.status = 500
    await place.happened()
    await place.tell()
    async with place.tx() as tx:
        await webhook_rows.old(tx, clock.now() + timedelta(days=6, minutes=1))
    clock.shift(timedelta(hours=1))
    assert await place.turn() is None
    assert len(place.receiver.heard) == 1


async def test_a_closed_account_is_erased_with_its_webhooks(place: Place) -> None:
    await place.listen()
    await place.contact()
    await place.tell()
    async with place.services.db.shared() as tx:
        await tx.run(
            "UPDATE accounts SET status = 'closed', closed_at = now(), erase_at = now() WHERE id = $1",
            place.account.id,
        )
    found = await closed_accounts.erase(place.services.db, place.account.id, clock.now())
    assert found["webhook_endpoints"] == 1
    async with place.services.db.shared() as tx:
        left = await tx.value("SELECT count(*) FROM webhook_rings WHERE account_id = $1", place.account.id)
    assert left == 0
    # a turn that was rung before finds nothing to do
    assert await turns.send(place.services, Task(place.account.id, turns.SEND, place.endpoint, 0, 1)) is None


@pytest.mark.req("B-68", "A-082")
async def test_the_archive_of_an_account_has_its_webhooks_without_secrets(place: Place) -> None:
    await place.listen("contact.created")
    export, data = await exporter.written(place.services, place.account.id, NewExport(what="account"))
    assert isinstance(export, exports.Export)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        [line] = archive.read("webhooks.ndjson").splitlines()
    found = orjson.loads(line)
    assert found["url"] == place.receiver.url
    assert [name for name in found if "secret" in name and name != "old_secret_until"] == []


def _sql(file: str, words: str) -> str:
    [found] = [
        one.sql
        for one in statements()
        if one.path == f"mailer/webhooks/{file}.py" and words in (one.sql or "")
    ]
    assert found is not None
    return found


@pytest.mark.req("S8")
async def test_a_turn_reads_its_batch_and_not_the_backlog(place: Place) -> None:
    other = await place.listen("contact.created")
    await place.listen("contact.created")
    await place.happened(20_000)
    async with place.tx() as tx:
        # as after some days: nearly all is delivered, a part of it waits
        await tx.run(
            """
            INSERT INTO webhook_deliveries (account_id, endpoint_id, event_id, status, next_at)
            SELECT account_id, w, id, CASE WHEN id % 400 = 0 THEN 'waiting' ELSE 'delivered' END,
                   CASE WHEN id % 400 = 0 THEN now() END
            FROM webhook_events
            CROSS JOIN unnest($2::bigint[]) AS of (w)
            WHERE account_id = $1
            """,
            [other, place.endpoint],
        )
        await tx.run("UPDATE webhook_events SET spread = id % 400 <> 0 WHERE account_id = $1")
    async with place.services.db.connection() as connection:
        for table in TABLES:
            await connection.execute(f"VACUUM ANALYZE {table}")
    numbers = (place.endpoint, clock.now(), turns.AT_ONCE, turns.BATCH)
    async with place.tx() as tx:
        asked = (
            ("webhook_deliveries_(order|next_at)", _sql("turns", "AND next_at <= $3"), numbers),
            ("webhook_deliveries_next_at", _sql("turns", "min(next_at)"), (place.endpoint,)),
            ("webhook_deliveries_next_at", _sql("turns", "d.next_at = $3"), (place.endpoint, turns.AT_ONCE)),
            ("webhook_events_waiting", _sql("collect", "NOT spread ORDER BY id"), (2_000,)),
            ("webhook_events_at", _sql_of_retention(), (clock.now() - timedelta(days=7), 100)),
        )
        for index, sql, arguments in asked:
            plan = "\n".join(row[0] for row in await tx.rows(f"EXPLAIN {sql}", *arguments))
            assert re.search(index, plan), f"{index}\n{plan}"
            assert "Seq Scan on webhook_" not in plan, plan


def _sql_of_retention() -> str:
    [found] = [one.sql for one in statements() if one.path == "retention_jobs/webhook_rows.py"]
    assert found is not None
    return found
