"""CSV bytes → records and faults. Pure: no file, no database, no waiting.

    chunks → physical lines → records | faults        (then csv_contacts: record → contact | reject)
             (1 MB at most)   (quoted line ends)

A fault costs its own row and no other: reading goes on, nothing is dropped in silence (E-53).
Every record tells where the next begins, so that a reader can start again there.
Memory: about two batches and one record, whatever the file (E-51).
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from lists import csv_write
from mailer.core.text import N_

BATCH = 128 * 1024  # bytes parsed at once
# Offered encodings, by their names in Python. ASCII-compatible ones keep line ends in single bytes;
# UTF-16 is the only other one that spreadsheets write ("Unicode text").
_ENCODING_NAMES = """
utf-8 utf-16-le utf-16-be cp1252 iso8859-15 cp1250 iso8859-2 cp1251 cp1253 cp1254 cp1257 mac-roman cp850
"""
ENCODINGS = tuple(_ENCODING_NAMES.split())
_BYTE_ORDER_MARKS = {"utf-8": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


class Limits(NamedTuple):
    """E-51. `line` in bytes, for a physical line and for a record; `cell` in characters."""

    columns: int = 200
    cell: int = 10_000
    line: int = 1_000_000
    rows: int = 5_000_000


class Position(NamedTuple):
    """Between two records: bytes before it, the physical line (from 1) after it, rows before it."""

    offset: int = 0
    line: int = 1
    rows: int = 0


START, LIMITS = Position(), Limits()


class Record(NamedTuple):
    """A row. `line`: its first physical line, from 1; a reader starts again at `end_offset`, `next_line`."""

    line: int
    end_offset: int
    next_line: int
    cells: list[str]


class Fault(NamedTuple):
    """A row that cannot be read. `column` from 1, 0 for the whole row; `message` is a msgid with {params}."""

    line: int
    end_offset: int
    next_line: int
    column: int
    code: str
    message: str
    params: Mapping[str, str | int]


_MESSAGES = {
    "encoding": N_("This line is not written in {encoding}. Choose another encoding, or save as CSV UTF-8."),
    "line_too_long": N_("This line is longer than {limit} bytes. Check its line ends and quotation marks."),
    "too_many_columns": N_("This row has {count} columns; {limit} at most. Check the separator."),
    "cell_too_long": N_("A cell of this row has {count} characters; {limit} at most. Shorten it."),
    "stray_quote": N_("Text follows a closing quotation mark. Double the quotation marks inside a cell."),
    "unclosed_quote": N_("A quotation mark opens here and never closes. Close it, or remove it."),
    "too_many_rows": N_("The file has more than {limit} rows. Split it."),
}


class Reader:
    """Reads a file piece by piece: `feed` each piece, then `finish`; exhaust what each returns.

    `start` is where the first byte fed stands in the file.
    """

    def __init__(
        self, encoding: str, delimiter: str, *, start: Position = START, limits: Limits = LIMITS
    ) -> None:
        self._codec, self._delimiter, self._limits = encoding, delimiter, limits
        self._wide = encoding.startswith("utf-16")
        self._at = start  # where `_buffer` begins
        self._buffer = b""
        self._tried = 0  # bytes of `_buffer` that were already seen not to end a record
        self._overlong = False  # inside a physical line over the limit, whose bytes are not kept
        self._spare = 4 * limits.line  # bytes that may be read a second time: see `_end_of_fault`
        self._ended = False

    @property
    def position(self) -> Position:
        """Where the first byte stands that no record or fault has covered yet."""
        return self._at

    def feed(self, chunk: bytes) -> Iterator[Record | Fault]:
        """The rows that are complete with these bytes."""
        for begin in range(0, len(chunk), BATCH):
            self._buffer += chunk[begin : begin + BATCH]
            if len(self._buffer) - self._tried >= BATCH:
                yield from self._rows(final=False)

    def finish(self) -> Iterator[Record | Fault]:
        """The rows at the end of the file."""
        yield from self._rows(final=True)

    def _rows(self, *, final: bool) -> Iterator[Record | Fault]:
        if self._ended:
            self._buffer = b""
            return
        if self._at.offset == 0:
            mark = _BYTE_ORDER_MARKS.get(self._codec, b"")
            if mark and self._buffer.startswith(mark):
                self._move(len(mark))
        if self._overlong:
            yield from self._overlong_line(final=final)
        yield from self._records(final=final)
        if len(self._buffer) > self._limits.line and not self._ended:
            # one line without an end: everything before it is out by now
            self._overlong = True
            yield from self._overlong_line(final=final)
        self._tried = len(self._buffer)

    def _move(self, size: int, lines: int = 0, rows: int = 0) -> None:
        self._buffer = self._buffer[size:]
        at = self._at
        self._at = Position(at.offset + size, at.line + lines, at.rows + rows)
        self._spare += size

    def _lines(self, *, final: bool) -> list[bytes]:
        """The whole physical lines of the buffer with their ends: LF, CR LF or CR."""
        data = self._buffer
        if self._wide:
            text = data[: len(data) // 2 * 2].decode(self._codec, "surrogatepass")
            found = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text)
            lines = [line.encode(self._codec, "surrogatepass") for line in found]
            ended = text.endswith("\n")
        else:
            lines = data.splitlines(keepends=True)
            ended = data.endswith(b"\n")
        if final:
            return [*lines, data[-1:]] if self._wide and len(data) % 2 else lines
        # a CR may be the first half of CR LF
        return lines if ended else lines[:-1]

    def _overlong_line(self, *, final: bool) -> Iterator[Fault]:
        """Drops bytes up to the end of the line, then tells it as one fault."""
        lines = self._lines(final=final)
        if not lines:
            # keeps what may be half a character or half a CR LF
            self._move(max(0, (len(self._buffer) - 4) // 2 * 2))
            return
        self._overlong = False
        line = self._at.line
        self._move(len(lines[0]), 1, 1)
        at = self._at
        params = {"limit": self._limits.line}
        yield Fault(line, at.offset, at.line, 0, "line_too_long", _MESSAGES["line_too_long"], params)

    def _records(self, *, final: bool) -> Iterator[Record | Fault]:
        """The records in the buffer's whole lines; the lines of one that goes on stay in the buffer."""
        batch = _Batch(self._lines(final=final), self._codec, self._limits)
        at, ends, limits, flags = self._at, batch.ends, self._limits, batch.flags
        offset, line = at.offset, at.line
        apostrophes = b"'" in self._buffer
        first = rows = 0
        while first < len(batch.texts) and not self._ended:
            base = first
            source = map(batch.texts.__getitem__, range(base, len(batch.texts)))
            reader = csv.reader(source, delimiter=self._delimiter, strict=True, skipinitialspace=True)
            try:
                for cells in reader:
                    begin, first = first, base + reader.line_num
                    end = ends[first]
                    fault = None
                    if flags or len(cells) > limits.columns or end - ends[begin] > limits.cell:
                        position = (line + begin, offset + end, line + first)
                        fault = batch.fault(begin, first, cells, position=position)
                    if fault is None and not any(cells):
                        continue
                    if at.rows + rows >= limits.rows:
                        self._ended = True
                        position = (line + begin, offset + end, line + first)
                        yield _fault(position, "too_many_rows", limit=limits.rows)
                        break
                    rows += 1
                    if apostrophes:
                        cells = [csv_write.unguard(cell) for cell in cells]
                    yield fault or Record(line + begin, offset + end, line + first, cells)
            except csv.Error as error:
                after = base + reader.line_num
                waiting = len(self._buffer) - ends[first]
                if after == len(batch.texts) and not final and waiting <= limits.line:
                    break  # the record may go on in the next piece
                code = _code_of(error, several=after > first + 1)
                begin, first = first, self._end_of_fault(first, after, ends)
                rows += 1
                yield _fault((line + begin, offset + ends[first], line + first), code, limit=limits.cell)
        self._move(ends[first], first, rows)

    def _end_of_fault(self, first: int, after: int, ends: list[int]) -> int:
        """The line to go on with after a quotation mark went wrong between two lines.

        The next one: an open mark swallows good rows behind it. Reading those again is bounded by what was
        read so far, or a hostile file would cost its square; beyond that the swallowed lines go with it.
        """
        again = ends[after] - ends[first + 1]
        if again > self._spare:
            return after
        self._spare -= again
        return first + 1


