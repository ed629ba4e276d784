"""What backups need in between: the journal of erasures, and keys removed on their day (S13, A-063)."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from mailer.core import backup_files, backups, clock, erasure_journal, jobs, restores
from mailer.core.db import Database
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import erased_again
from retention_jobs.erased_again import Again

log = structlog.get_logger()
PERIOD = timedelta(minutes=1)
MOST = 200_000  # entries a place and turn


async def tend(services: Services, _: Task) -> datetime:
    """In the data folder and in each folder of backups that was used from this machine. One fails alone."""
    now, data_dir = clock.now(), services.settings.data_dir
    folders = await asyncio.to_thread(backups.folders, data_dir)
    more = False
    for place in (data_dir, *folders):
        try:
            copied = await erasure_journal.copy(services.db, services.sealer, place, now, most=MOST)
            more = more or copied >= MOST
            await asyncio.to_thread(erasure_journal.prune, place, now)
            if place != data_dir:
                await forget(services.db, place, now)
        except OSError as error:
            log.error("backups not tended", place=str(place), error=type(error).__name__)
    return jobs.again() if more else jobs.in_(seconds=PERIOD.total_seconds())


async def forget(
    db: Database, folder: Path, now: datetime, *, kept: timedelta = backup_files.KEPT
) -> list[Path]:
    """Keys and backups past their time, and keys of accounts that are no more."""
    gone = await asyncio.to_thread(backup_files.prune, folder, now, kept=kept)
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


async def erase_again(services: Services, _: Task) -> None:
    """Asked for by a hold: after a snapshot was restored, too, this machine knows who was erased since."""
    data_dir = services.settings.data_dir
    places = [data_dir, *await asyncio.to_thread(backups.folders, data_dir)]
    await from_places(services, places)


async def from_places(services: Services, places: Sequence[Path]) -> Again | None:
    """What these journals say since the last moment that the database knows; None when sending is not held.

    Not for a hold by an operator's word: the journals went back with the machine.
    """
    async with services.db.shared() as tx:
        found = await restores.show(tx)
    if not found.held or found.held_reason == "operator":
        return None
    read = erased_again.from_places(places, services.sealer, found.id)
    again = await erased_again.run(
        services.db, lambda: erased_again.since(read(), at=found.marked_at), clock.now()
    )
    async with services.db.shared() as tx:
        await restores.count_erased(tx, again.total)
    log.info("erased again", contacts=again.contacts, refusals=again.refusals, accounts=again.accounts)
    return again


JOBS = [
    Job("retention_jobs.tend_backups", tend, every=PERIOD),
    Job(restores.ERASE_AGAIN, erase_again),
]
