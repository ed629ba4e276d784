"""What arq runs for people's requests: the mail that asks to confirm, and reminders to the account."""

from datetime import datetime

from lists import rights_asks, rights_reminders, rights_requests
from mailer.core import clock
from mailer.core.jobs import Job
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.work import Task


async def write(services: Services, task: Task) -> datetime | None:
    links = Links(services.tokens, services.settings.track_url)
    async with services.db.account(task.account_id) as tx:
        return await rights_asks.write_to(tx, services.sealer, links, task.ref_id, now=clock.now())


async def remind(services: Services, task: Task) -> datetime | None:
    async with services.db.account(task.account_id) as tx:
        url = services.settings.public_url
        return await rights_reminders.remind(tx, task.ref_id, url, now=clock.now())


async def hand_over(services: Services, task: Task) -> None:
    """The account was closed: each open request tells the operator by its own row of work (A-091)."""
    async with services.db.account(task.account_id) as tx:
        await rights_reminders.wake_open(tx)


JOBS: list[Job] = [
    Job(rights_asks.JOB, write, urgent=True),
    Job(rights_requests.REMINDER, remind),
    Job("lists.hand_over_requests", hand_over),
]
