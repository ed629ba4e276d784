"""`mailer migrate` and `mailer schema`."""

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path

from mailer.core import embedded, embedded_home, migrate
from mailer.core.db import open_database
from mailer.core.settings import Settings

_HEADER = """\
-- The whole schema after the last migration, for reading. Made by `make schema`; a test proves it is fresh.
-- Partitions by month are left out: CALL make_month() makes them.
"""


async def run_migrate(settings: Settings) -> int:
    """Applies what is missing and says it."""
    async with open_database(settings.database_url, size=2) as db:
        applied = await migrate.apply(db)
    print("\n".join(f"applied {name}" for name in applied) or "nothing to apply")
    return 0


async def run_schema() -> int:
    print(await schema(), end="")
    return 0


async def schema() -> str:
    """The schema that the migrations make in an empty database of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with embedded.run(Path(folder), fsync=False) as servers:
            async with open_database(servers.database_url, size=2) as db:
                await migrate.apply(db)
            return await dump_schema(servers.admin_url)


async def dump_schema(admin_url: str) -> str:
    """By the superuser's door; the text depends on the schema alone."""
    program = embedded_home.binaries(embedded_home.owner()).postgres.parent / "pg_dump"
    url = admin_url.replace("/postgres?", "/mailer?")
    command = (program, "--schema-only", "--no-owner", "--exclude-table=*_2[0-9][0-9][0-9]_[0-9][0-9]", url)
    dumped = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    kept = [
        line
        for line in dumped.stdout.splitlines()
        if line and not line.startswith(("--", "SET ", "SELECT pg_catalog", "\\"))
    ]
    text = re.sub(r"\n(?=(CREATE|ALTER|GRANT|REVOKE|COMMENT))", "\n\n", "\n".join(kept))
    return f"{_HEADER}\n{text}\n"
