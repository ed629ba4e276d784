"""What a workbook or JSON lines hold: sheets, heading, samples. Pure; runs in a thread."""

import codecs
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import IO, Literal

from lists import csv_detect, ndjson, table_rows, xlsx
from lists.csv_detect import Detected, Unreadable
from lists.csv_mapping import letter, looks_like_address
from lists.table_rows import Row
from mailer.core.text import N_

Format = Literal["csv", "xlsx", "ndjson"]
HEAD_ROWS = 20  # titles above the heading end before
SHEETS_TRIED = 20

NOT_LINES = N_(
    "This is JSON, but not one object a line. Write each person's object on a line of its own (NDJSON)."
)
NO_UTF8 = N_("JSON lines are written in UTF-8. Save the file as UTF-8.")
NO_ROWS = N_("The sheet “{sheet}” is empty. Choose another, or write one row per person.")


def format_of(head: bytes) -> Format:
    """From the first bytes. Raises Unreadable for JSON that is no lines."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", xlsx.COMPOUND)):
        return "xlsx"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if head[:100].decode("utf-16", "ignore").lstrip().startswith('{"'):
            raise Unreadable("not_utf8", NO_UTF8)
        return "csv"
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if re.match(rb'\{\s*["}]|\[\s*\{', start):
        first = start.split(b"\n", 1)[0]
        if start.startswith(b"[") or (len(first) < len(start) and ndjson.read(first) == "not_json"):
            raise Unreadable("not_lines", NOT_LINES)
        return "ndjson"
    return "csv"


def workbook(file: IO[bytes], *, sheet: str = "") -> Detected:
    """`sheet` "": the first that holds something. Raises Unreadable."""
    if file.read(8) == xlsx.COMPOUND:
        file.seek(0)
        raise xlsx.compound(file)
    file.seek(0)
    with xlsx.Workbook(file) as book:
        for name in [sheet] if sheet else book.sheets[:SHEETS_TRIED]:
            rows = list(islice(book.rows(name), HEAD_ROWS + csv_detect.SAMPLE_ROWS))
            if rows:
                return _detected(rows, sheet=name, sheets=book.sheets)
        raise Unreadable("empty", NO_ROWS, sheet=sheet or book.sheets[0])


def _detected(rows: Sequence[Row], *, sheet: str, sheets: Sequence[str]) -> Detected:
    heading = _heading(rows)
    data = rows if heading is None else [row for row in rows if row.line > heading.line]
    sample = [[table_rows.plain(cell) for cell in row.cells] for row in data[: csv_detect.SAMPLE_ROWS]]
    width = max(map(len, sample), default=0)
    if heading is None:
        header = [letter(column) for column in range(width)]
    else:
        told = [table_rows.plain(cell) for cell in heading.cells]
        header = csv_detect.header_of(told + [""] * (width - len(told)), sample)
    first_line = rows[0].line if heading is None else heading.line + 1
    return Detected(
        "utf-8", table_rows.DELIMITER, '"', heading is not None, header, sample, 0, first_line, "xlsx", sheet,
        tuple(sheets),
    )  # fmt: skip


def _heading(rows: Sequence[Row]) -> Row | None:
    """The row of headings: under titles, above the first row with an address; None when that is the first.

    Titles fill fewer cells than a heading does, which fills about as many as the rows below it.
    """
    first = next((n for n, row in enumerate(rows) if any(map(looks_like_address, row.cells))), None)
    above = rows[: HEAD_ROWS if first is None else first]
    if not above:
        return None
    wanted = _filled(rows[first]) / 2 if first is not None else 2
    return next((row for row in above if _filled(row) >= max(wanted, 1)), above[0])


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)


class Lines:
    """JSON lines: every name anywhere is a column, so that nothing is dropped in silence (E-53)."""

    def __init__(self) -> None:
        self._reader = ndjson.Reader()
        self._sample: list[Row] = []
        self._width = 0

    def feed(self, piece: bytes | None) -> None:
        """None: the file ends here."""
        self._take(self._reader.finish() if piece is None else self._reader.feed(piece))

    def _take(self, rows: Iterable[Row]) -> None:
        for row in rows:
            # a row that names something new shows what that holds
            new = len(row.cells) > self._width
            if not row.fault and (len(self._sample) < csv_detect.SAMPLE_ROWS or new):
                self._sample.append(row)
                self._width = max(self._width, len(row.cells))

    def detected(self) -> Detected:
        header = list(self._reader.columns)
        if not header:
            raise Unreadable("not_lines", NOT_LINES)
        sample = [[table_rows.plain(cell) for cell in row.cells] for row in self._sample]
        return Detected("utf-8", table_rows.DELIMITER, '"', True, header, sample, 0, 1, "ndjson")
