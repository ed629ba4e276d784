"""A product of its own for each fault: servers, a sink that counts, real workers, and what they may meet.

Every test here ends in `Trial.check`: nobody lost, nobody doubled, and no more doubts than workers were killed for.
`--repeat=10` runs each test as often; the figures stand at the end of the report.
"""

import asyncio
import json
import os
import signal
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailer.core import addresses, embedded, keys, migrate, proof_keys, work
from mailer.core.db import open_database
from mailer.core.embedded import EmbeddedServers
from mailer.core.services import Services, open_services
from mailer.core.settings import RUN_FILE, load
from sending import outcomes, slots
from tests import forked
from tests.delivery.conftest import Post
from tests.forked import Forked
from tests.make import Make
from tests.smtp_server import Sink

DEADLINE = 300.0
LEASE = 6.0  # seconds, where workers are killed by the dozen; 20 in the product


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    times = metafunc.config.getoption("--repeat")
    if times > 1:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(1, times + 1))


@dataclass
class Machine:
    """Servers, a sink and workers of their own; nothing of the other tests is in reach."""

    servers: EmbeddedServers
    services: Services
    sink: Sink
    environ: dict[str, str]
    figures: Callable[[str, object], None]
    workers: list[Forked] = field(default_factory=list)
    kills: int = 0
    _keepers: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self, *words: str, environ: Mapping[str, str] | None = None, **faults: float) -> Forked:
        """`mailer` with these words. `faults`: what faulty_worker.py knows."""
        found = self.environ | dict(environ or {}) | ({"FAULTS": json.dumps(faults)} if faults else {})
        log = Path(self.environ["MAILER_DATA_DIR"]) / f"{words[0]}s.log"
        return await forked.start(words, environ=found, errors=log)

    async def start_worker(self, **faults: float) -> Forked:
        process = await self.start("worker", **faults)
        self.workers.append(process)
        return process

    def keep_workers(self, count: int, **faults: float) -> None:
        """As a supervisor does: a worker that ends is started again."""

        async def keep() -> None:
            while True:
                process = await self.start_worker(**faults)
                await process.wait()
                self.workers.remove(process)

        self._keepers += [asyncio.create_task(keep()) for _ in range(count)]

    async def kill(self, process: Forked) -> None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        self.kills += 1

    async def kill_workers(self) -> None:
        """SIGKILL for all, and their leases are over at once."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers.clear()
        for process in self.workers:
            await self.kill(process)
        self.workers.clear()
        with suppress(Exception):
            async with self.services.db.shared() as tx:
                await tx.run(
                    "UPDATE work SET leased_until = now() - interval '1 second' WHERE leased_until IS NOT NULL"
                )

    async def hurry(self) -> None:
        """What waits for a server that was away, or for a later try, is due now."""
        with suppress(Exception):
            async with self.services.db.shared() as tx:
                await tx.run("UPDATE work SET run_at = now() WHERE job = 'sending.send' AND run_at > now()")

    async def until(self, happened: Callable[[], Awaitable[bool] | bool], seconds: float = DEADLINE) -> None:
        async with asyncio.timeout(seconds):
            while True:
                found = happened()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.02)

    async def moved(self, mails: int) -> None:
        """Until the sink has taken so many more."""
        before = len(self.sink.accepted)
        try:
            await self.until(lambda: len(self.sink.accepted) >= before + mails)
        except TimeoutError:
            pytest.fail(f"nothing moves\n{await self.waiting()}")

    async def waiting(self) -> str:
        """What is to be done, what the database does, and who is there to do it."""
        async with self.services.db.shared() as tx:
            work_ = await tx.rows(
                """
                SELECT job, lane, turn, attempts, run_at - now(), leased_until - now(), last_error
                FROM work WHERE job LIKE 'sending.%' OR run_at < now()
                """
            )
            doing = await tx.rows(
                """
                SELECT now() - query_start, wait_event, left(query, 200)
                FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()
                """
            )
        queued = {}
        for name in await self.services.redis.keys("arq:*"):
            queued[name] = await self.services.redis.pttl(name)
        workers = [(one.pid, one.returncode) for one in self.workers]
        return "\n".join(map(str, [*work_, "", *doing, "", *queued.items(), "", workers]))

    def signal_server(self, name: str, number: signal.Signals) -> Process:
        process = self.servers._processes[name]
        process.send_signal(number)
        return process


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServers]:
    """What was committed survives a kill of the processes, as in production; only the machine may not die."""
    lasting = pytest.MonkeyPatch()
    lasting.setitem(embedded.POSTGRES_WITHOUT_FSYNC, "synchronous_commit", "on")
    opened = EmbeddedServers(tmp_path_factory.mktemp("faults"), fsync=False)
    await opened.start()
    keeper = asyncio.ensure_future(opened.keep_running())
    yield opened
    assert not keeper.done(), "a server could not be started again"
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    await opened.stop()
    lasting.undo()


@pytest.fixture
async def machine(
    servers: EmbeddedServers, tmp_path: Path, record_property: Callable[[str, object], None]
) -> AsyncIterator[Machine]:
    async with Sink(delay=0.02) as sink:
        found = servers.endpoints
        addresses_ = {"database_url": found.database_url, "redis_url": found.redis_url, "inbox": sink.address}
        (tmp_path / RUN_FILE).write_text(json.dumps(addresses_))
        environ = {
            "PATH": os.environ["PATH"],
            "MAILER_DATA_DIR": str(tmp_path),
            "MAILER_WORKERS": "2",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        settings = load({name: value for name, value in environ.items() if name.startswith("MAILER_")})
        async with open_database(settings.database_url, size=1) as db:
            await migrate.apply(db)
            async with db.shared() as tx:
                # a secret of its own would not open what the test before has sealed
                await tx.run("DELETE FROM signing_keys")
                await tx.run("UPDATE installation SET id = gen_random_uuid()")
        async with open_services(settings, pool_size=6) as services:
            async with services.db.shared() as tx:
                await proof_keys.add(tx, services.sealer)
            made = Machine(servers, services, sink, environ, record_property)
            yield made
            await made.kill_workers()


@dataclass
class Trial:
    """One campaign on one machine."""

    machine: Machine
    post: Post
    campaign: int
    told: bool = False

    async def status(self) -> str:
        with suppress(Exception):
            return await self.post.status(self.campaign)
        return ""

    async def has_status(self, status: str) -> bool:
        return await self.status() == status

    async def rests(self) -> bool:
        """Is no mail of it in anybody's hands?"""
        states = await self.post.states(self.campaign)
        return not {"claimed", "handing"} & {status for status, _ in states.values()}

    async def ended(self) -> bool:
        await self.machine.hurry()
        return await self.has_status("sent")

    async def finish(self) -> None:
        try:
            await self.machine.until(self.ended)
        except TimeoutError:
            pytest.fail(await self._stands())

    async def _stands(self) -> str:
        """Where a campaign that does not end has come to."""
        async with self.post.tx() as tx:
            states = await tx.rows(
                """
                SELECT status, lane, turn, count(*), min(next_at) - now() FROM deliveries
                WHERE account_id = $1 AND campaign_id = $2 GROUP BY 1, 2, 3
                """,
                self.campaign,
            )
        return f"the campaign does not end: {await self.status()}\n{states}\n{await self.machine.waiting()}"

    async def check(self, *, most_doubtful: int = 0, others: frozenset[str] = frozenset()) -> Counter[str]:
        """Nobody has two; whoever is delivered has one; whoever is in doubt has one or none."""
        states = await self.post.states(self.campaign)
        got = Counter(self.machine.sink.recipients)
        assert {who: n for who, n in got.items() if n != 1} == {}
        assert {who for who, (status, _) in states.items() if status == "delivered"} <= set(got)
        assert set(got) <= set(states)
        counts = Counter(status for status, _ in states.values())
        assert set(counts) <= {"delivered", "in_doubt"} | others
        assert counts["in_doubt"] <= most_doubtful
        async with self.post.tx() as tx:
            balance = await outcomes.balance(tx, self.campaign)
        assert balance.ended == balance.audience == len(states)
        assert balance.in_doubt == counts["in_doubt"]
        if not self.told:
            self.told = True
            mails, doubts = len(self.machine.sink.accepted), counts["in_doubt"]
            figures = {"kills": self.machine.kills, "mails": mails, "doubts": doubts}
            self.machine.figures("figures", figures)
        return counts

    async def resolve(self) -> None:
        """Doubts as people see them end: by a later open of those who got it, by one click for the others."""
        states = await self.post.states(self.campaign)
        doubtful = {who for who, (status, _) in states.items() if status == "in_doubt"}
        got = doubtful & set(self.machine.sink.recipients)
        async with self.post.tx() as tx:
            await tx.run(
                """
                INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
                SELECT $1, 'seen-' || $2::bigint || '-' || id, now(), $2, id, 'open', 'person'
                FROM contacts
                WHERE account_id = $1 AND email = ANY ($3::text[])
                """,
                self.campaign,
                list(got),
            )
            await work.add(tx, "sending.resolve_doubt", self.campaign)
        await self.machine.until(lambda: self._doubtful(doubtful - got))
        async with self.post.tx() as tx:
            for (contact_id,) in await tx.rows(
                "SELECT id FROM contacts WHERE account_id = $1 AND email = ANY ($2::text[])",
                list(doubtful - got),
            ):
                await outcomes.send_again(tx, self.campaign, contact_id)
        await self.finish()

    async def _doubtful(self, expected: set[str]) -> bool:
        states = await self.post.states(self.campaign)
        return {who for who, (status, _) in states.items() if status == "in_doubt"} == expected


