"""What was erased and refused, kept outside of the database for as long as backups are (A-063, A-103).

    contact deleted, refusal stored, account closed ─ trigger ─▶ erasure_journal (35 days)
    each minute ─▶ <place>/erasures/<day>.log: data folders, folders of backups ─▶ `mailer restore`

A line is a sealed, compressed batch with the position it goes up to, appended and flushed to disk. A line cut
short by a kill cannot be opened, and its entries are written again: the position is the last whole line's.
"""

import asyncio
import base64
import contextlib
import fcntl
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog

from mailer.core import restores
from mailer.core.db import Database, SharedTx
from mailer.core.errors import MailerError
from mailer.core.sealing import Sealer, Unsealable

log = structlog.get_logger()
KEPT = timedelta(days=35)
FOLDER = "erasures"
BATCH = 5_000
_PURPOSE = "erasure journal"


class JournalSealed(MailerError):
    """A journal of erasures was sealed under a secret that is not here."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row. `kind` contact: `ref_id`; suppression, account: `detail`."""

    xid: int
    id: int
    account_id: int
    at: datetime
    kind: str
    ref_id: int | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Position:
    """`lineage`: of the database; positions of another one mean nothing."""

    lineage: str = ""
    xid: int = 0
    id: int = 0


# ---------------------------------------------------------------- out of the database


async def copy(db: Database, sealer: Sealer, place: Path, now: datetime, *, most: int | None = None) -> int:
    """Appends what the files in `place` do not hold yet; returns how many entries. Raises OSError.

    `most`: about so many, the rest with the next call.
    """
    known = await asyncio.to_thread(_last, place, sealer)
    async with db.shared() as tx:
        lineage = await restores.lineage(tx)
        installation = (await restores.show(tx)).id
        await _renumber(tx)
    at = known if known.lineage == lineage else _Position(lineage)
    count = 0
    while most is None or count < most:
        async with db.shared() as tx:
            entries = await _after(tx, at)
        if not entries:
            break
        at = _Position(lineage, entries[-1].xid, entries[-1].id)
        await asyncio.to_thread(_append, place, sealer, _pack(installation, at, entries), now)
        count += len(entries)
    return count


async def _after(tx: SharedTx, at: _Position) -> list[Entry]:
    # below the oldest open transaction nothing is missing any more
    return await tx.many(
        Entry,
        """
        SELECT xid, id, account_id, at, kind, ref_id, detail
        FROM erasure_journal
        WHERE (xid, id) > ($1, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        ORDER BY xid, id
        LIMIT $3
        """,
        at.xid,
        at.id,
        BATCH,
    )


async def _renumber(tx: SharedTx) -> None:
    """Rows of another cluster (a dump carried over by hand) count transactions still to come here."""
    await tx.run(
        """
        UPDATE erasure_journal
        SET xid = pg_current_xact_id()::text::bigint
        WHERE xid > pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        """
    )


# ---------------------------------------------------------------- files


def read(place: Path, sealer: Sealer, installation: str) -> Iterator[Entry]:
    """All entries of a place, the oldest first; of another installation the same ids are other people.

    Raises JournalSealed, OSError.
    """
    for path in _files(place):
        for line in _lines(path):
            batch = _open(line, sealer)
            if batch is None:
                log.warning("a line of the journal of erasures was cut short", file=path.name)
                continue
            if batch["of"] != installation:
                continue
            for xid, row, account_id, at, kind, ref_id, detail in batch["rows"]:
                yield Entry(xid, row, account_id, datetime.fromisoformat(at), kind, ref_id, detail)


def prune(place: Path, now: datetime) -> int:
    """Removes days that no backup needs any more; returns how many."""
    old = [path for path in _files(place) if path.stem < (now - KEPT).date().isoformat()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _files(place: Path) -> list[Path]:
    return sorted((place / FOLDER).glob("????-??-??.log"))


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield line


def _last(place: Path, sealer: Sealer) -> _Position:
    """Up to where the newest whole line goes; the beginning when nothing can be read."""
    for path in reversed(_files(place)):
        found = _Position()
        for line in _lines(path):
            with contextlib.suppress(JournalSealed):
                if batch := _open(line, sealer):
                    found = _Position(*batch["to"])
        if found.lineage:
            return found
    return _Position()


def _pack(installation: str, to: _Position, entries: Sequence[Entry]) -> bytes:
    rows = [[e.xid, e.id, e.account_id, e.at.isoformat(), e.kind, e.ref_id, e.detail] for e in entries]
    return orjson.dumps({"of": installation, "to": [to.lineage, to.xid, to.id], "rows": rows})


def _append(place: Path, sealer: Sealer, batch: bytes, now: datetime) -> None:
    folder = place / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    line = base64.b64encode(sealer.seal(zlib.compress(batch), _PURPOSE))
    path = folder / f"{now.date().isoformat()}.log"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        # the tick and a backup may come together
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        cut_short = size and os.pread(file.fileno(), 1, size - 1) != b"\n"
        file.write((b"\n" if cut_short else b"") + line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _open(line: bytes, sealer: Sealer) -> dict[str, Any] | None:
    """None for a line that was cut short. Raises JournalSealed."""
    try:
        sealed = base64.b64decode(line.strip(), validate=True)
    except ValueError:
        return None
    if len(sealed) > 5 and not sealer.knows(sealed):
        raise JournalSealed(
            "The journal of erasures was sealed under another secret key. Put the one of that time into"
            " MAILER_OLD_SECRET_KEYS."
        )
    try:
        opened: dict[str, Any] = orjson.loads(zlib.decompress(sealer.open(sealed, _PURPOSE)))
    except (Unsealable, ValueError, zlib.error):
        return None
    return opened
