"""Rate limits in Redis, shared by all processes. The only import of `limits`.

When Redis is away the guards of public doors let pass (an unsubscribe must work) but sign-in does not rest on
them: its throttle counts in PostgreSQL.
"""

import time
from dataclasses import dataclass

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.exceptions import RedisError

from mailer.core.errors import TooMany

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limit:
    """`count` in `seconds`, counted apart for each `name` and key."""

    name: str
    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Left:
    """What is left in the window and, in seconds, when it is full again."""

    remaining: int
    reset: int


class Rates:
    """One a process."""

    def __init__(self, redis_url: str) -> None:
        url = redis_url.replace("unix://", "valkey+unix://") if redis_url.startswith("unix") else redis_url
        scheme = "async+" + (url if url.startswith("valkey") else "valkey" + url.removeprefix("redis"))
        self._storage = RedisStorage(scheme, implementation="valkey", wrap_exceptions=True)
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)

    async def close(self) -> None:
        await self._storage.bridge.storage.aclose()  # type: ignore[attr-defined]  # the base class hides it

    async def take(self, limit: Limit, key: str) -> Left:
        """Counts one; raises TooMany with the seconds to wait."""
        item = RateLimitItemPerSecond(limit.count, limit.seconds, namespace=f"rate:{limit.name}")
        try:
            passed = await self._limiter.hit(item, key)
            stats = await self._limiter.get_window_stats(item, key)
        except (StorageError, RedisError, OSError) as error:
            log.warning("rate limit not counted", limit=limit.name, error=type(error).__name__)
            return Left(limit.count, limit.seconds)
        reset = max(1, round(stats.reset_time - time.time()))
        if not passed:
            raise TooMany(reset)
        return Left(max(0, stats.remaining), reset)
