"""The turns of an export's job, in every room: a kind of export brings how its next part is read."""

import time
from datetime import datetime

from lists import export_workbooks, exports
from lists.export_files import Read, Size, write_part
from mailer.core.jobs import again
from mailer.core.services import Services
from mailer.core.work import Task

TURN_SECONDS = 20.0


async def turn(services: Services, task: Task, read: Read) -> datetime | None:
    """Writes on from the saved position. A workbook is made in one turn, however long."""
    until, size = time.monotonic() + TURN_SECONDS, Size()
    while time.monotonic() < until:
        async with services.db.account(task.account_id) as tx:
            found = await exports.take(tx, task.ref_id)
            if found is None or (found.format != "xlsx" and await write_part(tx, found, read, size)):
                return None
        if found.format == "xlsx":
            await export_workbooks.write(services.db, task.account_id, found, read)
            return None
    return again()
