"""Files inside an archive that is being written: what of each is stored, so that any worker can write on."""

from dataclasses import dataclass

from lists.exports import Export
from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """`offset_`, `packed`: bytes of the archive. `size`, `crc`, `sha256` (None while open): of the file."""

    n: int
    part: int
    name: str
    offset_: int
    packed: int
    size: int
    rows: int
    crc: int
    sha256: bytes | None


async def many(tx: AccountTx, export_id: int) -> list[Member]:
    return await tx.many(
        Member,
        """
        SELECT n, part, name, offset_, packed, size, rows, crc, sha256
        FROM export_members
        WHERE account_id = $1 AND export_id = $2
        ORDER BY n
        """,
        export_id,
    )


async def being_written(tx: AccountTx, export_id: int) -> Member | None:
    return await tx.first(
        Member,
        """
        SELECT n, part, name, offset_, packed, size, rows, crc, sha256
        FROM export_members
        WHERE account_id = $1 AND export_id = $2 AND sha256 IS NULL
        """,
        export_id,
    )


async def count_of_part(tx: AccountTx, export: Export) -> int:
    found: int = await tx.value(
        "SELECT count(*) FROM export_members WHERE account_id = $1 AND export_id = $2 AND part = $3",
        export.id,
        export.part,
    )
    return found


async def begin(tx: AccountTx, export: Export, name: str) -> Member:
    """Behind what is stored of the archive."""
    return await tx.one(
        Member,
        """
        INSERT INTO export_members (account_id, export_id, n, part, name, offset_)
        SELECT $1, $2, (SELECT count(*) FROM export_members WHERE account_id = $1 AND export_id = $2), $3, $4,
               f.size
        FROM files f
        WHERE f.account_id = $1 AND f.id = $5
        RETURNING n, part, name, offset_, packed, size, rows, crc, sha256
        """,
        export.id,
        export.part,
        name,
        export.file_id,
    )


async def save(tx: AccountTx, export: Export, member: Member) -> None:
    await tx.run(
        """
        UPDATE export_members
        SET packed = $4, size = $5, rows = $6, crc = $7, sha256 = $8
        WHERE account_id = $1 AND export_id = $2 AND n = $3
        """,
        export.id,
        member.n,
        member.packed,
        member.size,
        member.rows,
        member.crc,
        member.sha256,
    )
