"""`mailer restore FOLDER`: beside the database first, swapped in when nothing erased is in it any more.

    verify ─▶ <name>_restoring: pg_restore, migrations, keys of six days, erasures and refusals again,
                                content past its six days, held
           ─▶ the two names change places in one transaction ─▶ the old database is dropped

A kill before the swap leaves the old database as it was; the next run begins again.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from mailer.backup_command import admin_url, settled
from mailer.core import (
    backup_files,
    backups,
    clock,
    erasure_journal,
    migrate,
    pg_programs,
    restore_target,
    restores,
)
from mailer.core.backup_files import BackupDamaged, Manifest
from mailer.core.db import Database, open_database
from mailer.core.restores import Mark
from mailer.core.sealing import Sealer
from mailer.core.settings import Settings
from retention_jobs import erased_again, restored
from retention_jobs.erased_again import Again


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`places`: where journals of erasures lie. `survivor`: a database that may still tell, or ""."""

    backup: Path
    settings: Settings
    admin: str
    replace: bool = False
    survivor: str = ""

    @property
    def sealer(self) -> Sealer:
        return Sealer(self.settings.key, self.settings.old_keys)

    @property
    def folder(self) -> Path:
        return self.backup.parent

    @property
    def places(self) -> tuple[Path, ...]:
        return (self.folder, self.settings.data_dir)

    @property
    def target(self) -> str:
        return urlsplit(self.settings.database_url).path.lstrip("/") or "mailer"


@dataclass(frozen=True, slots=True)
class Restored:
    manifest: Manifest
    keys: int
    again: Again


async def run(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> int:
    backup = backup_files.newest(Path(args.folder).resolve())
    async with settled(environ, alone=True) as settings:
        plan = Plan(
            backup=backup,
            settings=settings,
            admin=admin_url(settings, args.database, environ),
            replace=args.replace,
            survivor=args.survivor,
        )
        found = await restore(plan, clock.now())
    print("\n".join(_told(found)))
    return 0


async def restore(plan: Plan, now: datetime) -> Restored:
    """Raises MailerError before anything is changed, or with the old database as it was."""
    _say(f"Checking {plan.backup}")
    manifest = await asyncio.to_thread(backup_files.verify, plan.backup, plan.sealer)
    if manifest.migration > migrate.migrations()[-1].name:
        raise BackupDamaged(
            f"The backup is of a newer Mailer ({manifest.version}, {manifest.migration}): install that first."
        )
    maintenance = backups.renamed(plan.admin, "postgres")
    program = await asyncio.to_thread(pg_programs.find, "pg_restore", await restore_target.major(maintenance))
    beside = await restore_target.prepare(maintenance, plan.admin, plan.target, replace=plan.replace)
    await _survivors(plan, manifest, now)
    _say(f"Restoring into {beside}")
    await asyncio.to_thread(_pour, plan, manifest, program, beside)
    async with open_database(backups.renamed(plan.settings.database_url, beside), size=2) as db:
        await migrate.apply(db)
        keys = await _keys(db, plan, manifest, now)
        _say("Erasing again what was erased since")
        again = await _again(db, plan, manifest, now)
        _say("Erasing content that is past its six days")
        await restored.forget(db, now)
        async with db.shared() as tx:
            known = Mark(manifest.mark, datetime.fromisoformat(manifest.marked_at))
            await restores.quarantine(tx, known, erased_again=again.total)
    await restore_target.swap(maintenance, beside, plan.target)
    return Restored(manifest, keys, again)


async def _survivors(plan: Plan, manifest: Manifest, now: datetime) -> None:
    """What databases that still live know of erasures is written down first: the old one is about to go."""
    urls = [plan.survivor] if plan.survivor else []
    if plan.replace:
        urls.append(plan.settings.database_url)
    for url in urls:
        async with open_database(url, size=1) as db:
            if await restore_target.is_of(db, manifest.installation):
                await erasure_journal.copy(db, plan.sealer, plan.folder, now)
            elif url == plan.survivor:
                raise BackupDamaged(
                    "The database of --from is another installation's, or none of this version."
                )


def _pour(plan: Plan, manifest: Manifest, program: Path, beside: str) -> None:
    url = backups.renamed(plan.admin, beside)
    arguments = ["--exit-on-error", "--single-transaction", f"--dbname={beside}"]
    pg_programs.restore(program, url, arguments, backup_files.opened(plan.backup, manifest, plan.sealer))


async def _keys(db: Database, plan: Plan, manifest: Manifest, now: datetime) -> int:
    """Keys of contents that may still be read; of the others the content stays sealed for good."""
    masters = await asyncio.to_thread(backup_files.read_masters, plan.folder, manifest.installation)
    days = await asyncio.to_thread(backup_files.read_keys, plan.folder, now) if masters else {}
    count = 0
    for account_id, master in masters.items():
        rows = [(day, found[account_id]) for day, found in days.items() if account_id in found]
        async with db.account(account_id) as tx:
            count += await restore_target.put_keys(tx, master, rows)
    return count


async def _again(db: Database, plan: Plan, manifest: Manifest, now: datetime) -> Again:
    read = erased_again.from_places(plan.places, plan.sealer, manifest.installation)
    return await erased_again.run(
        db, lambda: erased_again.since(read(), xmin=manifest.xmin, at=manifest.at), now
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _told(found: Restored) -> list[str]:
    again = found.again
    return [
        f"Restored: the database as it was on {found.manifest.at:%Y-%m-%d %H:%M:%S} UTC.",
        f"Erased again: {again.contacts} contacts, {again.accounts} accounts set as they were last;"
        f" {again.refusals} refusals stored again.",
        f"Keys of contents brought back: {found.keys}. What is older than six days cannot be read.",
        "Sending is held. Read `mailer sending status`, then confirm with `mailer sending resume`.",
    ]
