"""Exports: everything an account holds, as tables, JSON lines or one archive (A-013, B-68, C-15).

    ask ─▶ waiting ─▶ running (job "lists.export": a part a transaction, the position saved with it) ─▶ done

The file can be fetched for 24 hours. Asking and fetching is possible on suspended and closed accounts too. It
shows each contact as it was between `started_at` and `finished_at`; who was added after that is not in it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field as Limits
from pydantic import StringConstraints, model_validator

from lists import export_columns, fields, mailing_lists, segment_exports
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
JOBS = {"deliveries": "sending.export_deliveries", "account": "lists.export_account"}
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{0,40}$")]
KEPT = timedelta(hours=24)
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


class NewExport(Input):
    """`list_id`: only this list's contacts; `status`: only those with a subscription in this state.

    `segment_id`: only who is in this segment when the export is asked for; no list or state beside it.

    `columns`: names of the heading to write, all when empty (JSON lines always hold everything). `delimiter`
    is for CSV; spreadsheets in French expect `;`. `account` is everything, as one archive of open formats.

    `campaign_id`: whose deliveries; `delivery_status`, `delivery_reason` and `provider` narrow them, as in
    GET campaigns/{id}/deliveries.
    """

    what: Literal["contacts", "suppressions", "deliveries", "account"] = "contacts"
    list_id: Id | None = None
    status: Literal["", "active", "pending", "unsubscribed"] = ""
    segment_id: Id | None = None
    columns: Annotated[list[Annotated[str, StringConstraints(max_length=41)]], Limits(max_length=200)] = []
    campaign_id: Id | None = None
    delivery_status: Word = ""
    delivery_reason: Word = ""
    provider: Word = ""
    format: Literal["csv", "ndjson", "xlsx", "zip"] = "csv"
    delimiter: Literal[",", ";"] = ","

    @model_validator(mode="after")
    def _archive(self) -> "NewExport":
        if self.what != "account" and self.format == "zip":
            raise Invalid(Fault("format", N_("Only the whole account is an archive."), "format"))
        if self.segment_id is not None and (self.list_id is not None or self.status):
            raise Invalid(Fault("segment_id", N_("Choose a segment or a list, not both."), "both"))
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """`rows` of about `total` are written. `expires_at`: until when the file can be fetched.

    `columns`: the account's fields when it began; `chosen`: names of the heading, empty for all of them.
    """

    id: int
    what: str
    list_id: int | None
    selection_id: int | None
    status: str
    chosen: list[str]
    campaign_id: int | None
    delivery_status: str
    delivery_reason: str
    provider: str
    format: str
    delimiter: str
    state: str
    rows: int
    total: int
    part: int
    position: int
    columns: list[str]
    file_id: int | None
    created_by: int | None
    top_id: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None

    @property
    def header(self) -> list[str]:
        return export_columns.header(self.columns, self.chosen)


async def ask(tx: AccountTx, new: NewExport, *, selection_id: int | None = None) -> Export:
    """`selection_id`: only these frozen contacts. Raises Invalid at what does not fit."""
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
    await _check_columns(tx, new)
    if new.segment_id is not None and new.what == "contacts":
        selection_id = await segment_exports.freeze(tx, new.segment_id)
    if selection_id is not None:
        await _hold(tx, selection_id)
    of_contacts = new.what == "contacts"
    export_id: int = await tx.value(
        """
        INSERT INTO exports (account_id, what, list_id, campaign_id, delivery_status, delivery_reason,
                             provider, format, delimiter, created_by, status, chosen, selection_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        RETURNING id
        """,
        new.what,
        new.list_id if of_contacts else None,
        new.campaign_id if of_campaign else None,
        new.delivery_status,
        new.delivery_reason,
        new.provider,
        "zip" if new.what == "account" else new.format,
        new.delimiter,
        tx.actor.id if tx.actor.kind == "user" else None,
        new.status if of_contacts else "",
        new.columns if of_contacts else [],
        selection_id if of_contacts else None,
    )
    await work.add(tx, JOBS.get(new.what, JOB), export_id)
    await audit.write(tx, "exported", new.what, export_id)
    return await show(tx, export_id)


async def _check_columns(tx: AccountTx, new: NewExport) -> None:
    if new.what != "contacts" or not new.columns:
        return
    known = export_columns.header([field.key for field in await fields.many(tx)])
    if unknown := [name for name in new.columns if name not in known]:
        message = N_("There is no column “{name}”.")
        raise Invalid(Fault("columns", message, "unknown_column", {"name": unknown[0]}))


async def _hold(tx: AccountTx, selection_id: int) -> None:
    """Frozen contacts stay until the export is done. Raises NotFound."""
    held = await tx.run(
        """
        UPDATE selections SET state = 'running'
        WHERE account_id = $1 AND id = $2 AND action = 'export' AND state = 'frozen'
        """,
        selection_id,
    )
    if not held:
        raise NotFound


async def show(tx: AccountTx, export_id: int) -> Export:
    """Raises NotFound."""
    return await tx.one(
        Export,
        """
        SELECT id, what, list_id, selection_id, status, chosen, campaign_id, delivery_status,
               delivery_reason, provider, format, delimiter, state, rows, total, part, position, columns,
               file_id, created_by, top_id, created_at, started_at, finished_at, expires_at
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
        SELECT id, what, list_id, selection_id, status, chosen, campaign_id, delivery_status,
               delivery_reason, provider, format, delimiter, state, rows, total, part, position, columns,
               file_id, created_by, top_id, created_at, started_at, finished_at, expires_at
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
        SELECT id, what, list_id, selection_id, status, chosen, campaign_id, delivery_status,
               delivery_reason, provider, format, delimiter, state, rows, total, part, position, columns,
               file_id, created_by, top_id, created_at, started_at, finished_at, expires_at
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
        SET state = 'running', file_id = $3, columns = $4, started_at = now(),
            top_id = (SELECT coalesce(max(id), 0) FROM contacts WHERE account_id = $1), total = CASE
            WHEN what = 'suppressions' THEN (SELECT count(*) FROM suppressions WHERE account_id = $1)
            WHEN what = 'deliveries' THEN (SELECT audience FROM campaigns c
                                           WHERE c.account_id = $1 AND c.id = exports.campaign_id)
            WHEN selection_id IS NOT NULL THEN (SELECT size FROM selections s
                                                WHERE s.account_id = $1 AND s.id = exports.selection_id)
            WHEN list_id IS NOT NULL THEN (SELECT count(*) FROM subscriptions s
                                           WHERE s.account_id = $1 AND s.list_id = exports.list_id
                                             AND (exports.status = '' OR s.status = exports.status))
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


async def next_part(tx: AccountTx, export: Export) -> None:
    """Of an archive: from its first row on."""
    await tx.run(
        "UPDATE exports SET part = part + 1, position = 0 WHERE account_id = $1 AND id = $2", export.id
    )


async def restart(tx: AccountTx, export: Export) -> None:
    """From the first row again; nothing of it is stored yet."""
    await tx.run(
        "UPDATE exports SET position = 0, rows = 0 WHERE account_id = $1 AND id = $2 AND state = 'running'",
        export.id,
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
    if export.selection_id is not None:
        await tx.run("DELETE FROM selections WHERE account_id = $1 AND id = $2", export.selection_id)
