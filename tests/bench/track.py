"""`track`: opens and clicks through one web process into PostgreSQL, against bare aiohttp with the same answers.

The clock runs from the first request to the commit of the last event: the flush acknowledges what it has
committed, and nothing is left then. A run is void unless every hit is an event, and the counts say the
same. Then both are asked at half of what the bare one takes, and their slowest hundredth is compared.
"""

import asyncio
import json
import socket
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

from aiohttp import ClientSession

from mailer.core.links import Links
from mailer.core.tokens import CampaignToken
from tests.bench import children, scene, track_clients
from tests.bench.outcome import Options, Result, Void, say
from tests.bench.scene import Scene
from tests.bench.track_bare import TARGET
from tracking import buffer

HITS = 100_000
EACH = 4
"""Hits of one recipient: two opens, two clicks."""
LINKS = 10
STEADY_SECONDS = 6.0
MOST_LATER = 5.0
SLOWEST = 100.0  # hits a second: slower is given up
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`seconds` of `hits`; `cpu`: processor time of a hit, by who spent it."""

    hits: int
    seconds: float
    answers: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        return self.hits / self.seconds


async def run(options: Options) -> Result:
    count = options.scaled(HITS, EACH * 20) // EACH * EACH
    ours, bare, costs, later = [], [], [], []
    async with scene.opened(count // EACH) as place:
        made_of = await campaign(place, count)
        track_clients.write(place.folder / "requests", made_of.requests)
        for n in range(options.runs):
            plain = await _bare(place, count)
            made = await _ours(place, made_of, count, lose=options.lose)
            half = plain.rate / 2
            slow, quick = await _steady(place, made_of, half, count)
            ours.append(made.rate)
            bare.append(plain.rate)
            costs.append(sum(plain.cpu.values()) / sum(made.cpu.values()))
            later.append(slow / quick)
            _tell(n, made, plain)
            say(f"    p99 at {half:,.0f} hits/s: {slow * 1000:.2f} ms, bare {quick * 1000:.2f} ms")
    say(f"  by processor time, which other programs of the machine disturb less: {median(costs):.4f}")
    said = "reached" if median(later) < MOST_LATER else "missed"
    say(f"  p99 at half the bare rate: {median(later):.2f} × the bare one's; goal < {MOST_LATER:g}: {said}")
    return Result(bench="track", ours=ours, yardstick=bare, unit="hits/s", goal=0.60)


def _tell(n: int, made: Run, plain: Run) -> None:
    parts = ", ".join(f"{name} {spent * 1e6:,.0f} µs" for name, spent in made.cpu.items())
    say(
        f"  run {n + 1}: {made.rate / plain.rate:.4f} ({made.rate:,.0f} to {plain.rate:,.0f} hits/s), answered at"
        f" {made.hits / made.answers:,.0f}/s; a hit costs {parts}; bare {sum(plain.cpu.values()) * 1e6:,.0f} µs"
    )


@dataclass(frozen=True, slots=True)
class Campaign:
    """`requests`: the bytes of each hit, in a random-looking order that is the same in every run."""

    id: int
    requests: list[bytes]


async def campaign(place: Scene, count: int) -> Campaign:
    """Delivered an hour ago to all contacts, every mail measured."""
    async with place.post.tx() as tx:
        list_id = await place.post.make.mailing_list(tx)
        campaign_id: int = await tx.value(
            """
            INSERT INTO campaigns (account_id, name, status, month, started_at, finished_at, subject)
            VALUES ($1, 'Lettre', 'sent', date_trunc('month', now() AT TIME ZONE 'UTC')::date,
                    now() - interval '2 hours', now() - interval '1 hour', 'Lettre')
            RETURNING id
            """
        )
        links = await tx.rows(
            """
            INSERT INTO links (account_id, campaign_id, position, url)
            SELECT $1, $2, n, $3 || n FROM generate_series(1, $4::int) n
            RETURNING id
            """,
            campaign_id,
            TARGET.partition("{}")[0],
            LINKS,
        )
        await tx.run(
            """
            INSERT INTO deliveries (account_id, campaign_id, contact_id, month, list_id, status, first_at,
            final_at,
                                    opens, clicks)
            SELECT $1, g.id, c.id, g.month, $3, 'delivered', now() - interval '2 hours', now() - interval '2 hours',
                   true, true
            FROM contacts c
            JOIN campaigns g ON g.account_id = $1 AND g.id = $2
            WHERE c.account_id = $1
            """,
            campaign_id,
            list_id,
        )
        contacts = await tx.rows("SELECT id FROM contacts WHERE account_id = $1 ORDER BY id")
    async with place.services.db.connection() as connection:
        await connection.execute("VACUUM (ANALYZE) contacts, deliveries")
    paths = _paths(place, campaign_id, [one for (one,) in contacts], [one for (one,) in links])
    return Campaign(
        campaign_id, [_request(n % (count // EACH), path) for n, path in enumerate(paths[:count])]
    )


def _paths(place: Scene, campaign_id: int, contacts: list[int], links: list[int]) -> list[str]:
    """Everybody opens, then everybody clicks, and again: the hits of a recipient lie apart, as they do in life."""
    makes = Links(place.services.tokens, "")
    account = place.account.id
    found = []
    for n in range(EACH):
        for contact in contacts:
            link = links[(contact + n) % len(links)] if n % 2 else 0
            what = CampaignToken(account, campaign_id, contact, link)
            found.append(makes.click(what) if link else makes.open(what))
    return found


def _request(n: int, path: str) -> bytes:
    """By way of a proxy of the operator, as the product is installed; each recipient from a network of its own."""
    address = f"{20 + n % 97}.{n // 97 % 251}.{n // 7 % 253}.{n % 241 + 1}"
    return (
        f"GET {path} HTTP/1.1\r\nHost: t.ateliers-du-port.example\r\nUser-Agent: {AGENTS[n % len(AGENTS)]}\r\n"
        f"Accept: text/html,image/avif,*/*;q=0.8\r\nAccept-Language: fr,en;q=0.5\r\n"
        f"Accept-Encoding: gzip, deflate, br\r\nX-Forwarded-For: {address}\r\nX-Forwarded-Proto: https\r\n\r\n"
    ).encode()


async def _bare(place: Scene, count: int) -> Run:
    async with _bare_server() as (server, port), clients(place, port) as crowd:
        before = children.cpu_seconds(server.pid)
        figures = await ask(crowd, "all", count)
        cpu = children.cpu_seconds(server.pid) - before
    return Run(hits=count, seconds=figures.seconds, answers=figures.seconds, cpu={"bare": cpu / count})


async def _ours(place: Scene, campaign: Campaign, count: int, *, lose: int = 0) -> Run:
    """Web and worker are there already when the first request comes."""
    async with (
        web_process(place) as (server, port),
        place.importer() as [worker],
        clients(place, port) as crowd,
    ):
        await clear(place, campaign)
        spent = [children.cpu_seconds(one.pid) for one in (server, worker)]
        database = place.database_cpu()
        began = time.monotonic()
        figures = await ask(crowd, "all", count)
        await stored(place, count)
        seconds = time.monotonic() - began
        web, flush = (
            children.cpu_seconds(one.pid) - before
            for one, before in zip((server, worker), spent, strict=True)
        )
        database = place.database_cpu() - database
    await _check(place, campaign, count - lose)
    cpu = {"web": web / count, "flush": flush / count, "PostgreSQL": database / count}
    return Run(hits=count, seconds=seconds, answers=figures.seconds, cpu=cpu)


async def _steady(place: Scene, campaign: Campaign, rate: float, count: int) -> tuple[float, float]:
    """p99 of ours and of the bare one at this rate, for as many seconds as there are requests."""
    some = campaign.requests[: min(count, round(rate * STEADY_SECONDS))]
    track_clients.write(place.folder / "requests", some)
    async with _bare_server() as (_, port), clients(place, port) as crowd:
        for _ in range(2):
            # the first time warms up: connections, targets, imports
            quick = await ask(crowd, f"{rate}", len(some))
    async with web_process(place) as (_, port), place.importer(), clients(place, port) as crowd:
        for _ in range(2):
            await clear(place, campaign)
            slow = await ask(crowd, f"{rate}", len(some))
            await stored(place, len(some))
    await _check(place, campaign, len(some))
    track_clients.write(place.folder / "requests", campaign.requests)
    return slow.p99, quick.p99


@dataclass(frozen=True, slots=True)
class Figures:
    seconds: float
    p99: float


async def ask(clients: Process, word: str, count: int) -> Figures:
    children.say(clients, word)
    found = json.loads(await children.line(clients, seconds=scene.START_SECONDS + count / SLOWEST))
    if sum(found["statuses"].values()) != count or set(found["statuses"]) - {"200", "302"}:
        raise Void(f"of {count} hits {found['statuses']} were answered")
    return Figures(found["seconds"], found["p99"])


async def clear(place: Scene, campaign: Campaign) -> None:
    async with place.post.tx() as tx:
        for table in ("events", "event_counts", "event_hours"):
            await tx.run_plain(f"DELETE FROM {table} WHERE campaign_id = {campaign.id}")
    async with place.services.db.connection() as connection:
        await connection.execute("VACUUM (ANALYZE) events")
    await buffer.prepare(place.services.redis)


async def stored(place: Scene, count: int) -> None:
    """Everything that came in was read, committed and acknowledged."""
    until = time.monotonic() + scene.START_SECONDS + count / SLOWEST
    while time.monotonic() < until:
        [group] = await place.services.redis.xinfo_groups(buffer.STREAM)
        if group["lag"] == 0 and group["pending"] == 0:
            return
        await asyncio.sleep(0.02)
    raise Void("hits wait in the stream, and nobody takes them")


async def _check(place: Scene, campaign: Campaign, count: int) -> None:
    async with place.post.tx() as tx:
        stored = await tx.value(
            "SELECT count(*) FROM events WHERE account_id = $1 AND campaign_id = $2", campaign.id
        )
        counted = await tx.value(
            "SELECT sum(hits)::bigint FROM event_counts WHERE account_id = $1 AND campaign_id = $2 AND link_id = 0",
            campaign.id,
        )
    if (stored, counted) != (count, count):
        raise Void(f"of {count} hits {stored} are events, {counted} were counted")


@asynccontextmanager
async def clients(place: Scene, port: int) -> AsyncIterator[Process]:
    words = ("-m", "tests.bench.track_clients", str(port), str(place.folder / "requests"))
    async with children.python(*words) as process:
        await children.line(process)
        yield process


@asynccontextmanager
async def _bare_server() -> AsyncIterator[tuple[Process, int]]:
    port = _free_port()
    async with children.python("-m", "tests.bench.track_bare", str(port)) as process:
        await children.line(process)
        yield process, port


@asynccontextmanager
async def web_process(
    place: Scene, program: tuple[str, ...] = ("-m", "mailer", "web")
) -> AsyncIterator[tuple[Process, int]]:
    port = _free_port()
    environment = scene.environment(place.folder) | {
        "MAILER_LISTEN": f"127.0.0.1:{port}",
        "MAILER_METRICS_LISTEN": f"127.0.0.1:{_free_port()}",
        "MAILER_TRUSTED_PROXIES": "127.0.0.1",
        "MAILER_LOG_LEVEL": "warning",
    }
    errors = place.folder / "web.log"
    async with children.python(*program, environment=environment, errors=errors) as process:
        async with ClientSession() as http, asyncio.timeout(scene.START_SECONDS):
            while True:
                try:
                    async with http.get(f"http://127.0.0.1:{port}/healthz"):
                        break
                except OSError:
                    await asyncio.sleep(0.1)
        yield process, port


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number
