"""What the workers run for this room: owners are told of changes and breaches, registers keep clocks."""

from datetime import datetime, timedelta

from mailer.accounts import (
    account_breaches,
    announcements,
    authority_requests,
    breach_jobs,
    breaches,
    jobs_team,
    policies,
    sub_processors,
)
from mailer.accounts.announcements import Announcement
from mailer.core import clock, jobs
from mailer.core.db import SharedTx
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task

PERIOD = timedelta(hours=1)


async def tell_owners(services: Services, task: Task) -> datetime | None:
    """`ref_id` is the announcement."""
    async with services.db.shared() as tx:
        found = await announcements.find(tx, task.ref_id)
        if found is None or found.finished_at is not None:
            return None
        tell = _policy if found.kind == "policy" else _sub_processor
        more = await tell(tx, found, services.settings.public_url)
    return jobs.again() if more else None


async def _policy(tx: SharedTx, found: Announcement, public_url: str) -> bool:
    version = await policies.show(tx, found.ref_id)
    details: dict[str, object] = {
        "title": version.title,
        "version": version.version,
        "effective_on": version.effective_on.isoformat(),
        "urgent_reason": version.urgent_reason,
        "link": f"{public_url}/legal/versions/{version.id}/changes",
    }
    return await announcements.tell(tx, found, "policy_announced", details, clock.now())


async def _sub_processor(tx: SharedTx, found: Announcement, public_url: str) -> bool:
    part = await sub_processors.show(tx, found.ref_id)
    if part.withdrawn_at is not None:
        return False  # given up before everybody was told
    details: dict[str, object] = {
        "company": part.name,
        "service": part.service,
        "country": part.country,
        "effective_on": part.effective_on.isoformat(),
        "link": f"{public_url}/legal/sub-processors",
    }
    return await announcements.tell(tx, found, "sub_processor_announced", details, clock.now())


async def take_register(services: Services, _: Task) -> datetime:
    async with services.db.shared() as tx:
        await sub_processors.take(tx, services.settings.operator, clock.now())
    return jobs.in_(seconds=PERIOD.total_seconds())


JOBS: list[Job] = [
    Job(announcements.JOB, tell_owners),
    Job("accounts.take_register", take_register, every=PERIOD),
    Job(breaches.COUNT, breach_jobs.count),
    Job(breaches.TELL, breach_jobs.tell, urgent=True),
    Job(breaches.REMIND, breach_jobs.remind),
    Job(account_breaches.REMIND, breach_jobs.remind_own),
    Job(authority_requests.TELL, authority_requests.tell_late),
    *jobs_team.JOBS,
]
