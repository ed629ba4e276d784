"""Web processes killed between keeping and answering, several flushes at once, Valkey restarted: once each, none lost."""

import asyncio
import os
import signal
import sys
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.work import Task
from tests.clicks.conftest import BROWSER, URLS, Flush, Sent
from tests.clicks.test_counts import counted, kept
from tests.clicks.test_nothing_is_lost import Own, own, unread
from tests.client import Client
from tests.statements import ROOT
from tracking import buffer, jobs
from tracking.buffer import Hit

__all__ = ["own"]
TASK = Task(0, "tracking.flush", 0, 0, 1)


@pytest.mark.req("S21")
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_web_process_killed_before_its_answer_stores_what_it_kept(
    sent: Sent, flush: Flush, services: Services, settings: Settings, http: ClientSession, when: str
) -> None:
    """Who got no answer asks again; what was kept is one event, and so is the second try."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.clicks.killed_web"),
        *(str(settings.data_dir), settings.database_url, settings.redis_url, when),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    with pytest.raises(aiohttp.ClientError):
        await http.get(f"http://127.0.0.1:{port}{sent.open(0)}", headers=BROWSER)
    assert await process.wait() == -signal.SIGKILL
    await flush()
    expected = [("open", "person", sent.contacts[0], None)] if when == "after" else []
    assert await sent.events() == expected
    assert await unread(services.redis) == (0, 0)


def hits(sent: Sent, count: int) -> list[Hit]:
    at = buffer.now_ms()
    return [
        Hit(
            f"s{sent.account_id}-{n}",
            at + n,
            "click" if n % 2 else "open",
            sent.account_id,
            sent.campaign_id,
            sent.contacts[n % 3],
            sent.link_ids[n % 2] if n % 2 else 0,
            "browser",
            False,
        )
        for n in range(count)
    ]


async def test_flushes_of_several_workers_at_once_store_each_hit_once(own: Own, sent: Sent) -> None:
    """A lease that ended lets two run: they read the same pending entries, and meet the keys and one another."""
    redises = [Redis.from_url(own.valkey.endpoints.redis_url, socket_timeout=5) for _ in range(3)]
    workers = [replace(own.services, redis=redis) for redis in redises]
    try:
        await buffer.prepare(redises[0])
        for start in range(0, 120, 10):
            await redises[0].xadd(buffer.STREAM, {b"h": buffer.pack(*hits(sent, 120)[start : start + 10])})
        # somebody read half of it and is gone
        await buffer.read(redises[0], ">", count=6)
        await asyncio.gather(*(jobs.flush(worker, TASK) for worker in workers))
        await jobs.flush(workers[0], TASK)
        assert await unread(redises[0]) == (0, 0)
    finally:
        for redis in redises:
            await redis.aclose()
    assert len(await sent.events()) == 120
    async with own.services.db.account(sent.account_id) as tx:
        cells, hours = await kept(tx, sent.campaign_id)
        assert (cells, hours) == await counted(tx, sent.campaign_id)
        assert sum(n for (n,) in hours.values()) == 120


@pytest.mark.req("S21")
async def test_what_valkey_held_survives_its_kill(own: Own, http: ClientSession, sent: Sent) -> None:
    """appendfsync always: a hit that was answered is on disk when the server dies without a word."""
    client = Client(http, own.base)
    for contact in range(3):
        assert (await client.get(sent.click(contact, 1), headers=BROWSER)).location == URLS[1]
    info = await own.services.redis.info("server")
    os.kill(info["process_id"], signal.SIGKILL)
    assert (await client.get(sent.click(0, 2), headers=BROWSER)).location == URLS[2]
    await own.valkey.stop()
    await own.valkey.start()
    await jobs.flush(own.services, TASK)
    await jobs.flush(own.services, TASK)
    assert len(await sent.events()) == 4


async def test_what_was_stored_leaves_the_stream_after_ten_minutes_and_what_waits_does_not(
    sent: Sent, services: Services, flush: Flush
) -> None:
    redis = services.redis
    await flush()
    await redis.delete(buffer.STREAM)
    await buffer.prepare(redis)
    old = buffer.now_ms() - buffer.KEPT_MS - 60_000
    for n, hit in enumerate(hits(sent, 4)):
        await redis.xadd(buffer.STREAM, {b"h": buffer.pack(hit)}, id=f"{old + n}-0")
    [first, second, *_] = await buffer.read(redis, ">", count=3)
    await buffer.ack(redis, [first])
    await buffer.trim(redis)
    # one is stored and old; two were read and wait; one was not read
    assert (await redis.xrange(buffer.STREAM, count=1))[0][0].decode() == second.id
    assert await redis.xlen(buffer.STREAM) == 3
    await flush()
    assert len(await sent.events()) == 3
    assert await redis.xlen(buffer.STREAM) <= 1


async def test_an_account_that_cannot_be_stored_holds_nobody_up_and_is_not_forgotten(
    own: Own, sent: Sent
) -> None:
    """Its entry waits until the database takes it; one of an account that does not exist is done with."""
    redis = own.services.redis
    await buffer.prepare(redis)
    [good, *_] = hits(sent, 1)
    poison = good._replace(id="poison", account_id=2**62, at=good.at)
    async with own.services.db.shared() as tx:
        await tx.run("ALTER TABLE event_counts ADD CONSTRAINT broken CHECK (hits < 0) NOT VALID")
    try:
        await redis.xadd(buffer.STREAM, {b"h": buffer.pack(good)})
        await redis.xadd(buffer.STREAM, {b"h": buffer.pack(poison)})
        await jobs.flush(own.services, TASK)
        assert await unread(redis) == (0, 1)
        assert await sent.events() == []
    finally:
        async with own.services.db.shared() as tx:
            await tx.run("ALTER TABLE event_counts DROP CONSTRAINT broken")
    await jobs.flush(own.services, TASK)
    assert await unread(redis) == (0, 0)
    assert len(await sent.events()) == 1
