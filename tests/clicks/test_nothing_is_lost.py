"""Killed flushes, replays, a Redis that goes away and comes back: every hit is stored once."""

import asyncio
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from redis.asyncio import Redis

from mailer.app import make_app, started
from mailer.core import clock, metrics
from mailer.core.db import AccountTx
from mailer.core.embedded import EmbeddedServers
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.work import Task
from tests.clicks.conftest import BROWSER, URLS, Flush, Sent
from tests.client import Client
from tests.statements import ROOT
from tracking import buffer, ingest, jobs, spill
from tracking.buffer import Hit
from tracking.window import Window

TASK = Task(0, "tracking.flush", 0, 0, 1)


def hit(sent: Sent, n: int, *, contact: int = 0) -> Hit:
    return Hit(
        f"hit-{sent.account_id}-{n}",
        buffer.now_ms(),
        "click",
        sent.account_id,
        sent.campaign_id,
        sent.contacts[contact],
        sent.link_ids[0],
        "browser",
        False,
    )


async def store(tx: AccountTx, hits: list[Hit]) -> Counter[tuple[str, str]]:
    window = Window()
    return await ingest.store(tx, window.add(hits), window)


async def unread(redis: Redis) -> tuple[int, int]:
    """Entries that wait to be read, and those that were read and not acknowledged."""
    [group] = await redis.xinfo_groups(buffer.STREAM)
    return group["lag"], group["pending"]


@pytest.mark.req("S21")
@pytest.mark.parametrize("when", ["read", "stored"])
async def test_a_killed_flush_loses_and_doubles_nothing(
    client: Client,
    sent: Sent,
    flush: Flush,
    services: Services,
    settings: Settings,
    when: str,
    tmp_path: Path,
) -> None:
    for contact in range(3):
        await client.get(sent.click(contact), headers=BROWSER)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.clicks.killed_flush",
        str(settings.data_dir),
        settings.database_url,
        settings.redis_url,
        when,
        cwd=ROOT,
    )
    assert await process.wait() == -signal.SIGKILL
    assert len(await sent.events()) == (3 if when == "stored" else 0)
    await flush()
    assert [contact for _, _, contact, _ in await sent.events()] == sent.contacts
    assert await unread(services.redis) == (0, 0)


@pytest.mark.req("S6")
async def test_the_same_hits_again_meet_their_key(sent: Sent, services: Services) -> None:
    hits = [hit(sent, n, contact=n % 3) for n in range(6)]
    async with services.db.account(sent.account_id) as tx:
        assert await store(tx, hits) == {("click", "stored"): 6, ("click", "again"): 0}
    async with services.db.account(sent.account_id) as tx:
        assert await store(tx, hits + hits) == {("click", "again"): 6}
    assert len(await sent.events()) == 6


async def test_drops_have_their_reason(sent: Sent, services: Services) -> None:
    async with services.db.account(sent.account_id) as tx:
        await tx.run(
            "UPDATE contacts SET clicks = 'denied' WHERE account_id = $1 AND id = $2", sent.contacts[0]
        )
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", sent.contacts[1])
        await tx.run(
            "UPDATE deliveries SET clicks = false WHERE account_id = $1 AND contact_id = $2", sent.contacts[2]
        )
        old = hit(sent, 9)._replace(at=buffer.now_ms() - 40 * 86_400_000)
        unknown = hit(sent, 8)._replace(contact_id=10**9)
        results = await store(tx, [*(hit(sent, n, contact=n) for n in range(3)), old, unknown])
    assert results == {
        ("click", "withdrawn"): 2,
        ("click", "gone"): 1,
        ("click", "not_measured"): 1,
        ("click", "never_sent"): 1,
    }