@pytest.fixture
def begin(machine: Machine) -> Callable[[int], Awaitable[Trial]]:
    """A campaign to so many people, asked to be prepared; no worker runs yet."""

    async def started(count: int) -> Trial:
        make = Make(machine.services, None, "")  # type: ignore[arg-type]  # asks nothing over HTTP
        post = Post(machine.services, make, await make.account(), machine.sink)
        async with post.tx() as tx:
            listed = await make.mailing_list(tx)
            key = await keys.hash_key(tx, machine.services.sealer)
            found = [addresses.parse(f"p{n}@faults-{post.account.id}.test").key for n in range(count)]
            await tx.run(
                """
                WITH made AS (
                    INSERT INTO contacts (account_id, email, address_key, address_hash, first_name, first_name_key)
                    SELECT $1, k, k, h, 'Ana', 'ana' FROM unnest($2::text[], $3::bytea[]) AS given (k, h)
                    RETURNING id
                )
                INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
                SELECT $1, $4, id, 'active', 'consent' FROM made
                """,
                found,
                [keys.address_hash(key, one) for one in found],
                listed,
            )
        return Trial(machine, post, await post.campaign([listed]))

    return started


Begin = Callable[[int], Awaitable[Trial]]
IN_FLIGHT = slots.IN_FLIGHT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        (report.nodeid.rpartition("::")[2], value)
        for report in terminalreporter.getreports("passed")
        if report.when == "call" and "tests/faults" in report.nodeid
        for name, value in report.user_properties
        if name == "figures"
    ]
    if not rows:
        return
    terminalreporter.section("faults")
    total: Counter[str] = Counter()
    for name, figures in rows:
        total.update(figures)
        terminalreporter.line(
            f"{figures['mails']:>7} mails {figures['kills']:>4} kills {figures['doubts']:>4} doubts   {name}"
        )
    terminalreporter.line(
        f"{total['mails']:>7} mails {total['kills']:>4} kills {total['doubts']:>4} doubts   in {len(rows)} trials:"
        " 0 lost, 0 doubled"
    )
