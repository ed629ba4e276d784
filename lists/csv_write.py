"""Tables out: CSV that no spreadsheet runs as formulas (E-52) and JSON lines that lose nothing (A-013).

Our own import takes the guard off again, so that export → import is the identity.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import orjson

BOM = b"\xef\xbb\xbf"  # without it Excel reads UTF-8 as the machine's code page

# E-52. The apostrophes in front are part of the pattern: "'=1" becomes "''=1", so that one can always be
# taken off. Line feed is OWASP's addition ("CSV Injection").
_FORMULA = re.compile("'*[=+@\\-\t\r\n\0]")
# RFC 4180 §2.6, and blanks at the ends, which readers like to trim outside of quotes
_NEEDS_QUOTES = re.compile("[\",;\t|\r\n]|^[\\s']|\\s\\Z")


def guard(cell: str) -> str:
    """A cell that a spreadsheet shows instead of running: `=1+1` → `'=1+1`."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    """The cell before `guard`; other cells unchanged, also those that begin with an apostrophe."""
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell


def encode(rows: Iterable[Sequence[str]], *, delimiter: str = ",", bom: bool = False) -> bytes:
    """Rows of cells → UTF-8 CSV (RFC 4180, CRLF), guarded against formulas. `bom` for the first part only."""
    lines = [delimiter.join([_quoted(guard(cell)) for cell in row]) for row in rows]
    text = "\r\n".join([*lines, ""])
    return BOM + text.encode() if bom else text.encode()


def _quoted(cell: str) -> str:
    if not _NEEDS_QUOTES.search(cell):
        return cell
    return '"' + cell.replace('"', '""') + '"'


def encode_columns(columns: Sequence[Sequence[str]], *, delimiter: str = ",", bom: bool = False) -> bytes:
    """`encode` of a table given by columns of equal length: the same bytes, in a third of the time."""
    whole = [_finished(cells) for cells in columns]
    if len(whole) == 1:  # an empty cell alone on its line would be no row
        whole = [[cell or '""' for cell in whole[0]]]
    text = "\r\n".join([*map(delimiter.join, zip(*whole, strict=True)), ""])
    return BOM + text.encode() if bom else text.encode()


# What `_NEEDS_QUOTES` and `_FORMULA` look for, for str.find: one look at a column, not at each cell.
_BETWEEN = "\x1f"
_INSIDE = '",;\t|\r\n\0'
_AHEAD = tuple(_BETWEEN + first for first in "=+@-'")
FEW = 50


def _finished(cells: Sequence[str]) -> Sequence[str]:
    """Guarded and quoted where that is needed; mostly it is not."""
    different = set(cells)
    if len(different) > FEW and list(map(str.strip, cells)) == cells:
        text = _BETWEEN.join(["", *cells])
        if not any(one in text for one in _INSIDE) and not any(one in text for one in _AHEAD):
            return cells
    made = {cell: _quoted(guard(cell)) for cell in different}
    return [made[cell] for cell in cells]


def encode_json(rows: Iterable[Mapping[str, object]]) -> bytes:
    """One JSON object a line (NDJSON); instants in RFC 3339 with Z (S19). Nothing is guarded or lost."""
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
    return b"".join([orjson.dumps(row, option=options) for row in rows])
