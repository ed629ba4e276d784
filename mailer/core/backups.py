"""Taking a backup, and the folders where backups lie (S13).

The role that takes it sees all rows: a superuser, or one with BYPASSRLS. Everything is of one snapshot.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from mailer import __version__
from mailer.core import backup_files, pg_programs
from mailer.core.db import Database, open_database
from mailer.core.errors import MailerError
from mailer.core.sealing import Sealer

# What no backup holds. Keys of contents: in files of their own. `original`: its absence says "a copy"
# (restores.py). Mails of the local inbox and to nobody, forms kept for 15 minutes: content without a key of a
# day. Sessions and one-time links open doors that were closed since. The journal lies beside them, newer.
LEFT_OUT = (
    "content_keys",
    "content_masters",
    "original",
    "inbox_mails",
    "stray_mails",
    "kept_forms",
    "sessions",
    "one_time_links",
    "erasure_journal",
)
FOLDERS = "backups.json"
_FACTS = """
    SELECT i.id::text AS installation, i.mark, i.marked_at,
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin,
           current_setting('server_version_num')::int / 10000 AS server,
           (SELECT max(name) FROM schema_migrations) AS migration, pg_export_snapshot() AS snapshot
    FROM installation i
    """
Tell = Callable[[str], None]


class BackupRefused(MailerError):
    """A backup cannot be taken; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Taken:
    path: Path
    size: int
    keys: int
    removed: int


async def take(
    folder: Path,
    admin_url: str,
    sealer: Sealer,
    now: datetime,
    tell: Tell,
    *,
    kept: timedelta = backup_files.KEPT,
) -> Taken:
    """What is too old goes first, even when nothing new can be written. Raises MailerError, OSError."""
    removed = await asyncio.to_thread(backup_files.prune, folder, now, kept=kept) if folder.is_dir() else []
    part: Path | None = None
    try:
        async with open_database(admin_url, size=1) as db, _snapshot(db) as (connection, facts):
            part = await asyncio.to_thread(backup_files.begin, folder, backup_files.name_of(now))
            key = backup_files.new_key()
            program = await asyncio.to_thread(pg_programs.find, "pg_dump", facts["server"])
            arguments = ["--format=custom", f"--snapshot={facts.pop('snapshot')}"]
            arguments += [f"--exclude-table-data={table}" for table in LEFT_OUT]
            await asyncio.to_thread(_dump, part, key, (program, admin_url, arguments), tell)
            days, masters = await _keys(connection)
        await asyncio.to_thread(backup_files.write_keys, folder, days, now)
        await asyncio.to_thread(backup_files.write_masters, folder, facts["installation"], masters)
        facts |= {"version": __version__, "taken_at": now.isoformat(), "left_out": list(LEFT_OUT)}
        whole = await asyncio.to_thread(backup_files.finish, part, facts, sealer, key=key)
    except BaseException:
        # a full disk gets its room back
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)
        raise
    size = (whole / backup_files.DUMP).stat().st_size
    return Taken(whole, size, sum(len(rows) for rows in days.values()), len(removed))


_Rows = list[tuple[int, bytes]]


async def _keys(connection: Any) -> tuple[dict[date, _Rows], _Rows]:
    """Keys of days, and of accounts; sealed, as they are."""
    days: dict[date, _Rows] = {}
    for day, account_id, sealed in await connection.fetch(
        "SELECT day, account_id, sealed FROM content_keys ORDER BY day, account_id"
    ):
        days.setdefault(day, []).append((account_id, sealed))
    masters = await connection.fetch("SELECT account_id, sealed FROM content_masters ORDER BY account_id")
    return days, [(account_id, sealed) for account_id, sealed in masters]


@asynccontextmanager
async def _snapshot(db: Database) -> AsyncIterator[tuple[Any, dict[str, Any]]]:
    """A transaction whose snapshot pg_dump shares, and what it says of itself."""
    async with db.connection() as connection:
        await require_sight(connection)
        if await connection.fetchval("SELECT to_regclass('content_masters')") is None:
            raise BackupRefused(
                "The database is not Mailer's, or of an older version: `mailer migrate` first."
            )
        # the snapshot has to outlive a dump of hours
        await connection.execute("SET idle_in_transaction_session_timeout = 0")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            row = dict(await connection.fetchrow(_FACTS) or {})
            if not row:
                raise BackupRefused("The database is not Mailer's: the table `installation` is empty.")
            yield connection, row | {"marked_at": row["marked_at"].isoformat()}


async def require_sight(connection: Any) -> None:
    """Raises BackupRefused for a role from which row-level security hides the accounts' rows."""
    sees = await connection.fetchval(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    if not sees:
        role = await connection.fetchval("SELECT current_user::text")
        raise BackupRefused(
            f"The role {role} sees no account's rows: row-level security hides them. Name a superuser or a"
            " role with BYPASSRLS by --database postgresql://…, or by PGUSER, PGPASSWORD and PGHOST."
        )


def _dump(part: Path, key: bytes, command: tuple[Path, str, list[str]], tell: Tell) -> None:
    program, url, arguments = command
    written, told = 0, 0
    descriptor = os.open(part / backup_files.DUMP, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        writer = backup_files.Writer(file, key)

        def take_piece(piece: bytes) -> None:
            nonlocal written, told
            writer.write(piece)
            written += len(piece)
            if written - told >= 100_000_000:
                told = written
                tell(f"{written // 1_000_000} MB written")

        pg_programs.dump(program, url, arguments, take_piece)
        writer.end()


def renamed(url: str, database: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


# ---------------------------------------------------------------- where they lie


def remember(data_dir: Path, folder: Path) -> None:
    """So that workers on this machine keep its journal and remove its keys on time."""
    known = {*folders(data_dir), folder.resolve()}
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    backup_files.write_whole(data_dir / FOLDERS, orjson.dumps(sorted(map(str, known))))


def folders(data_dir: Path) -> list[Path]:
    """Those that are there now."""
    try:
        known = [Path(one) for one in orjson.loads((data_dir / FOLDERS).read_bytes())]
    except (OSError, ValueError, TypeError):
        return []
    return [one for one in known if one.is_dir()]
