"""The file store (S15): 1 MB chunks in PostgreSQL, so that walls, retention, keys and backups reach it."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailer.core import clock
from mailer.core.db import AccountTx, Database
from mailer.core.errors import NotFound, fault
from mailer.core.text import N_

CHUNK = 1024 * 1024
Kind = Literal["upload", "export", "rejects", "image"]


@dataclass(frozen=True, slots=True)
class File:
    id: int
    kind: str
    name: str
    media_type: str
    size: int
    sha256: bytes | None
    complete: bool
    created_at: datetime
    expires_at: datetime | None


async def create(
    tx: AccountTx, kind: Kind, name: str, *, media_type: str, expires_at: datetime | None = None
) -> int:
    """An empty file; append to it, then `complete` it. Returns its id."""
    file_id: int = await tx.value(
        """
        INSERT INTO files (account_id, kind, name, media_type, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id
        """,
        kind,
        name[:255],
        media_type,
        expires_at,
    )
    return file_id


async def append(tx: AccountTx, file_id: int, data: bytes) -> None:
    """One more chunk at the end, of any size up to CHUNK."""
    await tx.run(
        """
        INSERT INTO file_chunks (account_id, file_id, n, bytes)
        SELECT $1, $2, coalesce(max(n) + 1, 0), $3 FROM file_chunks WHERE account_id = $1 AND file_id = $2
        """,
        file_id,
        data,
    )
    await tx.run("UPDATE files SET size = size + $3 WHERE account_id = $1 AND id = $2", file_id, len(data))


async def complete(tx: AccountTx, file_id: int, *, sha256: bytes | None = None) -> None:
    await tx.run(
        "UPDATE files SET complete = true, sha256 = $3 WHERE account_id = $1 AND id = $2", file_id, sha256
    )


async def expire(tx: AccountTx, file_id: int, at: datetime) -> None:
    """From then on it is not shown any more, and retention removes it."""
    await tx.run("UPDATE files SET expires_at = $3 WHERE account_id = $1 AND id = $2", file_id, at)


async def keep(tx: AccountTx, file_ids: list[int]) -> None:
    """They have found what they belong to: no time runs any more."""
    await tx.run(
        "UPDATE files SET expires_at = NULL WHERE account_id = $1 AND id = ANY ($2::bigint[])", file_ids
    )


async def show(tx: AccountTx, file_id: int) -> File:
    """Raises NotFound, also when its time is over or it was never completed."""
    file = await tx.one(
        File,
        """
        SELECT id, kind, name, media_type, size, sha256, complete, created_at, expires_at
        FROM files
        WHERE account_id = $1 AND id = $2
        """,
        file_id,
    )
    if not file.complete or (file.expires_at is not None and file.expires_at <= clock.now()):
        raise NotFound
    return file


async def empty(tx: AccountTx, file_id: int) -> None:
    """An incomplete file begins anew."""
    await tx.run("DELETE FROM file_chunks WHERE account_id = $1 AND file_id = $2", file_id)
    await tx.run("UPDATE files SET size = 0 WHERE account_id = $1 AND id = $2 AND NOT complete", file_id)


async def retype(tx: AccountTx, file_id: int, before: str, after: str) -> bool:
    """Another media type; False when it is not `before` any more."""
    return bool(
        await tx.run(
            "UPDATE files SET media_type = $4 WHERE account_id = $1 AND id = $2 AND media_type = $3",
            file_id,
            before,
            after,
        )
    )


async def piece(tx: AccountTx, file_id: int, *, offset: int) -> bytes:
    """The chunk that begins at `offset`; b"" behind the last."""
    found: bytes | None = await tx.value(
        """
        SELECT bytes
        FROM (
            SELECT bytes, sum(length(bytes)) OVER (ORDER BY n) - length(bytes) AS begin
            FROM file_chunks
            WHERE account_id = $1 AND file_id = $2
        ) AS c
        WHERE begin = $3
        """,
        file_id,
        offset,
    )
    return found or b""


async def delete(tx: AccountTx, file_id: int) -> None:
    await tx.run("DELETE FROM files WHERE account_id = $1 AND id = $2", file_id)


async def store(
    db: Database,
    account_id: int,
    data: AsyncIterable[bytes],
    *,
    file: tuple[Kind, str, str],
    max_bytes: int,
    expires_at: datetime | None = None,
) -> int:
    """Streams `data` in, a transaction a chunk, so that no transaction waits for an upload.

    `file` is kind, name, media type. Raises Invalid at field `file` when larger than `max_bytes`; what had
    been stored is then deleted. An upload that breaks off leaves an incomplete file, which retention removes.
    """
    kind, name, media_type = file
    async with db.account(account_id) as tx:
        file_id = await create(tx, kind, name, media_type=media_type, expires_at=expires_at)
    digest, size, buffer = hashlib.sha256(), 0, bytearray()
    async for piece in data:
        size += len(piece)
        if size > max_bytes:
            async with db.account(account_id) as tx:
                await delete(tx, file_id)
            raise fault(
                "file",
                N_("The file is larger than {limit} MB. Split it or use the API."),
                code="too_large",
                limit=max_bytes // 1_000_000,
            )
        digest.update(piece)
        buffer += piece
        while len(buffer) >= CHUNK:
            async with db.account(account_id) as tx:
                await append(tx, file_id, bytes(buffer[:CHUNK]))
            del buffer[:CHUNK]
    async with db.account(account_id) as tx:
        if buffer:
            await append(tx, file_id, bytes(buffer))
        await complete(tx, file_id, sha256=digest.digest())
    return file_id


async def read(db: Database, account_id: int, file_id: int, *, offset: int = 0) -> AsyncIterator[bytes]:
    """The bytes from `offset` on, a chunk at a time, each in a transaction of its own."""
    n = -1
    skipped = 0
    while True:
        async with db.account(account_id) as tx:
            found = await tx.rows(
                """
                SELECT n, length(bytes) FROM file_chunks
                WHERE account_id = $1 AND file_id = $2 AND n > $3
                ORDER BY n
                LIMIT 1
                """,
                file_id,
                n,
            )
            if not found:
                return
            n, length = found[0]
            if skipped + length <= offset:
                skipped += length
                continue
            data: bytes = await tx.value(
                "SELECT bytes FROM file_chunks WHERE account_id = $1 AND file_id = $2 AND n = $3", file_id, n
            )
        start = max(0, offset - skipped)
        skipped += length
        yield data[start:]
