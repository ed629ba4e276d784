"""What arq runs for custom fields."""

import time
from datetime import datetime

from lists import field_changes, field_counts
from mailer.core import jobs
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task

TURN_SECONDS = 20.0


async def change(services: Services, task: Task) -> datetime | None:
    """Values follow their field, a part a transaction."""
    until = time.monotonic() + TURN_SECONDS
    while True:
        async with services.db.account(task.account_id) as tx:
            if await field_changes.step(tx, task.ref_id):
                return None
        if time.monotonic() > until:
            return jobs.again()


async def count(services: Services, task: Task) -> datetime | None:
    """How many contacts have each field, for the page of fields."""
    async with services.db.account(task.account_id) as tx:
        await field_counts.count(tx)
    return None


JOBS: list[Job] = [Job(field_changes.JOB, change), Job(field_counts.JOB, count)]
