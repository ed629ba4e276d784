"""Uploads that a program asks for first: an address that takes the bytes until tomorrow, whole or in parts.

    ask ─▶ put bytes (from `received` on, as often as the line breaks) ─▶ complete ─▶ an import of it

The address says by itself whose upload it is and how long it lives, so that whoever holds the file needs no
key. What never becomes complete is removed by retention after a day.
"""

import hashlib
from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lists import import_upload
from lists.import_upload import Upload
from lists.imports import KEPT, MAX_BYTES
from mailer.accounts import agreements
from mailer.core import clock, files
from mailer.core.db import AccountTx, Database
from mailer.core.errors import Conflict, Fault, NotFound, fault
from mailer.core.text import N_
from mailer.core.tokens import Purpose, Tokens

OPEN_FOR = timedelta(hours=24)
MAX_OPEN = 20
OPEN_TYPE = "application/octet-stream"  # until an import takes it

TOO_MANY = N_("{limit} uploads are open already. Finish one, or wait a day.")
NOT_HERE = N_("{received} bytes are here already. Go on from there, or send the whole file.")
NOT_READY = N_("Only {received} bytes are here. Send the rest first.")
LONGER = N_("The upload was announced with {size} bytes, and more came. Ask for another.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`received`: bytes that are stored; send the next from there."""

    id: int
    url: str
    file_name: str
    size: int
    received: int
    complete: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """`received`: bytes that are stored. `complete`: all of them."""

    received: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Place:
    """What the address of an upload says."""

    account_id: int
    file_id: int
    size: int


@dataclass(frozen=True, slots=True)
class _Stored:
    id: int
    name: str
    size: int
    complete: bool
    expires_at: datetime


async def ask(tx: AccountTx, file_name: str, size: int) -> int:
    """The id of a new upload. Raises Invalid and Conflict."""
    await agreements.require(tx)
    if size > MAX_BYTES:
        limit = MAX_BYTES // 1_000_000
        raise fault("size", import_upload.TOO_LARGE, code="too_large", size=size // 1_000_000, limit=limit)
    # one asks after the other: the count below holds
    await tx.value("SELECT pg_advisory_xact_lock(hashtextextended('uploads ' || $1::bigint, 0))")
    open_now = await tx.value(
        "SELECT count(*) FROM files WHERE account_id = $1 AND kind = 'upload' AND NOT complete"
        " AND expires_at > now()"
    )
    if open_now >= MAX_OPEN:
        raise Conflict(Fault("", TOO_MANY, "too_many_uploads", {"limit": MAX_OPEN}))
    return await files.create(
        tx, "upload", file_name, media_type=OPEN_TYPE, expires_at=clock.now() + OPEN_FOR
    )


async def show(tx: AccountTx, file_id: int) -> _Stored:
    """Raises NotFound, also for files that are no open upload."""
    return await tx.one(
        _Stored,
        """
        SELECT f.id, f.name, f.size, f.complete, f.expires_at
        FROM files f
        WHERE f.account_id = $1 AND f.id = $2 AND f.kind = 'upload'
          AND f.media_type = $3 AND f.expires_at > now()
        """,
        file_id,
        OPEN_TYPE,
    )


def address(tokens: Tokens, at: Place, expires_at: datetime) -> str:
    """The path that takes the bytes."""
    token = tokens.timed(
        Purpose.UPLOAD, at.account_id, at.file_id, at.size, expires=int(expires_at.timestamp())
    )
    return f"/t/uploads/{token}"


def place(tokens: Tokens, token: str) -> Place:
    """Raises NotFound: another's, changed, or over."""
    numbers = tokens.read_timed(Purpose.UPLOAD, token, now=int(clock.now().timestamp()))
    if len(numbers) != 3:
        raise NotFound
    return Place(*numbers)


async def put(db: Database, at: Place, pieces: AsyncIterable[bytes], *, start: int | None) -> int:
    """Stores bytes from `start` on; None: the whole file anew. Whole megabytes that came before a break stay.

    Returns how many are stored. Raises Conflict when they do not follow, NotFound when it is over.
    """
    async with db.account(at.account_id) as tx:
        stored = await show(tx, at.file_id)
        if stored.complete:
            raise Conflict(Fault("", NOT_HERE, "received", {"received": stored.size}))
        if start is None:
            await files.empty(tx, at.file_id)
    position, buffer = start or 0, bytearray()
    async for piece in pieces:
        if position + len(buffer) + len(piece) > at.size:
            raise fault("body", LONGER, code="too_large", size=at.size)
        buffer += piece
        while len(buffer) >= files.CHUNK:
            position = await _append(db, at, position, bytes(buffer[: files.CHUNK]))
            del buffer[: files.CHUNK]
    if buffer:
        position = await _append(db, at, position, bytes(buffer))
    if position == at.size:
        await _complete(db, at)
    return position


async def _append(db: Database, at: Place, position: int, data: bytes) -> int:
    async with db.account(at.account_id) as tx:
        await _lock(tx, at.file_id, position)
        await files.append(tx, at.file_id, data)
    return position + len(data)


async def _lock(tx: AccountTx, file_id: int, position: int) -> None:
    """Two that send the same part at once do not both store it."""
    size = await tx.value(
        "SELECT size FROM files WHERE account_id = $1 AND id = $2 AND NOT complete FOR NO KEY UPDATE", file_id
    )
    if size is None:
        raise NotFound
    if size != position:
        raise Conflict(Fault("", NOT_HERE, "received", {"received": size}))


async def _complete(db: Database, at: Place) -> None:
    digest = hashlib.sha256()
    async for piece in files.read(db, at.account_id, at.file_id):
        digest.update(piece)
    async with db.account(at.account_id) as tx:
        await _lock(tx, at.file_id, at.size)
        await files.complete(tx, at.file_id, sha256=digest.digest())


async def take(db: Database, account_id: int, file_id: int) -> Upload:
    """A complete upload, looked at. Raises Conflict when it is not complete, Invalid when it is no table."""
    async with db.account(account_id) as tx:
        stored = await show(tx, file_id)
        if not stored.complete:
            raise Conflict(Fault("", NOT_READY, "incomplete", {"received": stored.size}))
    detected = await import_upload.look_at_new(db, account_id, file_id)
    return Upload(file_id, stored.name, detected)


async def claim(tx: AccountTx, upload: Upload) -> None:
    """From now on the file belongs to its import, and lives as long. Raises NotFound the second time."""
    if not await files.retype(tx, upload.file_id, OPEN_TYPE, "text/csv"):
        raise NotFound
    await files.expire(tx, upload.file_id, clock.now() + KEPT)
