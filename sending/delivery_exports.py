"""Deliveries of a campaign as a file: the same rows, filters and words as the page and the API (A-011)."""

from datetime import datetime

from lists import export_turns
from lists.export_files import Part
from lists.export_rows import instant
from lists.exports import Export
from mailer.core.db import AccountTx
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
    "variant",
)


async def export(services: Services, task: Task) -> datetime | None:
    """The job "sending.export_deliveries"."""
    return await export_turns.turn(services, task, read)


async def read(tx: AccountTx, export: Export, limit: int) -> Part:
    """The next rows."""
    wanted = Filter(
        status=export.delivery_status,
        reason=export.delivery_reason,
        provider=export.provider,
        after=export.position or None,
        limit=limit,
    )
    rows = (await deliveries.many(tx, export.campaign_id or 0, wanted))[:limit]
    return Part(
        header=COLUMNS,
        last=rows[-1].contact_id if rows else export.position,
        count=len(rows),
        columns=list(zip(*([_cell(value) for value in _values(row)] for row in rows), strict=True)),
        objects=[dict(zip(COLUMNS, _values(row), strict=True)) for row in rows],
        numbers=frozenset({"contact_id", "attempts", "smtp_code", "variant"}),
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
        row.variant,
    )


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return instant(value)
    return "" if value is None else str(value)
