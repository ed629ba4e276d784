"""An export as XLSX: parts ─▶ a workbook on disk ─▶ the file store, at once, with the end of the export.

A workbook cannot be written on by another process: after a kill it is made again from its first row. Nothing
of it is stored before it is whole, so that no row is lost or doubled.
"""

import asyncio
import tempfile
from pathlib import Path

from lists import exports
from lists.export_files import Part, Read, Size
from lists.exports import Export
from lists.xlsx_write import Workbook
from mailer.core import files
from mailer.core.db import AccountTx, Database
from mailer.core.errors import MailerError


class Superseded(MailerError):
    """Another turn makes this workbook now."""


async def write(db: Database, account_id: int, export: Export, read: Read) -> None:
    """The whole of it. Raises Superseded."""
    async with db.account(account_id) as tx:
        await exports.restart(tx, export)
    with tempfile.TemporaryDirectory(prefix="mailer-export-") as folder:
        path = Path(folder) / "export.xlsx"
        position = await _fill(db, account_id, export.id, read, path)
        async with db.account(account_id) as tx:
            await _store(tx, await _ours(tx, export.id, position), path)


async def _fill(db: Database, account_id: int, export_id: int, read: Read, path: Path) -> int:
    """Returns the position behind the last row."""
    book: Workbook | None = None
    position, size = 0, Size()
    try:
        while True:
            async with db.account(account_id) as tx:
                export = await _ours(tx, export_id, position)
                part = await read(tx, export, size.rows)
                if part.last > position:
                    await exports.advance(tx, export, position=part.last, rows=part.count)
            book = book or Workbook(path, part.header, part.numbers)
            if part.last == position:
                await asyncio.to_thread(book.close)
                return position
            position = part.last
            size.learn(_characters(part))
            await asyncio.to_thread(book.add, part.columns)
    finally:
        if book is not None:
            book.abandon()


def _characters(part: Part) -> int:
    return sum(sum(map(len, cells)) for cells in part.columns)


async def _ours(tx: AccountTx, export_id: int, position: int) -> Export:
    found = await exports.take(tx, export_id)
    if found is None or found.position != position:
        raise Superseded
    return found


async def _store(tx: AccountTx, export: Export, path: Path) -> None:
    with path.open("rb") as file:
        while data := file.read(files.CHUNK):
            await files.append(tx, export.file_id or 0, data)
    await exports.finish(tx, export)
