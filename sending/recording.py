"""What became of mails must reach the database: a write that is tried again while it is away (S1, D-22)."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from mailer.core.db import is_away
from mailer.core.errors import Unavailable

log = structlog.get_logger()
SECONDS = 120.0


def database_away(error: BaseException) -> bool:
    """Is it the database that is away, so that the same may work later?"""
    return isinstance(error, Unavailable) or is_away(error)


async def write_down(write: Callable[[], Awaitable[None]], error: BaseException, **said: object) -> None:
    """After `error` broke a turn off: until `write` has succeeded, for some minutes at most.

    Raises what `write` raises, when no database is away or the time is over. `said` goes to the log.
    """
    log.warning("turn broken off", error=type(error).__name__, **said)
    ends = asyncio.get_running_loop().time() + SECONDS
    while True:
        await asyncio.sleep(0.5)
        try:
            await write()
        except Exception as failure:
            if not database_away(failure) or asyncio.get_running_loop().time() >= ends:
                raise
            log.warning("database away while sending", **said)
        else:
            return
