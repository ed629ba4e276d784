"""What arq runs for segments."""

import time
from datetime import datetime

from lists import segments
from mailer.core.jobs import Job, again
from mailer.core.services import Services
from mailer.core.work import Task

TURN_SECONDS = 20.0


async def count_segment(services: Services, task: Task) -> datetime | None:
    """Counts on from the saved place; each range with its place in one transaction."""
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        async with services.db.account(task.account_id) as tx:
            if await segments.count_on(tx, task.ref_id):
                return None
    return again()


JOBS = [Job(segments.JOB, count_segment)]
