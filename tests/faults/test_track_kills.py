"""Opens and clicks while each part of the product is killed in turn: a hit that was answered is one event.

    readers ─▶ web, track ─▶ Valkey, or the file beside it ─▶ worker ─▶ PostgreSQL        SIGKILL for each of them

Each recipient asks for each of his links once, so that an event tells which request it came from. A request that
was not answered may have been kept or not.
"""

import asyncio
import random
import signal
from asyncio.subprocess import Process
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

from mailer.core import addresses, embedded, keys
from mailer.core.embedded import EmbeddedServers
from mailer.core.links import Links
from mailer.core.tokens import CampaignToken, RecipientToken
from tests.clicks.conftest import BROWSER, sent_campaign
from tests.clicks.test_counts import counted, kept
from tests.clicks.test_nothing_is_lost import unread
from tests.faults.conftest import LEASE, Machine
from tests.forked import Forked
from tests.make import Make
from tests.running.processes import free_port

pytestmark = pytest.mark.timeout(1800)
URLS = tuple(f"https://shop.example/{n}" for n in range(8))
PAGES = ("unsubscribe", "preferences", "tracking", "rights")
Asked = tuple[str, int, int]
"""Kind, contact, link; 0 for an open."""


@pytest.fixture(scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServers]:
    """As those of the other tests, but Valkey keeps what it answered for, as in production."""
    lasting = pytest.MonkeyPatch()
    lasting.setitem(embedded.POSTGRES_WITHOUT_FSYNC, "synchronous_commit", "on")
    command = embedded._valkey_command
    lasting.setattr(embedded, "_valkey_command", lambda *parts, fsync: command(*parts, fsync=True))
    opened = EmbeddedServers(tmp_path_factory.mktemp("tracked"), fsync=False)
    await opened.start()
    keeper = asyncio.ensure_future(opened.keep_running())
    yield opened
    assert not keeper.done(), "a server could not be started again"
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    await opened.stop()
    lasting.undo()


@dataclass
class Listener:
    """`mailer web` or `mailer track` as a supervisor keeps it."""

    machine: Machine
    kind: str
    port: int
    process: Forked | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def keep(self) -> None:
        environ = {
            "MAILER_LISTEN": f"127.0.0.1:{self.port}",
            "MAILER_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
            "MAILER_TRUSTED_PROXIES": "127.0.0.1",
        }
        while True:
            self.process = await self.machine.start(self.kind, environ=environ)
            await self.process.wait()
            await asyncio.sleep(0.1)

    async def kill(self) -> None:
        if self.process is not None:
            await self.machine.kill(self.process)


