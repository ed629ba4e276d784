"""An uploaded table: streamed into the file store, then looked at. No transaction waits for the upload."""

import asyncio
from collections.abc import AsyncIterable
from dataclasses import dataclass

from lists import csv_detect, import_tables, table_detect
from lists.csv_detect import Detected, Unreadable
from lists.imports import GONE_FILE, KEPT, MAX_BYTES
from mailer.core import clock, files
from mailer.core.db import Database
from mailer.core.errors import Gone, fault
from mailer.core.text import N_

TOO_LARGE = N_("The file is {size} MB; {limit} MB at most. Split it or use the API.")
NO_SHEETS = N_("Only Excel workbooks have sheets.")


@dataclass(frozen=True, slots=True)
class Upload:
    file_id: int
    file_name: str
    detected: Detected


def check_size(announced: int | None) -> None:
    """From the request's own figure, before anything is read. Raises Invalid at `file`."""
    # the other parts of the form are small
    if announced is not None and announced > MAX_BYTES + 1_000_000:
        size, limit = announced // 1_000_000, MAX_BYTES // 1_000_000
        raise fault("file", TOO_LARGE, code="too_large", size=size, limit=limit)


async def receive(db: Database, account_id: int, pieces: AsyncIterable[bytes], *, name: str) -> Upload:
    """Stores and looks. Raises Invalid at `file`: too large, empty, no table; nothing is kept then."""
    file_id = await files.store(
        db,
        account_id,
        pieces,
        file=("upload", name, "text/csv"),
        max_bytes=MAX_BYTES,
        expires_at=clock.now() + KEPT,
    )
    return Upload(file_id, name, await look_at_new(db, account_id, file_id))


async def look_at_new(db: Database, account_id: int, file_id: int) -> Detected:
    """Raises Invalid at `file` for what is no table; it is not kept then."""
    try:
        return await look(db, account_id, file_id)
    except Unreadable as error:
        await drop(db, account_id, file_id)
        raise fault("file", error.message, code=error.code, **error.params) from error


async def look(
    db: Database, account_id: int, file_id: int, *, encoding: str = "", delimiter: str = "", sheet: str = ""
) -> Detected:
    """What the file says, or with the person's own choice. Raises Unreadable, Gone."""
    async for head in files.read(db, account_id, file_id):
        format_ = table_detect.format_of(head)
        if format_ != "csv":
            return await import_tables.look(db, account_id, file_id, format_=format_, sheet=sheet)
        # charset detection may take some tenths of a second
        return await asyncio.to_thread(csv_detect.detect, head, encoding=encoding, delimiter=delimiter)
    async with db.account(account_id) as tx:
        if await tx.value("SELECT id FROM files WHERE account_id = $1 AND id = $2", file_id) is None:
            raise Gone(GONE_FILE)
    raise Unreadable("empty", csv_detect.EMPTY)


async def look_again(db: Database, account_id: int, upload: Upload, *, sheet: str) -> Upload:
    """Another sheet. Raises Invalid at `sheet`."""
    try:
        detected = await look(db, account_id, upload.file_id, sheet=sheet)
    except Unreadable as error:
        raise fault("sheet", error.message, code=error.code, **error.params) from error
    if detected.sheet != sheet:
        raise fault("sheet", NO_SHEETS, code="no_sheet")
    return Upload(upload.file_id, upload.file_name, detected)


async def drop(db: Database, account_id: int, file_id: int) -> None:
    async with db.account(account_id) as tx:
        await files.delete(tx, file_id)
