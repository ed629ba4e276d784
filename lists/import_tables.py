"""Workbooks and JSON lines → the table that the check reads: one CSV file in the store, line by line.

    upload ─▶ look (heading, samples) ─▶ choices ─▶ turn (first thing of the check) ─▶ read as any CSV

A turn that is killed leaves a file that nobody names; the next begins again, and retention removes the rest.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import IO

from lists import ndjson, table_detect, xlsx
from lists.csv_detect import Detected, Unreadable
from lists.import_stage import Superseded
from lists.imports import KEPT, Import
from lists.table_rows import Row, Writer
from mailer.core import files
from mailer.core.db import Database
from mailer.core.text import N_

ROWS_AT_ONCE = 2_000
MAX_TABLE = 1_000_000_000  # bytes: a few strings that a million cells name may be terabytes
TOO_BIG = N_("This workbook holds more than {limit} GB of text. Split it.")


async def look(db: Database, account_id: int, file_id: int, *, format_: str, sheet: str = "") -> Detected:
    """What a file that is no CSV holds. Raises Unreadable."""
    if format_ == "xlsx":
        file = await _spooled(db, account_id, file_id)
        try:
            return await asyncio.to_thread(table_detect.workbook, file, sheet=sheet)
        finally:
            file.close()
    lines = table_detect.Lines()
    async for piece in files.read(db, account_id, file_id):
        await asyncio.to_thread(lines.feed, piece)
    await asyncio.to_thread(lines.feed, None)
    return lines.detected()


async def _spooled(db: Database, account_id: int, file_id: int) -> IO[bytes]:
    """A zip archive is read from its end: it needs a file that can be searched."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  closed by who asked
    async for piece in files.read(db, account_id, file_id):
        await asyncio.to_thread(file.write, piece)
    file.seek(0)
    return file


async def turn(db: Database, account_id: int, job: Import) -> None:
    """The table of an import, with its position as it goes. Raises Unreadable and Superseded."""
    async with db.account(account_id) as tx:
        table_id = await files.create(
            tx, "upload", job.file_name, media_type="text/csv", expires_at=job.created_at + KEPT
        )
    writer, buffer, size, line = Writer(job.first_line), bytearray(), 0, 0
    rows = _sheet(db, account_id, job) if job.format == "xlsx" else _lines(db, account_id, job)
    async for part in rows:
        data = await asyncio.to_thread(writer.encode, part)
        size, line = size + len(data), part[-1].line
        if size > MAX_TABLE:
            raise Unreadable("too_big", TOO_BIG, limit=MAX_TABLE // 1_000_000_000)
        buffer += data
        while len(buffer) >= files.CHUNK:
            await _append(db, account_id, job, (table_id, bytes(buffer[: files.CHUNK])), line=line)
            del buffer[: files.CHUNK]
    # an empty line: a table without rows is not a file that is gone
    buffer += b"\r\n"
    for begin in range(0, len(buffer), files.CHUNK):
        piece = bytes(buffer[begin : begin + files.CHUNK])
        await _append(db, account_id, job, (table_id, piece), line=line)
    await _put(db, account_id, job, table_id)


async def _append(db: Database, account_id: int, job: Import, piece: tuple[int, bytes], *, line: int) -> None:
    async with db.account(account_id) as tx:
        ours = await tx.run(
            """
            UPDATE imports SET lines_turned = $4
            WHERE account_id = $1 AND id = $2 AND attempt = $3 AND state = 'checking'
            """,
            job.id,
            job.attempt,
            line,
        )
        if not ours:
            raise Superseded
        await files.append(tx, *piece)


async def _put(db: Database, account_id: int, job: Import, table_id: int) -> None:
    async with db.account(account_id) as tx:
        await files.complete(tx, table_id)
        ours = await tx.run(
            """
            UPDATE imports SET original_file_id = file_id, file_id = $4
            WHERE account_id = $1 AND id = $2 AND attempt = $3 AND state = 'checking'
              AND original_file_id IS NULL
            """,
            job.id,
            job.attempt,
            table_id,
        )
        if not ours:
            raise Superseded


async def _sheet(db: Database, account_id: int, job: Import) -> AsyncIterator[list[Row]]:
    file = await _spooled(db, account_id, job.file_id or 0)
    try:
        with await asyncio.to_thread(xlsx.Workbook, file) as book:
            rows = book.rows(job.sheet)
            while part := await asyncio.to_thread(_part, rows, job.first_line):
                yield part
    finally:
        file.close()


def _part(rows: Iterator[Row], first_line: int) -> list[Row]:
    return list(islice((row for row in rows if row.line >= first_line), ROWS_AT_ONCE))


async def _lines(db: Database, account_id: int, job: Import) -> AsyncIterator[list[Row]]:
    reader = ndjson.Reader()
    async for piece in files.read(db, account_id, job.file_id or 0):
        if part := await asyncio.to_thread(lambda data: list(reader.feed(data)), piece):
            yield part
    if part := list(reader.finish()):
        yield part