class _Batch:
    """Physical lines, decoded; `flags` marks those that cannot be used."""

    def __init__(self, lines: list[bytes], codec: str, limits: Limits) -> None:
        self.ends = list(accumulate(map(len, lines), initial=0))
        self.codec, self.limits = codec, limits
        self.flags: dict[int, str] = {}
        self.texts: list[str]
        try:
            self.texts = [line.decode(codec) for line in lines]
        except UnicodeDecodeError:
            self.texts = [self._text(i, line) for i, line in enumerate(lines)]
        if lines and max(map(len, lines)) > limits.line:
            for i, line in enumerate(lines):
                if len(line) > limits.line:
                    self.flags[i], self.texts[i] = "line_too_long", ""

    def _text(self, i: int, line: bytes) -> str:
        try:
            return line.decode(self.codec)
        except UnicodeDecodeError:
            self.flags[i] = "encoding"
            return line.decode(self.codec, "replace")

    def fault(
        self, first: int, after: int, cells: list[str], *, position: tuple[int, int, int]
    ) -> Fault | None:
        """What is wrong with the record in the lines from `first` to before `after`, if anything."""
        limits = self.limits
        flag = next((self.flags[i] for i in range(first, after) if i in self.flags), None)
        if flag == "encoding":
            column = next((n for n, cell in enumerate(cells, 1) if "\ufffd" in cell), 0)
            return _fault(position, flag, column=column, encoding=self.codec.upper())
        if flag:
            return _fault(position, flag, limit=limits.line)
        if len(cells) > limits.columns:
            return _fault(position, "too_many_columns", count=len(cells), limit=limits.columns)
        for column, cell in enumerate(cells, 1):
            if len(cell) > limits.cell:
                return _fault(position, "cell_too_long", column=column, count=len(cell), limit=limits.cell)
        return None


def _fault(position: tuple[int, int, int], code: str, *, column: int = 0, **params: str | int) -> Fault:
    return Fault(*position, column, code, _MESSAGES[code], params)


def _code_of(error: csv.Error, *, several: bool) -> str:
    """CPython's csv has one class of error and three messages (Modules/_csv.c)."""
    text = str(error)
    if "expected after" in text:
        return "stray_quote"
    return "unclosed_quote" if several or "unexpected end" in text else "cell_too_long"


def read(
    chunks: Iterable[bytes], *, encoding: str, delimiter: str, offset: int = 0, line: int = 1
) -> Iterator[Record | Fault]:
    """A file's bytes from `offset`, which begins physical line `line` → its records and faults in order."""
    reader = Reader(encoding, delimiter, start=Position(offset, line))
    for chunk in chunks:
        yield from reader.feed(chunk)
    yield from reader.finish()
