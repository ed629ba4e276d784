"""The whole account as one archive (B-68): its parts one after the other, a piece a transaction.

    part ─▶ piece ─▶ packed ─▶ file store, with the numbers of the file inside and the position

What is stored is stored for good; a killed worker's successor writes on behind it. The checksum of a file
inside lives in memory while a turn lasts; the next turn reads what there is of that file once.
"""

import asyncio
import hashlib
import time
import zlib
from dataclasses import replace

from lists import archive_guide, archive_members, exports, zip_write
from lists.archive_members import Member
from lists.archive_parts import PARTS, Piece, Turn
from lists.exports import Export
from mailer.core import files, keys
from mailer.core.db import AccountTx, Database
from mailer.core.services import Services
from mailer.core.work import Task

# a file inside ends behind the piece that passes this: our own import takes 200 MB, and no size needs 64 bits
LARGEST_MEMBER = 150_000_000


class Checksums:
    """SHA-256 of the file inside that is open."""

    def __init__(self) -> None:
        self._n, self._digest = -1, hashlib.sha256()

    async def catch_up(self, db: Database, account_id: int, export: Export, member: Member) -> None:
        """Reads what is stored of it."""
        self._n, self._digest = member.n, hashlib.sha256()
        begin = member.offset_ + len(zip_write.header(member.name, export.created_at))
        left, inflate = member.packed, zlib.decompressobj(-zlib.MAX_WBITS)
        async for data in files.read(db, account_id, export.file_id or 0, offset=begin):
            self._digest.update(await asyncio.to_thread(inflate.decompress, data[:left]))
            left -= len(data[:left])
            if not left:
                return

    def add(self, member: Member, data: bytes) -> None:
        if member.n != self._n:
            self._n, self._digest = member.n, hashlib.sha256()
        self._digest.update(data)

    def digest(self) -> bytes:
        return self._digest.digest()


async def write_on(services: Services, task: Task, *, until: float) -> bool:
    """A turn up to the monotonic time `until`. True when there is nothing left to do."""
    db, checksums = services.db, Checksums()
    async with db.account(task.account_id) as tx:
        turn = Turn(archive_guide.fingerprint(await keys.hash_key(tx, services.sealer)))
        export = await exports.take(tx, task.ref_id)
        member = await archive_members.being_written(tx, task.ref_id)
    if export is not None and member is not None:
        await checksums.catch_up(db, task.account_id, export, member)
    while time.monotonic() < until:
        async with db.account(task.account_id) as tx:
            export = await exports.take(tx, task.ref_id)
            if export is None or await step(tx, export, checksums, turn):
                return True
    return False


async def step(tx: AccountTx, export: Export, checksums: Checksums, turn: Turn) -> bool:
    """The next piece; True when the archive is whole."""
    if export.part == len(PARTS):
        await _finish(tx, export)
        return True
    part = PARTS[export.part]
    member = await archive_members.being_written(tx, export.id)
    piece = await part.read(tx, export, member, turn)
    if piece is None:
        if member is None and part.always and not await archive_members.count_of_part(tx, export):
            member = await _begin(tx, export, part.always)
            checksums.add(member, b"")
        if member is not None:
            await _end(tx, export, member, checksums)
        await exports.next_part(tx, export)
        return False
    turn.size.learn(len(piece.data))
    member = await _write(tx, export, member or await _begin(tx, export, piece.name), piece)
    checksums.add(member, piece.data)
    await exports.advance(tx, export, position=piece.position, rows=piece.rows)
    if piece.ends or (part.splits and member.size >= LARGEST_MEMBER):
        await _end(tx, export, member, checksums)
    return False


async def _begin(tx: AccountTx, export: Export, name: str) -> Member:
    member = await archive_members.begin(tx, export, name)
    await _append(tx, export, zip_write.header(name, export.created_at))
    return member


async def _write(tx: AccountTx, export: Export, member: Member, piece: Piece) -> Member:
    packed = await asyncio.to_thread(zip_write.packed, piece.data) if piece.data else b""
    await _append(tx, export, packed)
    written = replace(
        member,
        packed=member.packed + len(packed),
        size=member.size + len(piece.data),
        rows=member.rows + piece.rows,
        crc=zlib.crc32(piece.data, member.crc),
    )
    await archive_members.save(tx, export, written)
    return written


async def _end(tx: AccountTx, export: Export, member: Member, checksums: Checksums) -> None:
    whole = replace(member, packed=member.packed + len(zip_write.END), sha256=checksums.digest())
    await _append(tx, export, zip_write.END + zip_write.descriptor(_entry(whole)))
    await archive_members.save(tx, export, whole)


async def _finish(tx: AccountTx, export: Export) -> None:
    members = await archive_members.many(tx, export.id)
    offset: int = await tx.value("SELECT size FROM files WHERE account_id = $1 AND id = $2", export.file_id)
    entries = [_entry(member) for member in members]
    await _append(tx, export, zip_write.directory(entries, export.created_at, offset))
    await tx.run("DELETE FROM export_members WHERE account_id = $1 AND export_id = $2", export.id)
    await exports.finish(tx, export)


async def _append(tx: AccountTx, export: Export, data: bytes) -> None:
    for start in range(0, len(data), files.CHUNK):
        await files.append(tx, export.file_id or 0, data[start : start + files.CHUNK])


def _entry(member: Member) -> zip_write.Entry:
    return zip_write.Entry(
        name=member.name, offset=member.offset_, crc=member.crc, packed=member.packed, size=member.size
    )
