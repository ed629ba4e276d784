"""JSON lines → rows, one object a line. Pure.

Objects inside become columns of their own (`address.city`), lists of plain values one cell (`a|b`). A member
that CSV cannot say faults its own row, and only when somebody imports it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from lists import field_values, table_rows
from lists.csv_rows import LIMITS
from lists.table_rows import Row

MAX_DEPTH = 3  # objects inside objects
MAX_LINE = LIMITS.line
_REPEATED = "\0"  # name of what `_members` found to stand twice; JSON's own names come without one


class Reader:
    """`feed` each piece of the file, then `finish`: rows in the order of `columns`, which grows by itself."""

    def __init__(self) -> None:
        self.columns: dict[str, int] = {}
        self._rest = b""
        self._overlong = False
        self._line = 0

    def feed(self, piece: bytes) -> Iterator[Row]:
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest
        for line in lines:
            if self._overlong:
                self._overlong = False
                yield Row(self._line, [], "line_too_long")
            else:
                self._line += 1
                yield from self._row(line)
        if len(self._rest) > MAX_LINE:
            self._line += not self._overlong
            self._overlong, self._rest = True, b""

    def finish(self) -> Iterator[Row]:
        if self._overlong:
            yield Row(self._line, [], "line_too_long")
        elif self._rest:
            self._line += 1
            yield from self._row(self._rest)

    def _row(self, line: bytes) -> Iterator[Row]:
        if self._line == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            return
        found = read(line)
        if isinstance(found, str):
            yield Row(self._line, [], found)
            return
        cells = [""] * len(self.columns)
        for name, text in found.items():
            column = self.columns.get(name)
            if column is not None:
                cells[column] = text
            elif len(self.columns) == LIMITS.columns:
                yield Row(self._line, [], "many_columns")
                return
            else:
                self.columns[name] = len(cells)
                cells.append(text)
        yield Row(self._line, cells)


def read(line: bytes) -> dict[str, str] | str:
    """A line → its cells by name, or the code of why not."""
    if len(line) > MAX_LINE:
        return "line_too_long"
    try:
        value = _DECODER.decode(line.decode().strip())
    except UnicodeDecodeError:
        return "not_utf8"
    except (ValueError, RecursionError):
        return "not_json"
    if not isinstance(value, dict):
        return "not_object"
    cells: dict[str, str] = {}
    _flatten(value, "", cells, MAX_DEPTH)
    return cells


class _Number(str):
    """A number as it is written: nothing is rounded."""

    __slots__ = ()


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        found[_REPEATED] = next(name for name in names if names.count(name) > 1)
    return found


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_Number, parse_float=_Number, parse_constant=_Number
)


def _flatten(members: Mapping[str, object], prefix: str, cells: dict[str, str], depth: int) -> None:
    repeated = members.get(_REPEATED)
    for name, value in members.items():
        if name == _REPEATED:
            continue
        whole = f"{prefix}{_name(name)}"
        if name == repeated:
            cells[whole] = table_rows.flaw("repeated", name)
        elif isinstance(value, dict) and depth:
            _flatten(value, f"{whole}.", cells, depth - 1)
        else:
            cells[whole] = _cell(value)


def _name(name: str) -> str:
    """A heading on one line."""
    return " ".join(name.split())[:200] if name.isprintable() else re.sub(r"[\s\x00-\x1f]+", " ", name)[:200]


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _Number():
            return _number(value)
        case str():
            return table_rows.clean(value.encode("utf-8", "replace").decode())
        case list():
            return _list(value)
        case _:
            return table_rows.flaw("nested")


def _number(text: str) -> str:
    if text.lstrip("-").isdecimal():
        return text if len(text) <= 400 else table_rows.flaw("number_range", text)
    try:
        number = Decimal(text)
    except ArithmeticError:
        return table_rows.flaw("number_range", text)
    # what IEEE 754 can hold, which is what JSON's readers do (RFC 8259 §6)
    if not number.is_finite() or not -324 < number.adjusted() < 309 or len(text) > 400:
        return table_rows.flaw("number_range", text)
    return format(number, "f")


def _list(values: list[object]) -> str:
    texts = []
    for value in values:
        text = table_rows.flaw("nested") if isinstance(value, list | dict) else _cell(value)
        if table_rows.is_flaw(text):
            return text
        texts.append(text)
    return table_rows.clean(field_values.write([text for text in texts if text]))
