"""Jobs of this room that write files and act on frozen selections."""

import time
from datetime import datetime

from lists import archive, export_parts, export_turns, exports, selections
from lists.export_turns import TURN_SECONDS
from mailer.core.jobs import Job, again
from mailer.core.services import Services
from mailer.core.work import Task


async def export(services: Services, task: Task) -> datetime | None:
    return await export_turns.turn(services, task, export_parts.read)


async def export_account(services: Services, task: Task) -> datetime | None:
    until = time.monotonic() + TURN_SECONDS
    return None if await archive.write_on(services, task, until=until) else again()


async def act_on_selection(services: Services, task: Task) -> datetime | None:
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        async with services.db.account(task.account_id) as tx:
            if await selections.step(tx, task.ref_id):
                return None
    return again()


JOBS = [
    Job(exports.JOB, export),
    Job(exports.JOBS["account"], export_account),
    Job(selections.JOB, act_on_selection),
]
