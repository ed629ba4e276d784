"""Jobs of this room that write files and act on frozen selections."""

import time
from datetime import datetime

from lists import (
    export_columns,
    export_rows,
    export_source,
    export_table,
    export_turns,
    exports,
    fields,
    selections,
)
from lists.export_files import Part
from lists.export_turns import TURN_SECONDS
from lists.exports import Export
from lists.field_values import FieldType
from mailer.core.db import AccountTx
from mailer.core.jobs import Job, again
from mailer.core.services import Services
from mailer.core.work import Task


async def export(services: Services, task: Task) -> datetime | None:
    return await export_turns.turn(services, task, read)


async def read(tx: AccountTx, export: Export, limit: int) -> Part:
    """The next rows of contacts or suppressions."""
    if export.what == "suppressions":
        return await _suppressions(tx, export, limit)
    ids = await export_source.next_ids(tx, export, limit=limit)
    last = ids[-1] if ids else export.position
    if export.format == "ndjson":
        rows = await export_rows.by_ids(tx, ids)
        objects = [export_rows.contact_object(row) for row in rows]
        return Part(header=(), last=last, count=len(rows), objects=objects)
    known = {field.key: field.type for field in await fields.many(tx)}
    # a field that was deleted since the export began is an empty column
    types = {key: known.get(key, FieldType.TEXT) for key in export.columns}
    columns = await export_table.columns(tx, ids, header=export.header, types=types)
    numbers = frozenset(key for key, kind in types.items() if kind == FieldType.NUMBER)
    return Part(header=export.header, last=last, count=len(columns[0]), columns=columns, numbers=numbers)


async def _suppressions(tx: AccountTx, export: Export, limit: int) -> Part:
    rows = await export_rows.suppressions(tx, after=export.position, limit=limit)
    cells = [export_rows.suppression_cells(row) for row in rows]
    return Part(
        header=export_columns.SUPPRESSION_COLUMNS,
        last=rows[-1].id if rows else export.position,
        count=len(rows),
        columns=list(zip(*cells, strict=True)),
        objects=[export_rows.suppression_object(row) for row in rows],
    )


async def act_on_selection(services: Services, task: Task) -> datetime | None:
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        async with services.db.account(task.account_id) as tx:
            if await selections.step(tx, task.ref_id):
                return None
    return again()


JOBS = [Job(exports.JOB, export), Job(selections.JOB, act_on_selection)]
