"""Hits between the answer and the database: a Redis stream, a file while Redis is away. Append, read, ack.

    hits of one moment ─▶ one line of JSON ─▶ one XADD ─▶ their answers go out     the next wait for it

A hit gets its id and time here, once; everything behind may see it again without harm (S6). Neither address
nor user agent goes in, only the agent's class and a hashed network. What was stored stays in the stream for
ten minutes, for signals that several hits give together.
"""

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from mailer.core import clock, metrics
from mailer.core.services import Services
from tracking import networks, spill

log = structlog.get_logger()
STREAM = "mailer:events"
GROUP = "ingest"
CONSUMER = "flush"  # the work row's lease lets one flush run at a time
APPEND_SECONDS = 0.5
AWAY_SECONDS = 2.0
REPLAY = 500
MOST = 200
"""Hits in one entry of the stream."""
KEPT_MS = 600_000
AWAY = (RedisError, OSError)
_WORDS = re.compile(r"[A-Za-z0-9_-]+ [A-Za-z0-9_-]* [A-Za-z0-9_-]*").fullmatch
_MOST = 2**63
KINDS = ("open", "click", "visit", "post", "load", "day")
Kind = Literal["open", "click", "visit", "post", "load", "day"]
"""Never stored: `visit`, `post`, that the page to unsubscribe was asked for, that a form of ours was sent.
Counted only (tallies.py): `load` of an image that all recipients of a campaign share (B-34), `day` of an open
(B-33)."""


class Hit(NamedTuple):
    """A request for something of ours in a mail. `at` in milliseconds since 1970; `network`: networks.py."""

    id: str
    at: int
    kind: str
    account_id: int
    campaign_id: int
    contact_id: int
    link_id: int
    agent: str
    head: bool
    network: str = ""

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.at / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the stream; no hits: it cannot be read."""

    id: str
    hits: tuple[Hit, ...]


@dataclass(slots=True)
class _Waiting:
    """`remote`: the address that asked, hashed when the hit is packed and then gone."""

    hit: Hit
    remote: str
    kept: asyncio.Future[None]


@dataclass(slots=True)
class _State:
    """Of one connection to Redis. `away_until`: monotonic clock; `spilled`: look for files to replay."""

    away_until: float = 0.0
    spilled: bool = True
    waiting: list[_Waiting] = field(default_factory=list)
    pump: asyncio.Future[None] | None = None


_states: WeakKeyDictionary[Redis, _State] = WeakKeyDictionary()
_process = secrets.token_urlsafe(5)
_numbers = itertools.count()


def _state(services: Services) -> _State:
    found = _states.get(services.redis)
    if found is None:
        found = _states[services.redis] = _State()
    return found


def new_id(at: int) -> str:
    """Ordered by time, so that the index of events grows at its end; unlike those of all other processes."""
    return f"{at:x}{_process}{next(_numbers):x}"


def now_ms() -> int:
    return int(clock.now().timestamp() * 1000)


def pack(*hits: Hit) -> bytes:
    return orjson.dumps([list(hit) for hit in hits])


def unpack(line: bytes | None) -> tuple[Hit, ...]:
    """Nothing for what was cut or is not ours. Lines of one hit come from the version before."""
    try:
        found = orjson.loads(line or b"")
        hits = tuple(Hit(*row) for row in (found if isinstance(found[0], list) else [found]))
        return hits if all(map(_whole, hits)) else ()
    except (ValueError, TypeError, LookupError):
        return ()


def _whole(hit: Hit) -> bool:
    hit_id, at, kind, account_id, campaign_id, contact_id, link_id, agent, _, network = hit
    for number in (at, account_id, campaign_id, contact_id, link_id):
        if type(number) is not int or not 0 <= number < _MOST:
            return False
    return kind in KINDS and _WORDS(" ".join((hit_id, agent, network))) is not None


async def append(services: Services, hit: Hit, *, remote: str = "") -> None:
    """Kept when it returns; never raises, because a person waits for an answer."""
    state = _state(services)
    one = _Waiting(hit, remote, asyncio.get_running_loop().create_future())
    state.waiting.append(one)
    if state.pump is None or state.pump.done():
        # no request's own task: it serves all of them, and must outlive the one that began it
        state.pump = asyncio.ensure_future(_pump(services, state))
    await one.kept


async def _pump(services: Services, state: _State) -> None:
    """While somebody waits: what came in during one round trip makes the next one."""
    while state.waiting:
        batch = state.waiting[:MOST]
        del state.waiting[:MOST]
        try:
            await _keep(services, state, batch)
        except Exception:
            log.exception("events lost", hits=len(batch))
        finally:
            for one in batch:
                if not one.kept.done():
                    one.kept.set_result(None)


async def _keep(services: Services, state: _State, batch: Sequence[_Waiting]) -> None:
    if time.monotonic() >= state.away_until:
        try:
            async with asyncio.timeout(APPEND_SECONDS):
                day = await networks.key(services.redis)
                line = pack(*(one.hit._replace(network=networks.word(day, one.remote)) for one in batch))
                await services.redis.xadd(STREAM, {b"h": line})
            return
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("event stream away", error=type(error).__name__)
            state.away_until = time.monotonic() + AWAY_SECONDS
    try:
        # without a network: the file may lie here for longer than a day
        line = pack(*(one.hit for one in batch))
        await asyncio.to_thread(spill.write, services.settings.data_dir, line)
        state.spilled = True
    except OSError as error:
        for one in batch:
            metrics.EVENTS.labels(one.hit.kind, "lost").inc()
        log.error("events lost", error=type(error).__name__, hits=len(batch))


def may_replay(services: Services) -> bool:
    """True when Redis answers and a file may wait."""
    state = _state(services)
    return state.spilled and time.monotonic() >= state.away_until


async def replay(services: Services) -> int:
    """Puts spilled hits into the stream; returns how many. Raises RedisError or OSError and loses nothing."""
    _state(services).spilled = False
    count = 0
    try:
        for path in await asyncio.to_thread(spill.take, services.settings.data_dir):
            lines = await asyncio.to_thread(spill.lines, path)
            for start in range(0, len(lines), REPLAY):
                async with services.redis.pipeline(transaction=False) as pipe:
                    for line in lines[start : start + REPLAY]:
                        pipe.xadd(STREAM, {b"h": line})
                    await pipe.execute()
            await asyncio.to_thread(spill.drop, path)
            count += len(lines)
    except BaseException:
        _state(services).spilled = True
        raise
    return count


async def prepare(redis: Redis) -> None:
    """The stream's group, made anew when Redis was emptied."""
    try:
        await redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


