"""`mailer backup FOLDER`, `mailer backup verify | prune | journal | read FOLDER`."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from mailer.core import backup_files, backups, clock, embedded, erasure_journal
from mailer.core.db import open_database
from mailer.core.errors import MailerError, Unavailable
from mailer.core.sealing import Sealer
from mailer.core.settings import Settings, environment, load, run_file
from retention_jobs import jobs_backups

ACTS = ("verify", "prune", "journal", "read")
# load() wants one; nothing here asks the queue
_NO_QUEUE = "redis://127.0.0.1:1/0"


@asynccontextmanager
async def settled(environ: Mapping[str, str], *, alone: bool = False) -> AsyncIterator[Settings]:
    """Settings with a database that answers: the one named, `mailer run`'s, or an embedded one, started.

    `alone`: raises EmbeddedError while `mailer run` is active. Raises SettingsError.
    """
    given = environment(environ)
    found = run_file(given.data_dir)
    queue = given.redis_url or found.get("redis_url") or _NO_QUEUE
    if given.database_url:
        yield load(environ, servers={"redis_url": queue})
        return
    if not alone and found.get("database_url"):
        settings = load(environ)
        try:
            async with open_database(settings.database_url, size=1):
                pass
        except Unavailable:
            pass  # left behind by one that was killed
        else:
            yield settings
            return
    async with embedded.run(given.data_dir) as servers:
        yield load(environ, servers={"database_url": servers.database_url, "redis_url": servers.redis_url})


def admin_url(settings: Settings, named: str, environ: Mapping[str, str]) -> str:
    """The door of a role that sees all rows, to Mailer's database."""
    parts = urlsplit(settings.database_url)
    database = parts.path.lstrip("/") or "mailer"
    if named:
        return named if urlsplit(named).path.strip("/") else backups.renamed(named, database)
    if settings.embedded:
        return parts._replace(netloc="postgres@").geturl()
    if any(environ.get(name) for name in ("PGUSER", "PGHOST")):
        return f"postgresql:///{environ.get('PGDATABASE') or database}"
    return settings.database_url


async def run(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> int:
    """0 done, 1 with the reason on standard error, 2 for words that are none."""
    act, *rest = args.words if args.words[0] in ACTS else ("take", *args.words)
    if len(rest) != 1:
        print("mailer: name one folder: mailer backup [verify|prune|journal|read] FOLDER", file=sys.stderr)
        return 2
    folder = Path(rest[0])
    try:
        async with settled(environ) as settings:
            if act == "take":
                return await _take(folder, settings, admin_url(settings, args.database, environ), args)
            return await _tend(act, folder, settings, args)
    except OSError as error:
        raise MailerError(
            f"{folder}: {error.strerror or error}. No backup was changed or left half done."
        ) from None


async def _take(folder: Path, settings: Settings, url: str, args: argparse.Namespace) -> int:
    now, sealer = clock.now(), Sealer(settings.key, settings.old_keys)
    taken = await backups.take(folder, url, sealer, now, _tell, kept=timedelta(days=args.keep_days))
    async with open_database(settings.database_url, size=1) as db:
        entries = await erasure_journal.copy(db, sealer, folder, now)
    await asyncio.to_thread(backups.remember, settings.data_dir, folder)
    figures = {
        "backup": str(taken.path),
        "bytes": taken.size,
        "content_keys": taken.keys,
        "erasures_copied": entries,
        "removed": taken.removed,
    }
    print(json.dumps(figures) if args.json else taken.path)
    return 0


async def _tend(act: str, folder: Path, settings: Settings, args: argparse.Namespace) -> int:
    as_json: bool = args.json
    now, sealer = clock.now(), Sealer(settings.key, settings.old_keys)
    if act == "prune":
        async with open_database(settings.database_url, size=1) as db:
            gone = await jobs_backups.forget(db, folder, now, kept=timedelta(days=args.keep_days))
        days = await asyncio.to_thread(erasure_journal.prune, folder, now)
        said: object = {"removed": [str(path) for path in gone], "journal_days_removed": days}
        print(
            json.dumps(said)
            if as_json
            else "\n".join(f"removed {path}" for path in gone) or "nothing to remove"
        )
    elif act == "journal":
        async with open_database(settings.database_url, size=1) as db:
            count = await erasure_journal.copy(db, sealer, folder, now)
        print(json.dumps({"erasures_copied": count}) if as_json else f"{count} copied")
    else:
        backup = backup_files.newest(folder)
        if act == "read":
            for piece in backup_files.opened(backup, backup_files.manifest(backup), sealer):
                sys.stdout.buffer.write(piece)
            return 0
        found = await asyncio.to_thread(backup_files.verify, backup, sealer)
        print(json.dumps({"backup": str(backup), "whole": True}) if as_json else _whole(backup, found))
    return 0


def _whole(backup: Path, found: backup_files.Manifest) -> str:
    size = sum(one["size"] for one in found.files.values())
    return (
        f"{backup}: whole, {size:,} bytes, of {found.at:%Y-%m-%d %H:%M:%S} UTC, migration {found.migration}"
    )


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
