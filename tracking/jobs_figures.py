"""What campaigns came to, counted again in the background, so that no page counts a large one."""

import time
from datetime import datetime, timedelta

from mailer.core import work
from mailer.core.jobs import TURN_SECONDS, Job, again, in_
from mailer.core.services import Services
from mailer.core.work import Task
from tracking import campaign_figures

PERIOD = timedelta(minutes=15)


async def sum_up(services: Services, _: Task) -> datetime:
    """A row of work for each account; where no campaign is due it ends at once."""
    async with services.db.shared() as tx:
        await work.add_for_each_account(tx, "tracking.count_campaigns")
    return in_(seconds=PERIOD.total_seconds())


async def count_campaigns(services: Services, task: Task) -> datetime | None:
    """One campaign a transaction: a large one takes seconds."""
    started = time.monotonic()
    while time.monotonic() - started < TURN_SECONDS:
        async with services.db.account(task.account_id) as tx:
            if not await campaign_figures.refresh(tx, most_recipients=campaign_figures.MANY, limit=1):
                return None
    return again()


JOBS: list[Job] = [
    Job("tracking.sum_up", sum_up, every=PERIOD),
    Job("tracking.count_campaigns", count_campaigns),
]
