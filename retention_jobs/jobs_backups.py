"""What backups need in between: the journal of erasures, and keys removed on their day (S13, A-063)."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from mailer.core import backup_files, backups, clock, erasure_journal, jobs, restores
from mailer.core.db import Database
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task

log = structlog.get_logger()
PERIOD = timedelta(minutes=1)


async def tend(services: Services, _: Task) -> datetime:
    """In the data folder and in each folder of backups that was used from this machine. One fails alone."""
    now, data_dir = clock.now(), services.settings.data_dir
    folders = await asyncio.to_thread(backups.folders, data_dir)
    for place in (data_dir, *folders):
        try:
            await erasure_journal.copy(services.db, services.sealer, place, now)
            await asyncio.to_thread(erasure_journal.prune, place, now)
            if place != data_dir:
                await forget(services.db, place, now)
        except OSError as error:
            log.error("backups not tended", place=str(place), error=type(error).__name__)
    return jobs.in_(seconds=PERIOD.total_seconds())


async def forget(db: Database, folder: Path, now: datetime) -> list[Path]:
    """Keys and backups past their time, and keys of accounts that are no more."""
    gone = await asyncio.to_thread(backup_files.prune, folder, now)
    async with db.shared() as tx:
        # an empty database beside the backups of a lost one knows none of their accounts: it has no say
        installation = (await restores.show(tx)).id
        held = sorted(await asyncio.to_thread(backup_files.read_masters, folder, installation))
        dead = await tx.rows(
            """
            SELECT one FROM unnest($1::bigint[]) AS one
            WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.id = one)
            """,
            held,
        )
    await asyncio.to_thread(backup_files.forget_masters, folder, installation, [one for (one,) in dead])
    return gone


JOBS = [Job("retention_jobs.tend_backups", tend, every=PERIOD)]
