"""Keys of Valkey counted by class, and those that would stay: without an end, or older than they may be."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from retention_jobs.ages import ALLOWED
from retention_jobs.classes_queue import OF_QUEUE, OTHERS, QueueClass

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Of one class. `stays`: keys without an end that need one, and streams with entries past their time."""

    name: str
    count: int
    stays: int
    longest: timedelta | None = None
    oldest: datetime | None = None


@dataclass(slots=True)
class _Tally:
    count: int = 0
    stays: int = 0
    longest: int = 0
    oldest: datetime | None = None


async def count(redis: Redis, now: datetime) -> list[Keys]:
    """Every class, also those without a key. An empty list: Valkey is away."""
    tallies = {name: _Tally() for name in (*OF_QUEUE, OTHERS)}
    try:
        async for key, milliseconds in _walk(redis):
            await _add(tallies, redis, key, milliseconds, now)
    except (RedisError, OSError):
        return []
    return [
        Keys(
            name=name,
            count=one.count,
            stays=one.stays,
            longest=timedelta(milliseconds=one.longest) if one.longest else None,
            oldest=one.oldest,
        )
        for name, one in tallies.items()
    ]


async def _walk(redis: Redis) -> AsyncIterator[tuple[bytes, int]]:
    """Keys with what is left of them; -1: no end. Some come twice while the table grows, none is left out."""
    cursor = 0
    while True:
        cursor, keys = await redis.scan(cursor, count=PAGE)
        async with redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.pttl(key)
            ends = await pipe.execute()
        for key, milliseconds in zip(keys, ends, strict=True):
            # -2: gone since
            if milliseconds != -2:
                yield key, milliseconds
        if cursor == 0:
            return


def class_of(key: bytes) -> str:
    return next((name for name, one in OF_QUEUE.items() if one.keys.fullmatch(key)), OTHERS)


async def _add(
    tallies: dict[str, _Tally], redis: Redis, key: bytes, milliseconds: int, now: datetime
) -> None:
    name = class_of(key)
    one, kind = tallies[name], OF_QUEUE.get(name)
    one.count += 1
    one.longest = max(one.longest, milliseconds)
    if kind is not None and kind.stream:
        one.oldest = await _oldest(redis, key)
        one.stays += one.oldest is not None and _past(kind, one.oldest, now)
    elif milliseconds == -1:
        # what nobody classed may hold anything
        one.stays += kind is None or kind.kept is not None
    elif kind is not None and kind.kept is not None:
        one.stays += _past(kind, now, now + timedelta(milliseconds=milliseconds))


def _past(kind: QueueClass, began: datetime, until: datetime) -> bool:
    return kind.kept is not None and began < kind.kept.before(until - ALLOWED)


async def _oldest(redis: Redis, stream: bytes) -> datetime | None:
    entries = await redis.xrange(stream, count=1)
    if not entries:
        return None
    return datetime.fromtimestamp(int(entries[0][0].partition(b"-")[0]) / 1000, UTC)
