"""Jobs of this room that write files and act on frozen selections."""

import time
from datetime import datetime

from lists import export_rows, exports, selections
from lists.exports import Export
from mailer.core import files
from mailer.core.db import AccountTx
from mailer.core.jobs import Job, again
from mailer.core.services import Services
from mailer.core.work import Task

TURN_SECONDS = 20.0


async def export(services: Services, task: Task) -> datetime | None:
    """Writes on from the saved position; each chunk with its position in one transaction."""
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        async with services.db.account(task.account_id) as tx:
            found = await exports.take(tx, task.ref_id)
            if found is None or await _chunk(tx, found):
                return None
    return again()


async def _chunk(tx: AccountTx, export: Export) -> bool:
    """The next rows; True at the end."""
    if export.what == "suppressions":
        data, last, count = await _suppressions(tx, export)
    else:
        data, last, count = await _contacts(tx, export)
    for start in range(0, len(data), files.CHUNK):
        await files.append(tx, export.file_id or 0, data[start : start + files.CHUNK])
    if count:
        await exports.advance(tx, export, position=last, rows=count)
        return False
    await exports.finish(tx, export)
    return True


async def _contacts(tx: AccountTx, export: Export) -> tuple[bytes, int, int]:
    ids = await export_rows.next_ids(tx, after=export.position, list_id=export.list_id)
    rows = await export_rows.by_ids(tx, ids)
    head = export_rows.heading(
        export_rows.contact_header(export.columns), format_=export.format, delimiter=export.delimiter
    )
    body = export_rows.encode(
        [export_rows.contact_object(row) for row in rows] if export.format == "ndjson" else [],
        [export_rows.contact_cells(row, export.columns) for row in rows] if export.format == "csv" else [],
        format_=export.format,
        delimiter=export.delimiter,
    )
    return (b"" if export.position else head) + body, max(ids, default=0), len(ids)


async def _suppressions(tx: AccountTx, export: Export) -> tuple[bytes, int, int]:
    rows = await export_rows.suppressions(tx, after=export.position)
    head = export_rows.heading(
        export_rows.SUPPRESSION_COLUMNS, format_=export.format, delimiter=export.delimiter
    )
    body = export_rows.encode(
        [export_rows.suppression_object(row) for row in rows],
        [export_rows.suppression_cells(row) for row in rows],
        format_=export.format,
        delimiter=export.delimiter,
    )
    return (b"" if export.position else head) + body, max((row.id for row in rows), default=0), len(rows)


async def act_on_selection(services: Services, task: Task) -> datetime | None:
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        async with services.db.account(task.account_id) as tx:
            if await selections.step(tx, task.ref_id):
                return None
    return again()


JOBS = [Job(exports.JOB, export), Job(selections.JOB, act_on_selection)]