@pytest.mark.req("B-27")
async def test_a_click_is_a_sign_of_life_and_one_that_follows_at_once_is_none_more(
    sent: Sent, services: Services
) -> None:
    async def last() -> datetime | None:
        async with services.db.account(sent.account_id) as tx:
            return await tx.value(
                "SELECT last_act_at FROM contacts WHERE account_id = $1 AND id = $2", sent.contacts[0]
            )

    first = buffer.now_ms() - 1_800_000
    after_minutes = []
    for n, minutes in enumerate((0, 9, 11)):
        async with services.db.account(sent.account_id) as tx:
            clicked = hit(sent, n, contact=0)._replace(at=first + minutes * 60_000)
            await store(tx, [clicked])
        known = await last()
        assert known
        after_minutes.append(round((known.timestamp() * 1000 - first) / 60_000))
    assert after_minutes == [0, 0, 11]


@pytest.mark.req("B-27", "D-92")
async def test_a_scanners_first_click_is_no_lasting_sign_of_life(sent: Sent, services: Services) -> None:
    """The flush may see it seconds before the others, and take it for a person's."""
    before = clock.now() - timedelta(days=700)
    ana, _, zoe = sent.contacts
    at = buffer.now_ms() - 900_000

    async def acts() -> list[datetime | None]:
        async with services.db.account(sent.account_id) as tx:
            found = dict(await tx.rows("SELECT id, last_act_at FROM contacts WHERE account_id = $1"))
        return [found[contact] for contact in sent.contacts]

    async with services.db.account(sent.account_id) as tx:
        await tx.run("UPDATE contacts SET last_act_at = $3 WHERE account_id = $1 AND id = $2", ana, before)
    window = Window()
    first = [hit(sent, n, contact=n)._replace(at=at) for n in range(3)]
    async with services.db.account(sent.account_id) as tx:
        await ingest.store(tx, window.add(first), window)
    assert None not in await acts()
    form = clock.now()
    async with services.db.account(sent.account_id) as tx:
        await tx.run("UPDATE contacts SET last_act_at = $3 WHERE account_id = $1 AND id = $2", zoe, form)
    others = [
        hit(sent, 10 + n, contact=n % 3)._replace(at=at + 1000 + n, link_id=sent.link_ids[1 + n // 3])
        for n in range(6)
    ]
    async with services.db.account(sent.account_id) as tx:
        await ingest.store(tx, window.add(others), window)
    assert {verdict for _, verdict, _, _ in await sent.events()} == {"unknown"}
    # an earlier act, none, and one since then that is no click
    assert await acts() == [before, None, form]
    # whoever clicks later is a person
    later = hit(sent, 20, contact=1)._replace(at=at + 600_000)
    async with services.db.account(sent.account_id) as tx:
        await ingest.store(tx, window.add([later]), window)
    assert (await acts())[1] == later.time


@pytest.mark.req("S21")
async def test_a_disk_that_fills_up_amid_a_line_keeps_no_piece_of_it(
    sent: Sent, services: Services, settings: Settings, tmp_path: Path
) -> None:
    line = buffer.pack(hit(sent, 1))
    away = replace(
        services,
        redis=Redis.from_url("redis://127.0.0.1:1"),
        settings=settings.model_copy(update={"data_dir": tmp_path}),
    )
    spill.write(tmp_path, line)
    lost = metrics.EVENTS.labels("click", "lost")
    before = lost._value.get()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(line) + 20, limits[1]))
    try:
        with pytest.raises(OSError):
            spill.write(tmp_path, line)
        await buffer.append(away, hit(sent, 2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert lost._value.get() == before + 1
    spill.write(tmp_path, line)
    [taken] = spill.take(tmp_path)
    assert spill.lines(taken) == [line, line]
    await away.redis.aclose()


async def test_what_cannot_be_read_is_set_aside(sent: Sent, flush: Flush, services: Services) -> None:
    for line in (b"", b"{}", b"[1,2]", b"\xff", buffer.pack(hit(sent, 1))[:-5], buffer.pack(hit(sent, 2))):
        await services.redis.xadd(buffer.STREAM, {b"h": line})
    await services.redis.xadd(buffer.STREAM, {b"other": b"x"})
    await flush()
    assert len(await sent.events()) == 1
    assert await unread(services.redis) == (0, 0)


async def test_an_emptied_redis_is_met_again(
    client: Client, sent: Sent, flush: Flush, services: Services
) -> None:
    await client.get(sent.click(0), headers=BROWSER)
    await flush()
    await services.redis.delete(buffer.STREAM)
    await client.get(sent.click(1), headers=BROWSER)
    await flush()
    assert len(await sent.events()) == 2


@dataclass
class Own:
    """A web process with a Valkey of its own, which a test may stop."""

    valkey: EmbeddedServers
    services: Services
    base: str


@pytest.fixture
async def own(services: Services, settings: Settings, tmp_path: Path) -> AsyncIterator[Own]:
    valkey = EmbeddedServers(tmp_path / "servers", postgres=False)
    await valkey.start()
    redis = Redis.from_url(valkey.endpoints.redis_url, socket_timeout=5)
    port = 28000 + os.getpid() % 2000
    changed = settings.model_copy(
        update={
            "data_dir": tmp_path / "data",
            "redis_url": valkey.endpoints.redis_url,
            "listen": f"127.0.0.1:{port}",
        }
    )
    mine = replace(services, settings=changed, redis=redis)
    runner = await started(make_app(changed, services=mine), changed, shutdown_timeout=1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield Own(valkey, mine, f"http://127.0.0.1:{port}")
    await runner.cleanup()
    await redis.aclose()
    await valkey.stop()


@pytest.mark.req("S21", "D-95")
async def test_redis_may_restart(own: Own, http: ClientSession, sent: Sent) -> None:
    """Before, while and after: the person always gets the answer, and each hit is stored once."""
    client = Client(http, own.base)
    assert (await client.get(sent.click(0), headers=BROWSER)).location == URLS[0]
    await own.valkey.stop()
    for _ in range(3):
        assert (await client.get(sent.click(1), headers=BROWSER)).location == URLS[0]
        assert (await client.get(sent.open(1), headers=BROWSER)).status == 200
    # the flush of meanwhile fails softly
    assert await jobs.flush(own.services, TASK) is not None
    assert await sent.events() == []
    await own.valkey.start()
    assert await jobs.flush(own.services, TASK) is not None
    assert (await client.get(sent.click(2), headers=BROWSER)).location == URLS[0]
    await jobs.flush(own.services, TASK)
    found = [(kind, contact) for kind, _, contact, _ in await sent.events()]
    first, second, third = sent.contacts
    assert sorted(found) == sorted(
        [("click", first), *[("click", second)] * 3, *[("open", second)] * 3, ("click", third)]
    )
    assert not list(own.services.settings.data_dir.glob("events.*.replay"))


@pytest.mark.req("S21")
async def test_hits_of_a_killed_process_are_replayed_by_another(
    own: Own, http: ClientSession, sent: Sent
) -> None:
    """Its file lies there, the last line cut; a file whose replay was cut as well."""
    folder = own.services.settings.data_dir
    lines = [buffer.pack(hit(sent, n, contact=n)) for n in range(3)]
    spill.write(folder, lines[0])
    (path,) = spill.take(folder)
    spill.write(folder, lines[1])
    spill.write(folder, lines[2][:20])
    await http.get(own.base + sent.click(2), headers=BROWSER, allow_redirects=False)
    await jobs.flush(own.services, TASK)
    assert not path.exists()
    assert sorted(contact for _, _, contact, _ in await sent.events()) == sorted(sent.contacts)


@pytest.mark.req("S6")
async def test_a_hit_keeps_its_time_and_id_through_the_file(own: Own, sent: Sent) -> None:
    one = hit(sent, 1)
    assert buffer.unpack(buffer.pack(one)) == (one,)
    await own.valkey.stop()
    await buffer.append(own.services, one)
    await buffer.append(own.services, one)
    await own.valkey.start()
    await jobs.flush(own.services, TASK)
    async with own.services.db.account(sent.account_id) as tx:
        rows = await tx.rows("SELECT id, at FROM events WHERE account_id = $1")
    assert rows == [(one.id, one.time)]
    assert abs((clock.now() - one.time).total_seconds()) < 60
