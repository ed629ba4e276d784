"""A web process that dies by SIGKILL: before the hit is kept (`before`), or after, and before the answer (`after`)."""

import asyncio
import os
import signal
import sys

import uvloop
from aiohttp import web
from redis.asyncio import Redis

from mailer.app import make_app, started
from mailer.core.settings import load


def die(when: str) -> None:
    """The stream's own append, with a knife beside it."""
    add = Redis.xadd

    async def deadly(self: Redis, *args: object, **more: object) -> object:
        if when == "after":
            await add(self, *args, **more)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGKILL)

    Redis.xadd = deadly  # type: ignore[method-assign, assignment]


async def main(data_dir: str, database_url: str, redis_url: str, when: str) -> None:
    settings = load(
        {"MAILER_DATA_DIR": data_dir}, servers={"database_url": database_url, "redis_url": redis_url}
    )
    runner = await started(make_app(settings), settings, shutdown_timeout=1)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    die(when)
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
