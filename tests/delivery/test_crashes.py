"""Real workers, killed in the middle of a campaign: everybody gets one mail, or is shown in doubt (D-22)."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailer.core import migrate
from mailer.core.db import open_database
from mailer.core.embedded import EmbeddedServers
from mailer.core.services import Services, open_services
from mailer.core.settings import RUN_FILE, load
from sending import outcomes, slots
from tests.delivery.conftest import Post
from tests.make import Make
from tests.smtp_server import Sink

DEADLINE = 60.0


@dataclass
class Machine:
    """Servers, a sink and workers of their own; nothing of the other tests is in reach."""

    servers: EmbeddedServers
    services: Services
    sink: Sink
    environ: dict[str, str]
    workers: list[Process] = field(default_factory=list)

    async def start_worker(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mailer", "worker", env=self.environ, stderr=asyncio.subprocess.DEVNULL
        )
        self.workers.append(process)
        return process

    async def kill_workers(self) -> None:
        """SIGKILL for all, and their leases are over at once."""
        for process in self.workers:
            with suppress(ProcessLookupError):
                process.kill()
        for process in self.workers:
            await process.wait()
        self.workers.clear()
        async with self.services.db.shared() as tx:
            await tx.run(
                "UPDATE work SET leased_until = now() - interval '1 second' WHERE leased_until IS NOT NULL"
            )

    async def until(self, happened: Callable[[], Awaitable[bool] | bool]) -> None:
        async with asyncio.timeout(DEADLINE):
            while True:
                found = happened()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServers]:
    opened = EmbeddedServers(tmp_path_factory.mktemp("crash"), fsync=False)
    await opened.start()
    keeper = asyncio.ensure_future(opened.keep_running())
    yield opened
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    await opened.stop()


@pytest.fixture
async def machine(servers: EmbeddedServers, tmp_path: Path) -> AsyncIterator[Machine]:
    async with Sink(delay=0.02) as sink:
        found = servers.endpoints
        addresses = {"database_url": found.database_url, "redis_url": found.redis_url, "inbox": sink.address}
        (tmp_path / RUN_FILE).write_text(json.dumps(addresses))
        environ = {"PATH": os.environ["PATH"], "MAILER_DATA_DIR": str(tmp_path), "MAILER_WORKERS": "2"}
        settings = load({name: value for name, value in environ.items() if name.startswith("MAILER_")})
        async with open_database(settings.database_url, size=1) as db:
            await migrate.apply(db)
            async with db.shared() as tx:
                # a secret of its own would not open what the test before has sealed
                await tx.run("DELETE FROM signing_keys")
        async with open_services(settings, pool_size=6) as services:
            made = Machine(servers, services, sink, environ)
            yield made
            await made.kill_workers()


async def _campaign(machine: Machine, count: int) -> tuple[Post, int]:
    make = Make(machine.services, None, "")  # type: ignore[arg-type]  # asks nothing over HTTP
    post = Post(machine.services, make, await make.account(), machine.sink)
    async with post.tx() as tx:
        listed = await make.mailing_list(tx)
        for n in range(count):
            await make.contact(tx, f"p{n}@crash-{post.account.id}.test", list_id=listed)
    return post, await post.campaign([listed])


def _ended(post: Post, campaign: int) -> Callable[[], Awaitable[bool]]:
    async def ended() -> bool:
        with suppress(Exception):
            return await post.status(campaign) == "sent"
        return False

    return ended


async def _check(post: Post, campaign: int, *, most_doubtful: int) -> Counter[str]:
    """Nobody has two; whoever is delivered has one; whoever is in doubt has one or none."""
    states = await post.states(campaign)
    got = Counter(post.sink.recipients)
    assert {who: n for who, n in got.items() if n != 1} == {}
    assert {who for who, (status, _) in states.items() if status == "delivered"} <= set(got)
    assert set(got) <= set(states)
    counts = Counter(status for status, _ in states.values())
    assert set(counts) <= {"delivered", "in_doubt"}
    assert counts["in_doubt"] <= most_doubtful
    async with post.tx() as tx:
        balance = await outcomes.balance(tx, campaign)
    assert balance.ended == balance.audience == len(states)
    return counts


@pytest.mark.req("D-22", "S1", "S3")
async def test_killed_workers_leave_everybody_with_one_mail_or_in_doubt(machine: Machine) -> None:
    post, campaign = await _campaign(machine, 500)
    for stop_at in (100, 250):
        await asyncio.gather(machine.start_worker(), machine.start_worker())
        await machine.until(lambda at=stop_at: len(machine.sink.accepted) >= at)
        await machine.kill_workers()
    await machine.start_worker()
    await machine.until(_ended(post, campaign))
    counts = await _check(post, campaign, most_doubtful=2 * 2 * slots.IN_FLIGHT)
    assert counts["in_doubt"] >= 1


@pytest.mark.req("D-22", "S3")
async def test_a_stopped_worker_ends_its_turn_and_leaves_no_doubt(machine: Machine) -> None:
    post, campaign = await _campaign(machine, 150)
    worker = await machine.start_worker()
    await machine.until(lambda: len(machine.sink.accepted) >= 20)
    worker.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE):
        await worker.wait()
    machine.workers.clear()
    states = Counter(status for status, _ in (await post.states(campaign)).values())
    assert set(states) <= {"delivered", "queued"}
    await machine.start_worker()
    await machine.until(_ended(post, campaign))
    await _check(post, campaign, most_doubtful=0)


@pytest.mark.req("D-22")
async def test_a_database_that_restarts_costs_no_mail_and_no_doubt(machine: Machine) -> None:
    post, campaign = await _campaign(machine, 400)
    await machine.start_worker()
    await machine.until(lambda: len(machine.sink.accepted) >= 100)
    machine.servers._processes["postgres"].send_signal(signal.SIGINT)
    await machine.until(_ended(post, campaign))
    await _check(post, campaign, most_doubtful=0)


@pytest.mark.req("D-45")
async def test_leaving_while_workers_run_stops_the_mail(machine: Machine) -> None:
    """Whoever unsubscribed before the campaign came to them gets nothing, with the worker running."""
    post, campaign = await _campaign(machine, 300)
    machine.sink.delay = 0.03
    await machine.start_worker()
    await machine.until(lambda: len(machine.sink.accepted) >= 30)
    async with post.tx() as tx:
        rows = await tx.rows(
            """
            WITH late AS (
                SELECT contact_id FROM deliveries
                WHERE account_id = $1 AND campaign_id = $2 AND status IN ('queued', 'claimed')
                ORDER BY contact_id DESC LIMIT 40
            )
            UPDATE subscriptions s SET status = 'unsubscribed' FROM late
            WHERE s.account_id = $1 AND s.contact_id = late.contact_id
            RETURNING (SELECT email FROM contacts c WHERE c.account_id = $1 AND c.id = s.contact_id)
            """,
            campaign,
        )
        already = set(machine.sink.recipients)
    gone = {email for (email,) in rows}
    await machine.until(_ended(post, campaign))
    states = await post.states(campaign)
    assert gone
    for email in gone:
        assert states[email] == ("skipped", "unsubscribed") or email in already
    assert not {email for email in gone if states[email][0] == "skipped"} & set(machine.sink.recipients)
    assert Counter(status for status, _ in states.values())["skipped"] >= 30
