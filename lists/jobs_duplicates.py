"""What arq runs to find duplicates: one statement a reason, each in a transaction of its own."""

from datetime import datetime

from lists import duplicates
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task


async def find(services: Services, task: Task) -> datetime | None:
    """A turn that is killed leaves pairs found so far; the next finds them again."""
    async with services.db.account(task.account_id) as tx:
        last = await duplicates.last_search(tx)
        if last is None or not last.is_running:
            return None
        await duplicates.forget(tx)
    for one in (duplicates.find_addresses, duplicates.find_typos, duplicates.find_fields):
        async with services.db.account(task.account_id) as tx:
            await one(tx)
    async with services.db.account(task.account_id) as tx:
        await duplicates.finish(tx)
    return None


JOBS: list[Job] = [Job(duplicates.JOB, find)]
