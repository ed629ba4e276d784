"""The work of every account's day: who was not heard of for three years, and what becomes of them (B-27)."""

from datetime import datetime

from mailer.core import clock, jobs
from mailer.core.db import AccountTx
from mailer.core.jobs import Job
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import inactive, purge, sunset

JOB = "retention_jobs.watch_inactive"


async def watch(services: Services, task: Task) -> datetime | None:
    """Walks, tells, carries out, in turns; each step with its place in one transaction."""
    now = started = clock.now()
    links = Links(services.tokens, services.settings.track_url)
    walked = False
    while (clock.now() - started).total_seconds() < jobs.TURN_SECONDS:
        async with services.db.account(task.account_id) as tx:
            if not await _runs(tx):
                return None
            if not walked:
                walked = await inactive.walk(tx, now)
                continue
            await inactive.tell(tx, now, services.settings.public_url)
            done = await inactive.carry_out(tx, now, links)
            await purge.note(tx, now, {"inactive": done})
            if done < inactive.STEP:
                break
    else:
        return jobs.again()
    return await _watch_silent(services, task, now, links)


async def _watch_silent(services: Services, task: Task, now: datetime, links: Links) -> datetime | None:
    """Then those who open nothing any more, where that alone is measured (B-33)."""
    started = clock.now()
    while (clock.now() - started).total_seconds() < jobs.TURN_SECONDS:
        async with services.db.account(task.account_id) as tx:
            if not await _runs(tx) or await sunset.turn(tx, now, links):
                return None
    return jobs.again()


async def _runs(tx: AccountTx) -> bool:
    """A closed account is erased as a whole; a suspended one asks nobody anything."""
    return bool(await tx.value("SELECT true FROM accounts WHERE id = $1 AND status = 'active'"))


JOBS = [Job(JOB, watch)]
