"""The product as it runs: embedded servers that write to disk, an account with many contacts, real workers."""

import asyncio
import contextlib
import os
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from mailer.core import addresses, embedded, embedded_home, keys, migrate, work
from mailer.core.db import open_database
from mailer.core.services import Services, open_services
from mailer.core.settings import RUN_FILE, load
from sending import outcomes
from tests.bench import children
from tests.bench.outcome import Void
from tests.bench.sink import digest
from tests.bench.sinks import Sink, Taken
from tests.delivery.conftest import Post
from tests.make import Account, Make

LETTER = (Path(__file__).parent / "letter.mjml").read_text()
SUBJECT = '{{ contact.first_name | default("Bonjour") }}, les ateliers du port ouvrent à nouveau'
FIELDS = (("ville", "Ville", "text"), ("visite", "Dernière visite", "date"), ("points", "Points", "number"))
FIRST_NAMES = ("Adèle", "Benoît", "Chloé", "", "Étienne", "Françoise", "Gaël", "Inès", "Jérôme", "Zoé")
LAST_NAMES = ("Aubert", "Bénard", "Caron", "Delaunay", "Étévé", "Guérin", "Le Goff", "Noël", "Pélissier")
TOWNS = ("Angers", "Besançon", "", "Orléans", "Saint-Étienne", "Nîmes", "Évreux")
DOMAINS = tuple(f"{name}.example" for name in ("courrier", "postale", "lettre", "boite", "message", "poste"))
CHUNK = 10_000
START_SECONDS = 60.0
SLOWEST = 15.0  # mails a second: a run slower than this is given up


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker process had used when its campaign was over."""

    cpu: float
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One campaign: everybody got it once, and the database says so. `seconds` are the database's."""

    mails: int
    seconds: float
    taken: Taken
    sample: bytes
    workers: Sequence[Worker]
    database: float
    """Processor time of PostgreSQL, background processes included."""

    @property
    def rate(self) -> float:
        return self.mails / self.seconds

    @property
    def cpu(self) -> float:
        """Processor time of a mail, in workers, PostgreSQL and sink."""
        return (sum(one.cpu for one in self.workers) + self.database + self.taken.cpu) / self.mails

    @property
    def costs(self) -> str:
        """A mail's processor time."""
        workers = sum(one.cpu for one in self.workers)
        parts = {"worker": workers, "PostgreSQL": self.database, "sink": self.taken.cpu}
        return ", ".join(f"{name} {spent / self.mails * 1e6:,.0f} µs" for name, spent in parts.items())

    @property
    def shares(self) -> str:
        """Of how many cores each part made use."""
        workers = " + ".join(f"{one.cpu / self.seconds:.2f}" for one in self.workers)
        database, sink = self.database / self.seconds, self.taken.cpu / self.seconds
        return f"workers {workers}, PostgreSQL {database:.2f}, sink {sink:.2f} cores"


