"""Hits between the answer and the database: a Redis stream, a file while Redis is away. Append, read, ack.

A hit gets its id and time here, once; everything behind may see it again without harm (S6). Neither address
nor user agent goes in, only the agent's class.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from weakref import WeakKeyDictionary

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from mailer.core import clock, metrics
from mailer.core.services import Services
from tracking import spill

log = structlog.get_logger()
STREAM = "mailer:events"
GROUP = "ingest"
CONSUMER = "flush"  # the work row's lease lets one flush run at a time
APPEND_SECONDS = 0.5
AWAY_SECONDS = 2.0
REPLAY = 500
AWAY = (RedisError, OSError)
# load: of an image that all recipients of a campaign share (B-34); day: the day of an open alone (B-33)
Kind = Literal["open", "click", "load", "day"]
KINDS = ("open", "click", "load", "day")


@dataclass(frozen=True, slots=True)
class Hit:
    """A request for a link or pixel of ours. `at` in milliseconds since 1970."""

    id: str
    at: int
    kind: str
    account_id: int
    campaign_id: int
    contact_id: int
    link_id: int
    agent: str
    head: bool

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.at / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the stream; `hit` None: it cannot be read."""

    id: str
    hit: Hit | None


@dataclass(slots=True)
class _State:
    """Of one connection to Redis. `away_until`: monotonic clock; `spilled`: look for files to replay."""

    away_until: float = 0.0
    spilled: bool = True


_states: WeakKeyDictionary[Redis, _State] = WeakKeyDictionary()


def _state(services: Services) -> _State:
    return _states.setdefault(services.redis, _State())


def new_id() -> str:
    return secrets.token_urlsafe(12)


def now_ms() -> int:
    return int(clock.now().timestamp() * 1000)


def pack(hit: Hit) -> bytes:
    return orjson.dumps(
        [
            hit.id,
            hit.at,
            hit.kind,
            hit.account_id,
            hit.campaign_id,
            hit.contact_id,
            hit.link_id,
            hit.agent,
            hit.head,
        ]
    )


def unpack(line: bytes | None) -> Hit | None:
    """None for what was cut or is not ours."""
    try:
        hit = Hit(*orjson.loads(line or b""))
    except (ValueError, TypeError):
        return None
    numbers = (hit.at, hit.account_id, hit.campaign_id, hit.contact_id, hit.link_id)
    if hit.kind not in KINDS or not all(type(n) is int and 0 <= n < 2**63 for n in numbers):
        return None
    return hit


async def append(services: Services, hit: Hit) -> None:
    """Kept when it returns; never raises, because a person waits for an answer."""
    line, state = pack(hit), _state(services)
    if time.monotonic() >= state.away_until:
        try:
            async with asyncio.timeout(APPEND_SECONDS):
                await services.redis.xadd(STREAM, {b"h": line})
            return
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("event stream away", error=type(error).__name__)
            state.away_until = time.monotonic() + AWAY_SECONDS
    try:
        await asyncio.to_thread(spill.write, services.settings.data_dir, line)
        state.spilled = True
    except OSError as error:
        metrics.EVENTS.labels(hit.kind, "lost").inc()
        log.error("event lost", error=type(error).__name__)


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
    if not answer:
        return []
    return [
        Entry(entry_id.decode(), unpack(fields.get(b"h") if fields else None))
        for entry_id, fields in answer[0][1]
    ]


async def ack(redis: Redis, entries: Sequence[Entry]) -> None:
    """After the commit: the entries are done with and leave memory."""
    if not entries:
        return
    ids = [entry.id for entry in entries]
    async with redis.pipeline(transaction=True) as pipe:
        pipe.xack(STREAM, GROUP, *ids)
        pipe.xdel(STREAM, *ids)
        await pipe.execute()
