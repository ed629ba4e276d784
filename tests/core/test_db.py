"""What happens to the database's side of a process that is gone."""

import asyncio
import sys
from pathlib import Path

from mailer.core.services import Services
from mailer.core.settings import Settings

ASKS = """
import asyncio, sys
from mailer.core.db import open_database

async def main():
    async with open_database(sys.argv[1], size=1) as db, db.shared() as tx:
        await tx.run("SELECT 'of a process that is killed', pg_sleep(3600)")

asyncio.run(main())
"""


async def _asked(services: Services) -> int:
    async with services.db.shared() as tx:
        return int(
            await tx.value(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE query LIKE '%of a process that is killed%' AND state = 'active' AND pid <> pg_backend_pid()
                """
            )
        )


async def test_a_statement_of_a_killed_process_ends_and_lets_its_locks_go(
    services: Services, settings: Settings
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ASKS, settings.database_url, cwd=Path(__file__).parents[2]
    )
    try:
        async with asyncio.timeout(60):
            while not await _asked(services):
                await asyncio.sleep(0.05)
            process.kill()
            while await _asked(services):
                await asyncio.sleep(0.1)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_statements_are_not_compiled(services: Services) -> None:
    """A server may have the compiler switched on; the embedded one has none."""
    async with services.db.shared() as tx:
        assert await tx.value("SHOW jit") == "off"
