"""Exports: everything an account holds about its contacts, as a table or as JSON lines (A-013, C-15).

    ask ─▶ waiting ─▶ running (job "lists.export": 1,000 rows a transaction, position saved with them) ─▶ done

The file can be fetched for 24 hours. Asking and fetching is possible on suspended and closed accounts too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import StringConstraints

from lists import fields, mailing_lists
from lists.contacts import Id
from mailer.accounts import audit
from mailer.core import clock, files, work
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Gone, Invalid, NotFound
from mailer.core.files import File
from mailer.core.paging import Page, decode, page
from mailer.core.text import N_
from mailer.web.request import Input

JOB = "lists.export"
DELIVERIES_JOB = "sending.export_deliveries"
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{0,40}$")]
KEPT = timedelta(hours=24)
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}


class NewExport(Input):
    """`list_id`: only this list's contacts. `delimiter` is for CSV; spreadsheets in French expect `;`.

    `campaign_id`: whose deliveries; `delivery_status`, `delivery_reason` and `provider` narrow them, as in
    GET campaigns/{id}/deliveries.
    """

    what: Literal["contacts", "suppressions", "deliveries"] = "contacts"
    list_id: Id | None = None
    campaign_id: Id | None = None
    delivery_status: Word = ""
    delivery_reason: Word = ""
    provider: Word = ""
    format: Literal["csv", "ndjson"] = "csv"
    delimiter: Literal[",", ";"] = ","


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """`rows` of about `total` are written. `expires_at`: until when the file can be fetched."""

    id: int
    what: str
    list_id: int | None
    campaign_id: int | None
    delivery_status: str
    delivery_reason: str
    provider: str
    format: str
    delimiter: str
    state: str
    rows: int
    total: int
    position: int
    columns: list[str]
    file_id: int | None
    created_by: int | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None


async def ask(tx: AccountTx, new: NewExport) -> Export:
    """Raises Invalid at `list_id` or `campaign_id`."""
    if new.list_id is not None:
        try:
            await mailing_lists.show(tx, new.list_id)
        except NotFound:
            raise Invalid(Fault("list_id", N_("There is no such list."), "unknown_list")) from None
    of_campaign = new.what == "deliveries"
    if of_campaign and not await tx.value(
        "SELECT 1 FROM campaigns WHERE account_id = $1 AND id = $2", new.campaign_id
    ):
        raise Invalid(Fault("campaign_id", N_("There is no such campaign."), "unknown_campaign"))
    export_id: int = await tx.value(
        """
        INSERT INTO exports (account_id, what, list_id, campaign_id, delivery_status, delivery_reason,
                             provider, format, delimiter, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        RETURNING id
        """,
        new.what,
        None if of_campaign else new.list_id,
        new.campaign_id if of_campaign else None,
        new.delivery_status,
        new.delivery_reason,
        new.provider,
        new.format,
        new.delimiter,
        tx.actor.id if tx.actor.kind == "user" else None,
    )
    await work.add(tx, DELIVERIES_JOB if of_campaign else JOB, export_id)
    await audit.write(tx, "exported", new.what, export_id)
    return await show(tx, export_id)


async def show(tx: AccountTx, export_id: int) -> Export:
    """Raises NotFound."""
    return await tx.one(
        Export,
        """
        SELECT id, what, list_id, campaign_id, delivery_status, delivery_reason, provider, format, delimiter,
               state, rows, total, position, columns, file_id,
               created_by, created_at, finished_at, expires_at
        FROM exports
        WHERE account_id = $1 AND id = $2
        """,
        export_id,
    )


async def many(tx: AccountTx, *, cursor: str | None = None, limit: int = 50) -> Page[Export]:
    """The newest first."""
    after = decode(cursor, (int,))
    rows = await tx.many(
        Export,
        """
        SELECT id, what, list_id, campaign_id, delivery_status, delivery_reason, provider, format, delimiter,
               state, rows, total, position, columns, file_id,
               created_by, created_at, finished_at, expires_at
        FROM exports
        WHERE account_id = $1 AND id < $2
        ORDER BY id DESC
        LIMIT $3
        """,
        after[0] if after else 2**63 - 1,
        limit + 1,
    )
    return page(rows, limit, key=lambda row: (row.id,))


async def fetch(tx: AccountTx, export_id: int) -> File:
    """The file of a finished export. Raises NotFound before, and Gone after 24 hours."""
    export = await show(tx, export_id)
    if export.expires_at is not None and export.expires_at <= clock.now():
        raise Gone
    if export.state != "done" or export.file_id is None:
        raise NotFound
    await audit.write(tx, "downloaded", "export", export_id)
    return await files.show(tx, export.file_id)


# ---------------------------------------------------------------- for the job


async def take(tx: AccountTx, export_id: int) -> Export | None:
    """The export, locked, with its file; None when there is nothing left to do."""
    found = await tx.first(
        Export,
        """
        SELECT id, what, list_id, campaign_id, delivery_status, delivery_reason, provider, format, delimiter,
               state, rows, total, position, columns, file_id,
               created_by, created_at, finished_at, expires_at
        FROM exports
        WHERE account_id = $1 AND id = $2 AND state IN ('waiting', 'running')
        FOR UPDATE
        """,
        export_id,
    )
    if found is None or found.file_id is not None:
        return found
    name = f"{found.what}-{clock.now():%Y-%m-%d}-{export_id}.{found.format}"
    file_id = await files.create(tx, "export", name, media_type=MEDIA_TYPES[found.format])
    await tx.run(
        """
        UPDATE exports
        SET state = 'running', file_id = $3, columns = $4, total = CASE
            WHEN what = 'suppressions' THEN (SELECT count(*) FROM suppressions WHERE account_id = $1)
            WHEN what = 'deliveries' THEN (SELECT audience FROM campaigns c
                                           WHERE c.account_id = $1 AND c.id = exports.campaign_id)
            WHEN list_id IS NOT NULL THEN (SELECT count(*) FROM subscriptions s
                                           WHERE s.account_id = $1 AND s.list_id = exports.list_id)
            ELSE (SELECT count(*) FROM contacts WHERE account_id = $1)
        END
        WHERE account_id = $1 AND id = $2
        """,
        export_id,
        file_id,
        [field.key for field in await fields.many(tx)],
    )
    return await show(tx, export_id)


async def advance(tx: AccountTx, export: Export, *, position: int, rows: int) -> None:
    """In the transaction of the rows themselves."""
    await tx.run(
        "UPDATE exports SET position = $3, rows = rows + $4 WHERE account_id = $1 AND id = $2",
        export.id,
        position,
        rows,
    )


async def finish(tx: AccountTx, export: Export) -> None:
    """The 24 hours begin now."""
    until = clock.now() + KEPT
    if export.file_id is not None:
        await files.complete(tx, export.file_id)
        await files.expire(tx, export.file_id, until)
    await tx.run(
        """
        UPDATE exports
        SET state = 'done', finished_at = now(), expires_at = $3
        WHERE account_id = $1 AND id = $2
        """,
        export.id,
        until,
    )