@dataclass(slots=True)
class Scene:
    folder: Path
    endpoints: embedded.Endpoints
    services: Services
    account: Account
    post: Post
    lists: dict[int, int] = field(default_factory=dict)
    """Number of contacts → list of so many."""

    @property
    def sender_domain(self) -> str:
        """Of the address that `Post.campaign` sends from."""
        return f"pain-{self.account.id}.test"

    @asynccontextmanager
    async def workers(
        self, count: int, to: Sink | None = None, program: Sequence[str] = ()
    ) -> AsyncIterator[list[Process]]:
        """Real ones, ready to take work; `program` in place of `-m mailer worker`. No sink: nothing is mailed.

        The sink stands where the local inbox stands: an account's limits, the pace of a provider and the gate
        for unproved domains are not what is measured.
        """
        _tell(self.folder, self.endpoints, inbox=f"127.0.0.1:{to.port}" if to else "")
        async with self._started(count, program) as started:
            yield started

    @asynccontextmanager
    async def importer(self, program: Sequence[str] = ()) -> AsyncIterator[list[Process]]:
        """One worker that has nobody to send to."""
        async with self._started(1, program) as started:
            yield started

    @asynccontextmanager
    async def _started(self, count: int, program: Sequence[str]) -> AsyncIterator[list[Process]]:
        told = environment(self.folder) | {
            "PATH": os.environ["PATH"],
            "MAILER_WORKERS": str(count),
            "MAILER_LOG_LEVEL": "warning",
        }
        words = program or ("-m", "mailer", "worker")
        async with AsyncExitStack() as stack:
            started = [
                await stack.enter_async_context(
                    children.python(*words, environment=told, errors=self.folder / "workers.log")
                )
                for _ in range(count)
            ]
            async with asyncio.timeout(START_SECONDS):
                while not all(children.catches_sigterm(one) for one in started):
                    await asyncio.sleep(0.05)
            yield started

    async def send(self, count: int, to: Sink, workers: int, *, program: Sequence[str] = ()) -> Sent:
        """A campaign to `count` contacts by fresh workers. Raises Void unless each got it exactly once."""
        list_id, expected = await self._list(count)
        async with self.workers(workers, to, program) as started:
            await to.reset()
            before = [children.cpu_seconds(one.pid) for one in started]
            database = self.database_cpu()
            campaign_id = await self.post.campaign([list_id], source=LETTER, subject=SUBJECT)
            try:
                async with asyncio.timeout(START_SECONDS + count / SLOWEST):
                    began = await self._begun(campaign_id)
                    await self._sent(campaign_id)
            except TimeoutError:
                raise Void(f"the campaign did not end in time\n{self._complaints()}") from None
            used = [
                Worker(children.cpu_seconds(one.pid) - cpu, children.peak_memory(one))
                for one, cpu in zip(started, before, strict=True)
            ]
            database = self.database_cpu() - database
        taken, sample = await to.report(), await to.sample()
        await self._check(campaign_id, count, taken, expected)
        async with self.post.tx() as tx:
            ended: datetime = await tx.value(
                "SELECT max(final_at) FROM deliveries WHERE account_id = $1 AND campaign_id = $2", campaign_id
            )
        seconds = (ended - began).total_seconds()
        return Sent(mails=count, seconds=seconds, taken=taken, sample=sample, workers=used, database=database)

    def database_cpu(self) -> float:
        """Also of its processes that have ended."""
        home = (self.folder / "embedded").resolve() / "postgres"
        return sum(
            children.cpu_seconds(process_id, with_ended=True)
            for process_id, _, folder in embedded_home.running_programs()
            if folder == home
        )

    async def _begun(self, campaign_id: int) -> datetime:
        """When the first lane's turn was taken, by the database's clock: nothing was claimed before."""
        while True:
            await self._state(campaign_id)
            async with self.services.db.shared() as tx:
                found: datetime | None = await tx.value(
                    """
                    SELECT min(leased_until) - make_interval(secs => $3)
                    FROM work
                    WHERE account_id = $1 AND ref_id = $2 AND job = 'sending.send'
                    """,
                    self.account.id,
                    campaign_id,
                    float(work.LEASE_SECONDS),
                )
            if found is not None:
                return found
            await asyncio.sleep(0.01)

    async def _sent(self, campaign_id: int) -> None:
        while await self._state(campaign_id) != "sent":
            await asyncio.sleep(0.2)

    async def _state(self, campaign_id: int) -> str:
        async with self.post.tx() as tx:
            [(status, reason)] = await tx.rows(
                "SELECT status, pause_reason FROM campaigns WHERE account_id = $1 AND id = $2", campaign_id
            )
        if status == "paused":
            raise Void(f"the campaign was paused: {reason}")
        return str(status)

    def _complaints(self) -> str:
        """The last lines of what the workers wrote."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join((self.folder / "workers.log").read_text().splitlines()[-10:])
        return ""

    async def _check(self, campaign_id: int, count: int, taken: Taken, expected: str) -> None:
        async with self.post.tx() as tx:
            balance = await outcomes.balance(tx, campaign_id)
        if (balance.audience, balance.delivered) != (count, count):
            raise Void(f"of {count} contacts {balance.audience} were to get it, {balance.delivered} did")
        if (taken.mails, taken.doubled, taken.digest) != (count, 0, expected):
            raise Void(
                f"{count} mails were delivered, the sink counted {taken.mails}, {taken.doubled} doubled"
            )

    async def _list(self, count: int) -> tuple[int, str]:
        """A list of so many contacts, and the digest of their addresses."""
        emails = [email_of(n) for n in range(count)]
        if count not in self.lists:
            async with self.post.tx() as tx:
                self.lists[count] = list_id = await self.post.make.mailing_list(tx)
                await tx.run(
                    """
                    INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
                    SELECT $1, $2, id, 'active', 'consent'
                    FROM contacts
                    WHERE account_id = $1 AND address_key = ANY ($3::text[])
                    """,
                    list_id,
                    emails,
                )
        return self.lists[count], digest([email.encode() for email in emails])

    async def fill(self, count: int) -> None:
        """Contacts who accept that opens and clicks are measured, with values for every merge field."""
        async with self.post.tx() as tx:
            key = await keys.hash_key(tx, self.services.sealer)
            await tx.run(
                """
                INSERT INTO fields (account_id, key, label, type)
                SELECT $1, key, label, type FROM unnest($2::text[], $3::text[], $4::text[]) AS f (key, label, type)
                """,
                *([one[n] for one in FIELDS] for n in range(3)),
            )
        for first in range(0, count, CHUNK):
            numbers = range(first, min(count, first + CHUNK))
            emails = [email_of(n) for n in numbers]
            async with self.post.tx() as tx:
                await tx.run(
                    """
                    INSERT INTO contacts (account_id, email, address_key, address_hash, first_name, last_name,
                                          first_name_key, last_name_key, language, fields, opens, clicks)
                    SELECT $1, email, email, hash, first, last, lower(first), lower(last), 'fr', fields,
                           'granted', 'granted'
                    FROM unnest($2::text[], $3::bytea[], $4::text[], $5::text[], $6::jsonb[])
                        AS c (email, hash, first, last, fields)
                    """,
                    emails,
                    [keys.address_hash(key, addresses.parse(email).key) for email in emails],
                    [FIRST_NAMES[n % len(FIRST_NAMES)] for n in numbers],
                    [LAST_NAMES[n % len(LAST_NAMES)] for n in numbers],
                    [_fields(n) for n in numbers],
                )
        async with self.services.db.connection() as connection:
            # as autovacuum would have done by the time that somebody writes a campaign
            await connection.execute("ANALYZE contacts")


def email_of(n: int) -> str:
    return f"lecteur.{n}@{DOMAINS[n % len(DOMAINS)]}"


def _fields(n: int) -> dict[str, object]:
    made = {"ville": TOWNS[n % len(TOWNS)], "visite": f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d}"}
    return {name: value for name, value in made.items() if value} | {"points": n * 37 % 2_000 / 2}


def environment(folder: Path) -> dict[str, str]:
    return {"MAILER_DATA_DIR": str(folder), "MAILER_PUBLIC_URL": "https://mailer.ateliers-du-port.example"}


def _tell(folder: Path, found: embedded.Endpoints, *, inbox: str = "") -> None:
    """Where commands on this data folder find the servers, as `mailer run` leaves it."""
    told = {"database_url": found.database_url, "redis_url": found.redis_url, "inbox": inbox}
    (folder / RUN_FILE).write_bytes(orjson.dumps(told))


@asynccontextmanager
async def opened(contacts: int) -> AsyncIterator[Scene]:
    """With so many contacts. Nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="mailer-bench-") as name:
        folder = Path(name)
        async with _servers(folder) as found:
            _tell(folder, found)
            settings = load(environment(folder))
            async with open_database(settings.database_url, size=1) as db:
                await migrate.apply(db)
            async with open_services(settings, pool_size=4) as services:
                make = Make(services, None, "")  # type: ignore[arg-type]  # asks nothing over HTTP
                account = await make.account()
                post = Post(services, make, account, None)  # type: ignore[arg-type]  # has a sink of its own
                scene = Scene(folder, found, services, account, post)
                await scene.fill(contacts)
                yield scene


@asynccontextmanager
async def _servers(folder: Path) -> AsyncIterator[embedded.Endpoints]:
    """As `mailer run` starts them, each commit on disk; but thrown away at the end."""
    async with embedded.run(folder) as found:
        ((folder / "embedded").resolve() / embedded_home.THROWAWAY).touch()
        yield found
