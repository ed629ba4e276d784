"""What arq runs for imports."""

import time
from datetime import datetime

import structlog

from lists import (
    import_changes,
    import_check,
    import_fates,
    import_guard,
    import_opt_outs,
    import_stage,
    import_tables,
    import_undo,
    imports,
    merge,
)
from lists.csv_detect import Unreadable
from lists.import_guard import ColumnClosed
from lists.import_stage import Superseded
from lists.imports import KEPT, Import, State
from mailer.accounts import audit
from mailer.core import clock, files, jobs, planner
from mailer.core.errors import NotFound
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task

log = structlog.get_logger()
TURN_SECONDS = 20.0


async def check(services: Services, task: Task) -> datetime | None:
    """Reads the file into staged rows, counts what would become of them, then waits for a person."""
    try:
        return await _check(services, task)
    except Superseded:
        return None


async def _check(services: Services, task: Task) -> datetime | None:
    job = await _at(services, task)
    if job is None:
        return None
    if job.state == State.CHECKED and not job.dry_run:
        await import_check.go_on(services, task.account_id, job)
        return None
    if job.state != State.CHECKING:
        return None
    if not job.size:
        await import_check.fail(services.db, task.account_id, job, "file_gone")
        return None
    if job.to_turn:
        try:
            await import_tables.turn(services.db, task.account_id, job)
        except Unreadable as error:
            await import_check.fail(services.db, task.account_id, job, error.code)
            return None
        return jobs.again()
    until = time.monotonic() + TURN_SECONDS
    try:
        if job.bytes_read < job.size and not await import_check.read_on(
            services, task.account_id, job, until=until
        ):
            return jobs.again()
    except ColumnClosed as found:
        await import_guard.close_column(services.db, task.account_id, (job.id, job.attempt), found)
        return jobs.again()
    except import_check.TooManyRows:
        await import_check.fail(services.db, task.account_id, job, "too_many_rows")
        return None
    if not await import_check.count_on(services, task.account_id, job, until=until):
        return jobs.again()
    await import_check.finish(services, task.account_id, job)
    return None


async def run(services: Services, task: Task) -> datetime | None:
    """Merges the staged rows, a part a transaction; then reports and erases what was staged."""
    job = await _at(services, task)
    if job is None or job.state != State.RUNNING:
        return None
    until = time.monotonic() + TURN_SECONDS
    after: int | None = job.merged_to_line
    try:
        if after == 0:
            await import_opt_outs.take_over(services.db, task.account_id, job)
        while after is not None:
            async with services.db.account(task.account_id) as tx:
                after = await merge.merge(tx, job, after=after)
            if after is not None and time.monotonic() > until:
                return jobs.again()
    except Superseded:
        return None
    async with services.db.account(task.account_id) as tx:
        if await merge.finish(tx, job):
            await audit.write(tx, "imported", "import", job.id, count=import_fates.changes(job.counts))
    async with services.db.account(task.account_id) as tx:
        await planner.meet(tx)
    return None


async def undo(services: Services, task: Task) -> datetime | None:
    """Takes an import back, a part a transaction."""
    job = await _at(services, task)
    if job is None or job.state != State.UNDOING:
        return None
    until = time.monotonic() + TURN_SECONDS
    after: int | None = job.undone_to_line
    try:
        while after is not None:
            async with services.db.account(task.account_id) as tx:
                after = await import_undo.undo(tx, job, after=after)
            if after is not None and time.monotonic() > until:
                return jobs.again()
    except Superseded:
        return None
    async with services.db.account(task.account_id) as tx:
        await import_undo.finish(tx, job)
    return None


async def _at(services: Services, task: Task) -> Import | None:
    """The import, with a note when an earlier turn of it was cut off."""
    try:
        if task.attempts:
            return await import_check.resume(services.db, task.account_id, task.ref_id)
        async with services.db.account(task.account_id) as tx:
            return await imports.show(tx, task.ref_id)
    except NotFound:
        return None


async def close(services: Services, task: Task) -> datetime | None:
    """Erases what an import no longer needs: staged rows when it has ended, its file after six days,
    what it changed after seven.
    """
    job = await _at(services, task)
    if job is None:
        return None
    over = job.created_at + KEPT
    if job.state in (State.RUNNING, State.CHECKING) and clock.now() >= over:
        return jobs.in_(hours=1)
    ended = job.state in (State.DONE, State.UNDOING, State.UNDONE, State.CANCELLED)
    if not ended and clock.now() >= over:
        async with services.db.account(task.account_id) as tx:
            await imports.close(tx, job, state=State.CANCELLED, failure="expired")
        ended = True
    if ended:
        await import_stage.unstage(services.db, task.account_id, job.id)
        await import_opt_outs.unstage(services.db, task.account_id, job.id)
    if clock.now() < over:
        return over
    async with services.db.account(task.account_id) as tx:
        for file_id in (job.file_id, job.original_file_id, job.rejects_file_id):
            if file_id is not None:
                await files.delete(tx, file_id)
    if (later := import_undo.remembered_until(job)) is not None:
        return later
    more = True
    while more:
        async with services.db.account(task.account_id) as tx:
            more = await import_changes.forget(tx, job.id)
    return None


JOBS: list[Job] = [
    Job("lists.check_import", check),
    Job("lists.run_import", run),
    Job("lists.undo_import", undo),
    Job("lists.close_import", close),
]
