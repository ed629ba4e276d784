"""Deliveries of a campaign as a file: the same rows, filters and words as the page and the API (A-011)."""

import time
from datetime import datetime

from lists import csv_write, export_rows, exports
from lists.exports import Export
from mailer.core import files
from mailer.core.db import AccountTx
from mailer.core.jobs import again
from mailer.core.services import Services
from mailer.core.work import Task
from sending import deliveries
from sending.deliveries import Delivery, Filter

COLUMNS = (
    "contact_id",
    "email",
    "status",
    "reason",
    "list",
    "provider",
    "attempts",
    "at",
    "next_at",
    "smtp_code",
    "smtp_reply",
)
TURN_SECONDS = 20.0


async def export(services: Services, task: Task) -> datetime | None:
    """The job "sending.export_deliveries": writes on from the saved position, as lists.export does."""
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        async with services.db.account(task.account_id) as tx:
            found = await exports.take(tx, task.ref_id)
            if found is None or await _chunk(tx, found):
                return None
    return again()


async def _chunk(tx: AccountTx, export: Export) -> bool:
    """The next rows; True at the end."""
    wanted = Filter(
        status=export.delivery_status,
        reason=export.delivery_reason,
        provider=export.provider,
        after=export.position or None,
        limit=export_rows.CHUNK,
    )
    rows = (await deliveries.many(tx, export.campaign_id or 0, wanted))[: export_rows.CHUNK]
    data = b""
    if not export.position:
        data = export_rows.heading(COLUMNS, format_=export.format, delimiter=export.delimiter)
    data += _encoded(rows, export)
    for start in range(0, len(data), files.CHUNK):
        await files.append(tx, export.file_id or 0, data[start : start + files.CHUNK])
    if rows:
        await exports.advance(tx, export, position=rows[-1].contact_id, rows=len(rows))
        return False
    await exports.finish(tx, export)
    return True


def _encoded(rows: list[Delivery], export: Export) -> bytes:
    if export.format == "ndjson":
        return csv_write.encode_json([dict(zip(COLUMNS, _values(row), strict=True)) for row in rows])
    return csv_write.encode(
        [[_cell(value) for value in _values(row)] for row in rows], delimiter=export.delimiter
    )


def _values(row: Delivery) -> tuple[object, ...]:
    return (
        row.contact_id,
        row.email,
        row.status,
        row.reason,
        row.list_name,
        row.provider,
        row.attempts,
        row.at,
        row.next_at,
        row.smtp_code,
        row.smtp_reply,
    )


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return "" if value is None else str(value)
