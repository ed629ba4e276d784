"""From rows to a file, whatever the rows are: a kind of export says how its next part is read, and no more.

CSV, JSON lines   part ─▶ bytes ─▶ file store, with the position, in one transaction: a kill loses nothing
XLSX              parts ─▶ a sheet on disk ─▶ file store: a kill starts it again
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lists import csv_write, exports
from lists.exports import Export
from mailer.core import files
from mailer.core.db import AccountTx

SMALLEST, LARGEST = 200, 5_000  # rows of a part
FULL = files.CHUNK  # bytes of a part from which parts grow no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The next rows: `columns` for tables, `objects` for JSON lines. `count` 0: there are none behind `last`.

    `numbers`: headings whose cells a spreadsheet is to take as numbers.
    """

    header: Sequence[str]
    last: int
    count: int
    columns: Sequence[Sequence[str]] = ()
    objects: Sequence[Mapping[str, object]] = ()
    numbers: frozenset[str] = field(default_factory=frozenset)


Read = Callable[[AccountTx, Export, int], Awaitable[Part]]


@dataclass(slots=True)
class Size:
    """How many rows to read at once: contacts may be of 200 bytes or of a megabyte, memory stays flat."""

    rows: int = field(default_factory=lambda: min(SMALLEST, LARGEST))

    def learn(self, taken: int) -> None:
        self.rows = min(self.rows * 2, LARGEST) if taken < FULL // 2 else self.rows
        self.rows = max(self.rows // 2, 1) if taken > FULL * 2 else self.rows


async def write_part(tx: AccountTx, export: Export, read: Read, size: Size) -> bool:
    """The next rows and the position behind them; True at the end."""
    part = await read(tx, export, size.rows)
    data = encode(part, export, first=not export.position)
    size.learn(len(data))
    for start in range(0, len(data), files.CHUNK):
        await files.append(tx, export.file_id or 0, data[start : start + files.CHUNK])
    if part.last > export.position:
        await exports.advance(tx, export, position=part.last, rows=part.count)
        return False
    await exports.finish(tx, export)
    return True


def encode(part: Part, export: Export, *, first: bool) -> bytes:
    """`first`: with the heading."""
    if export.format == "ndjson":
        return csv_write.encode_json(part.objects)
    head = csv_write.encode([part.header], delimiter=export.delimiter, bom=True) if first else b""
    return head + csv_write.encode_columns(part.columns, delimiter=export.delimiter)