async def read(redis: Redis, after: str, *, count: int) -> list[Entry]:
    """`after` ">": new ones. Another id: what was read before and not acknowledged, behind that id."""
    answer: list[Any] = await redis.xreadgroup(GROUP, CONSUMER, {STREAM: after}, count=count)
    return [_entry(*one) for one in answer[0][1]] if answer else []


def _entry(entry_id: bytes, fields: dict[bytes, bytes] | None) -> Entry:
    return Entry(entry_id.decode(), unpack(fields.get(b"h") if fields else None))


async def last_read(redis: Redis) -> str:
    """The entry that a flush read last, whichever process ran it."""
    groups: list[dict[str, Any]] = await redis.xinfo_groups(STREAM)
    found = next(group["last-delivered-id"] for group in groups if group["name"] == GROUP.encode())
    return found.decode() if isinstance(found, bytes) else str(found)


async def between(redis: Redis, after: str, until: str, *, count: int) -> list[Entry]:
    """What was read by somebody and is still there; `after` "": of the last ten minutes."""
    start = f"({after}" if after else str(now_ms() - KEPT_MS)
    return [_entry(*one) for one in await redis.xrange(STREAM, start, until, count=count)]


async def ack(redis: Redis, entries: Sequence[Entry]) -> None:
    """After the commit: the entries are done with. They stay for their neighbours until `trim`."""
    if entries:
        await redis.xack(STREAM, GROUP, *(entry.id for entry in entries))


async def trim(redis: Redis) -> None:
    """What is older than ten minutes, was read and is not waiting to be stored leaves memory."""
    pending: dict[str, Any] = await redis.xpending(STREAM, GROUP)
    bounds = [f"{now_ms() - KEPT_MS}-0", await last_read(redis)]
    if pending["pending"]:
        bounds.append(pending["min"].decode())
    await redis.xtrim(STREAM, minid=min(bounds, key=_order), approximate=False)


def _order(entry_id: str) -> tuple[int, int]:
    at, _, number = entry_id.partition("-")
    return int(at), int(number or 0)
