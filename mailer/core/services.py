"""What a running process holds: settings, database, queue, keys. Opened and closed together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from mailer.core.db import Database, open_database
from mailer.core.sealing import Sealer
from mailer.core.settings import Settings
from mailer.core.tokens import Tokens, load_tokens


@dataclass(frozen=True, slots=True)
class Services:
    """One a process. Redis holds nothing that PostgreSQL cannot give back, but the stream of events."""

    settings: Settings
    db: Database
    redis: Redis
    sealer: Sealer
    tokens: Tokens


@asynccontextmanager
async def open_services(settings: Settings, *, pool_size: int = 10) -> AsyncIterator[Services]:
    """Raises Unavailable when the database is away; Redis is reached when first used."""
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database(settings.database_url, size=pool_size))
        redis = Redis.from_url(
            settings.redis_url,
            retry=Retry(ExponentialBackoff(cap=1, base=0.05), 4),
            retry_on_error=[RedisConnectionError],
            retry_on_timeout=True,
            socket_timeout=10,
        )
        stack.push_async_callback(redis.aclose)
        sealer = Sealer(settings.key, settings.old_keys)
        tokens = await load_tokens(db, sealer)
        yield Services(settings, db, redis, sealer, tokens)