@dataclass
class Readers:
    """Recipients of one campaign. `answered`: by listener, in order; `wrong`: what no recipient may ever see."""

    machine: Machine
    listeners: dict[str, Listener]
    account_id: int
    campaign_id: int
    contacts: list[int]
    link_ids: list[int]
    pages: list[str]
    asked: set[Asked] = field(default_factory=set)
    answered: dict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    unanswered: int = 0
    wrong: list[object] = field(default_factory=list)

    def plan(self) -> Iterator[Asked]:
        found = [("open", contact, 0) for contact in self.contacts]
        found += [("click", contact, link) for contact in self.contacts for link in self.link_ids]
        random.shuffle(found)
        return iter(found)

    def path(self, what: Asked) -> str:
        kind, contact, link = what
        links = Links(self.machine.services.tokens, "")
        token = CampaignToken(self.account_id, self.campaign_id, contact, link)
        return links.click(token) if kind == "click" else links.open(token)

    async def read(self, listener: Listener, plan: Iterator[Asked]) -> None:
        """One connection, on which one request follows the other."""
        async with _session() as http:
            for what in plan:
                self.asked.add(what)
                # three networks a person, so that verdicts change with what comes later
                headers = BROWSER | {"X-Forwarded-For": f"10.{what[1] % 250}.{random.randrange(3)}.9"}
                answer = await self.ask(http, listener.base + self.path(what), headers)
                if answer is None:
                    await asyncio.sleep(0.2)
                elif answer == self._right(what):
                    self.answered[listener.kind].append(what)
                elif not (what[0] == "click" and answer[0] == 503):
                    # D-95: never a wrong target; of one that cannot be looked up now, it says so
                    self.wrong.append((what, answer))
                await asyncio.sleep(random.uniform(0.02, 0.08))
        pytest.fail("all recipients have read all there is")

    async def leaf(self, listener: Listener) -> None:
        """Somebody else, who looks at the pages; what is away may be said, and nothing else."""
        async with _session() as http:
            while True:
                for page in self.pages:
                    answer = await self.ask(http, listener.base + page, BROWSER)
                    if answer is not None and answer[0] not in (200, 503):
                        self.wrong.append((page, answer))
                    await asyncio.sleep(0.2)

    async def opened(self) -> bool:
        """Do both listeners answer, all pages?"""
        async with _session() as http:
            answers = [
                await self.ask(http, listener.base + page, BROWSER)
                for listener in self.listeners.values()
                for page in self.pages
            ]
        return set(answers) == {(200, "")}

    async def ask(self, http: ClientSession, url: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and target; None: no answer."""
        try:
            async with http.get(url, headers=headers, allow_redirects=False) as answer:
                await answer.read()
                return answer.status, answer.headers.get("Location", "")
        except (ClientError, OSError, TimeoutError):
            self.unanswered += 1
            return None

    def _right(self, what: Asked) -> tuple[int, str]:
        kind, _, link = what
        return (302, URLS[self.link_ids.index(link)]) if kind == "click" else (200, "")

    async def go_on(self, hits: int = 30, *, kind: str = "") -> None:
        """Until both listeners have answered so many more, of one kind or of both."""
        before = {one: len(self.answered[one]) for one in self.listeners}

        def new(one: str) -> int:
            return sum(what[0] == kind or not kind for what in self.answered[one][before[one] :])

        await self.machine.until(lambda: all(new(one) >= hits for one in before))

    async def stored(self) -> None:
        """Until what each listener answers from now on arrives in the database."""
        before = {kind: len(self.answered[kind]) for kind in self.listeners}
        await self.go_on(1)
        first = {self.answered[kind][n] for kind, n in before.items()}

        async def there() -> bool:
            with suppress(Exception):
                return first <= set(await self.events())
            return False

        await self.machine.until(there)

    async def events(self) -> Counter[Asked]:
        async with self.machine.services.db.account(self.account_id) as tx:
            rows = await tx.rows(
                """
                SELECT kind, contact_id, coalesce(link_id, 0) FROM events
                WHERE account_id = $1 AND campaign_id = $2
                """,
                self.campaign_id,
            )
        return Counter((kind, contact, link) for kind, contact, link in rows)

    async def check(self) -> None:
        got = await self.events()
        answered = {what for found in self.answered.values() for what in found}
        assert {what: n for what, n in got.items() if n != 1} == {}
        assert answered - set(got) == set()
        assert set(got) <= self.asked
        assert self.wrong == []
        async with self.machine.services.db.account(self.account_id) as tx:
            of_events = await counted(tx, self.campaign_id)
            assert await kept(tx, self.campaign_id) == of_events
        assert sum(n for (n,) in of_events[1].values()) == sum(got.values())


def _session() -> ClientSession:
    found = ClientSession(cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=20))
    # a second try that it makes by itself is a second request, and nobody would know of the first
    found._retry_connection = False
    return found


@pytest.fixture
async def readers(machine: Machine) -> AsyncIterator[Readers]:
    """Nobody reads yet; `mailer web` and `mailer track` answer."""
    make = Make(machine.services, None, "")  # type: ignore[arg-type]  # asks nothing over HTTP
    account = await make.account()
    async with machine.services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        campaign_id, link_ids = await sent_campaign(tx, links=URLS)
        key = await keys.hash_key(tx, machine.services.sealer)
        people = [addresses.parse(f"p{n}@tracked-{account.id}.test").key for n in range(1200)]
        contacts = await tx.rows(
            """
            WITH made AS (
                INSERT INTO contacts (account_id, email, address_key, address_hash, opens, clicks)
                SELECT $1, k, k, h, 'granted', 'granted' FROM unnest($2::text[], $3::bytea[]) AS given (k, h)
                RETURNING id
            )
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, opens, clicks,
                                    first_at, final_at)
            SELECT $1, c.id, made.id, c.month, $5, 'delivered', true, true, now() - interval '1 hour',
                   now() - interval '1 hour'
            FROM made JOIN campaigns c ON c.account_id = $1 AND c.id = $4
            RETURNING contact_id
            """,
            people,
            [keys.address_hash(key, one) for one in people],
            campaign_id,
            list_id,
        )
        somebody = await make.contact(tx, list_id=list_id)
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", somebody
        )
    who = RecipientToken(account.id, list_id, somebody, hashed, campaign_id)
    links = Links(machine.services.tokens, "")
    listeners = {kind: Listener(machine, kind, free_port()) for kind in ("web", "track")}
    found = Readers(
        machine,
        listeners,
        account.id,
        campaign_id,
        [contact for (contact,) in contacts],
        link_ids,
        [getattr(links, page)(who) for page in PAGES],
    )
    keepers = [asyncio.create_task(one.keep()) for one in listeners.values()]
    await machine.until(found.opened)
    found.unanswered = 0
    yield found
    for keeper in keepers:
        keeper.cancel()
    await asyncio.gather(*keepers, return_exceptions=True)
    for one in listeners.values():
        await one.kill()


@asynccontextmanager
async def _in_the_middle_of_a_flush(machine: Machine) -> AsyncIterator[None]:
    """Inside the block one has written its events, waits for a lock of ours, and has committed nothing."""

    async def waits() -> bool:
        async with machine.services.db.shared() as tx:
            return bool(
                await tx.value(
                    "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'event_hours'::regclass AND NOT granted)"
                )
            )

    async with machine.services.db.connection() as ours:
        await ours.execute("BEGIN; LOCK TABLE event_hours IN SHARE MODE")
        await machine.until(waits)
        yield
        # with the database it has gone
        with suppress(Exception):
            await ours.execute("ROLLBACK")


async def _kill_server(machine: Machine, name: str) -> Process:
    died = machine.signal_server(name, signal.SIGKILL)
    await died.wait()
    machine.kills += 1
    return died


@pytest.mark.req("S6", "S9", "S21", "D-91", "D-95")
async def test_whatever_is_killed_every_answered_hit_is_one_event(machine: Machine, readers: Readers) -> None:
    machine.keep_workers(1, lease=LEASE)
    plan = readers.plan()
    spilled = machine.services.settings.data_dir / "events.spill"
    async with asyncio.TaskGroup() as group:
        reading = [
            group.create_task(readers.read(listener, plan))
            for listener in readers.listeners.values()
            for _ in range(3)
        ]
        reading += [group.create_task(readers.leaf(one)) for one in readers.listeners.values()]
        await readers.stored()

        for listener in readers.listeners.values():
            await readers.go_on()
            before = readers.unanswered
            await listener.kill()
            await readers.stored()
            assert readers.unanswered > before

        await readers.go_on()
        async with _in_the_middle_of_a_flush(machine):
            [worker] = machine.workers
            await machine.kill(worker)
        await readers.stored()

        await readers.go_on()
        await _kill_server(machine, "valkey")
        # who comes meanwhile is answered, and written beside
        await machine.until(spilled.exists)
        await readers.stored()

        await readers.go_on()
        async with _in_the_middle_of_a_flush(machine):
            died = await _kill_server(machine, "postgres")
            await readers.go_on(1, kind="click")
            assert machine.servers._processes["postgres"] is died
        await readers.stored()

        # and all of them at once
        await readers.go_on()
        for name in ("valkey", "postgres"):
            await _kill_server(machine, name)
        for listener in readers.listeners.values():
            await listener.kill()
        for worker in list(machine.workers):
            await machine.kill(worker)
        await readers.stored()
        for one in reading:
            one.cancel()

    async def nothing_waits() -> bool:
        files = {one.name for one in machine.services.settings.data_dir.glob("events.*")}
        return files <= {"events.lock"} and await unread(machine.services.redis) == (0, 0)

    await machine.until(nothing_waits)
    await readers.check()
    assert await readers.opened()
