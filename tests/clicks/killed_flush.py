"""A flush that dies by SIGKILL: after reading (`read`), or after its commit and before the ack (`stored`)."""

import asyncio
import os
import signal
import sys

from mailer.core.services import open_services
from mailer.core.settings import load
from tracking import buffer, jobs


async def main(data_dir: str, database_url: str, redis_url: str, when: str) -> None:
    servers = {"database_url": database_url, "redis_url": redis_url}
    async with open_services(load({"MAILER_DATA_DIR": data_dir}, servers=servers)) as services:
        await buffer.prepare(services.redis)
        entries = await buffer.read(services.redis, ">", count=1000)
        if when == "stored":
            await jobs._store(services, entries)
        os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(main(*sys.argv[1:]))
