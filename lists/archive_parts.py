"""The parts of an archive in their order, and how the next of each is read (B-68)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import orjson

from lists import archive_guide, archive_members, archive_tables, export_files, export_parts, fields
from lists.archive_members import Member
from lists.export_files import Size
from lists.exports import Export
from mailer.core import files
from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True)
class Turn:
    """What lasts as long as a worker's turn. `fingerprint`: of the key of address hashes."""

    fingerprint: str
    size: Size = field(default_factory=Size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What comes next: bytes of the file `name`, which `ends` with them. No piece: the part is over."""

    name: str
    data: bytes
    position: int
    rows: int = 0
    ends: bool = False


# of an export at its position, and of the file inside that is open
Read = Callable[[AccountTx, Export, Member | None, Turn], Awaitable[Piece | None]]


@dataclass(frozen=True, slots=True)
class PartOf:
    """`always`: the file of this name is there even when nothing is in it. `splits`: into files of a size."""

    read: Read
    always: str = ""
    splits: bool = False


def _table(name: str) -> PartOf:
    async def read(tx: AccountTx, export: Export, member: Member | None, turn: Turn) -> Piece | None:
        rows = await archive_tables.lines(tx, name, after=export.position, limit=turn.size.rows)
        if not rows:
            return None
        data = "".join([f"{line}\n" for _, line in rows]).encode()
        before = await archive_members.count_of_part(tx, export)
        another = name.replace(".", f"-{before + 1:03d}.") if before else name
        return Piece(name=another, data=data, position=rows[-1][0], rows=len(rows))

    return PartOf(read, always=name, splits=True)


def _rows(what: str, format_: str, name: str) -> PartOf:
    """As the export of that kind writes them. `{n}`: the number of the file, since imports have a limit."""

    async def read(tx: AccountTx, export: Export, member: Member | None, turn: Turn) -> Piece | None:
        alone = replace(export, what=what, format=format_, delimiter=",")
        part = await export_parts.read(tx, alone, turn.size.rows)
        before = await archive_members.count_of_part(tx, export)
        if part.last <= export.position and (before or member):
            return None
        data = export_files.encode(part, alone, first=member is None)
        number = before if member else before + 1
        # without anybody: the heading alone
        ends = part.last <= export.position
        return Piece(name=name.format(n=number), data=data, position=part.last, rows=part.count, ends=ends)

    return PartOf(read, splits=True)


async def _readme(tx: AccountTx, export: Export, member: Member | None, turn: Turn) -> Piece | None:
    if export.position:
        return None
    return Piece(name="README.txt", data=archive_guide.TEXT.encode(), position=1, ends=True)


async def _design(tx: AccountTx, export: Export, member: Member | None, turn: Turn) -> Piece | None:
    rows = await tx.rows(
        """
        SELECT id, format('designs/%s.%s', id, CASE kind WHEN 'mjml' THEN 'mjml' ELSE 'txt' END), source
        FROM designs
        WHERE account_id = $1 AND id > $2
        ORDER BY id
        LIMIT 1
        """,
        export.position,
    )
    for design_id, name, source in rows:
        return Piece(name=name, data=source.encode(), position=design_id, ends=True)
    return None


async def _image(tx: AccountTx, export: Export, member: Member | None, turn: Turn) -> Piece | None:
    """A chunk of the next one; the position stays before it until it is whole."""
    rows = await tx.rows(
        """
        SELECT i.id, 'images/' || i.name, i.file_id, f.size
        FROM images i
        JOIN files f ON f.account_id = $1 AND f.id = i.file_id
        WHERE i.account_id = $1 AND i.id > $2
        ORDER BY i.id
        LIMIT 1
        """,
        export.position,
    )
    for image_id, name, file_id, size in rows:
        written = member.size if member else 0
        data = await files.piece(tx, file_id, offset=written)
        ends = not data or written + len(data) >= size
        return Piece(name=name, data=data, position=image_id if ends else export.position, ends=ends)
    return None


async def _manifest(tx: AccountTx, export: Export, member: Member | None, turn: Turn) -> Piece | None:
    if export.position:
        return None
    known = await archive_members.many(tx, export.id)
    types = {one.key: str(one.type) for one in await fields.many(tx)}
    name = await tx.value("SELECT name FROM accounts WHERE id = $1")
    told = archive_guide.manifest(known, export, account=(tx.account_id, name), fields=types)
    told |= {"fingerprint": turn.fingerprint}
    data = orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Piece(name="manifest.json", data=data, position=1, ends=True)


PARTS = (
    PartOf(_readme),
    *(_table(name) for name in archive_tables.TABLES),
    _rows("suppressions", "csv", "suppressions.csv"),
    _rows("contacts", "csv", "contacts/contacts-{n:03d}.csv"),
    _rows("contacts", "ndjson", "contacts/contacts-{n:03d}.ndjson"),
    PartOf(_design),
    PartOf(_image),
    PartOf(_manifest),
)
