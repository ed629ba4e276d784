"""What a table file is: its encoding, separator and heading, told from its first bytes. Pure.

magic bytes → byte order mark → UTF-16 without one → strict UTF-8 → code pages → separator → heading
"""

import codecs
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import charset_normalizer

from lists import csv_rows
from lists.csv_mapping import letter, looks_like_address
from mailer.core.text import N_

HEAD = 64 * 1024  # bytes looked at closely; give 1 MB and accents that come late are seen as well
SAMPLE_ROWS = 50
DELIMITERS = (";", ",", "\t", "|")

UNREADABLE = N_("This file cannot be read as a table. Save it as CSV or .xlsx, then upload it again.")
EMPTY = N_("This file is empty. Write one row per person, with a column for the e-mail address.")


class Unreadable(ValueError):
    """`message` is an English msgid with {params}; `code` is `unreadable`, `empty` or says what it is."""

    def __init__(self, code: str, message: str, **params: str | int) -> None:
        super().__init__(code)
        self.code, self.message, self.params = code, message, params


@dataclass(frozen=True, slots=True)
class Detected:
    """`header` always names every column: by letters when the file has no heading (`has_header` false).

    `first_offset`, `first_line`: where the first row of data begins; give them to `csv_rows.read`.
    `format` xlsx (its `sheet`, one of `sheets`) or ndjson: the file is first turned into a table.
    """

    encoding: str
    delimiter: str
    quotechar: str
    has_header: bool
    header: list[str]
    sample: list[list[str]]
    first_offset: int
    first_line: int
    format: str = "csv"
    sheet: str = ""
    sheets: tuple[str, ...] = ()


def detect(head: bytes, *, encoding: str = "", delimiter: str = "") -> Detected:
    """The first bytes of a file (64 kB or more, or all) → what it is; Unreadable when it is no table.

    `encoding` and `delimiter`: the person's choice instead of ours.
    """
    if not head.strip():
        raise Unreadable("empty", EMPTY)
    if head.startswith(_MAGIC):
        raise Unreadable("unreadable", UNREADABLE)
    encoding = encoding or encoding_of(head)
    start = csv_rows.Position()
    line, told = _separator_line(head[:HEAD], encoding)
    if told:
        start = csv_rows.Position(len(line), 2)
    delimiter = delimiter or told or _delimiter_of(head[start.offset : HEAD], encoding)
    rows = _records(head[start.offset : HEAD], encoding, delimiter, start=start)
    if not rows:
        raise Unreadable("unreadable", UNREADABLE)
    first = rows[0]
    has_header = not any(map(looks_like_address, first.cells))
    data = rows[1:] if has_header else rows
    sample = [row.cells for row in data[:SAMPLE_ROWS]]
    header = header_of(first.cells, sample) if has_header else [letter(i) for i in range(_width(sample))]
    if has_header:
        start = csv_rows.Position(first.end_offset, first.next_line)
    return Detected(encoding, delimiter, '"', has_header, header, sample, start.offset, start.line)


# What people upload by mistake: zip, old Excel, PDF, gzip, pictures, 7z, rar, UTF-32, JSON that is no lines,
# HTML that calls itself .xls
_MAGIC = (
    b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff",
    b"GIF8", b"7z\xbc\xaf", b"Rar!", b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff", b"{\\rtf", b"SQLite format",
    b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML", b"<?xml", b"{\"", b"[{",
)  # fmt: skip

_CODE_PAGES = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "mac_roman", "cp850"]
# What people usually write in them. Asked before the library: on as little text as names and towns it takes
# French for cp1250 or mac_iceland, and Polish for cp1252 (tried).
_WESTERN = frozenset(
    "àâäçéèêëîïôöùûüÿœæÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸŒÆáíóúñãõåøßìòÁÍÓÚÑÃÕÅØÌÒ«»‹›’‘“”„–—…€£°ºª§·•©®™²\u00a0\u00ad"
)
_CENTRAL = frozenset("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽőűŐŰăşţâîäöü’‘“”„–—…€°§\u00a0\u00ad")
_USUAL = (("mac-roman", _WESTERN), ("cp850", _WESTERN), ("cp1250", _CENTRAL))


def encoding_of(head: bytes) -> str:
    """One of `csv_rows.ENCODINGS`; Unreadable for bytes that are no text."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark):
            return name
    close = head[:HEAD]
    if b"\0" in close:
        return _utf16_of(close)
    if sum(close.count(bytes([control])) for control in _CONTROLS) * 100 > len(close):
        raise Unreadable("unreadable", UNREADABLE)
    if _is_utf8(head):
        return "utf-8"
    if not _is_utf8(close):
        head = close
    return _code_page_of(head)


_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 26, 27}


def _utf16_of(close: bytes) -> str:
    """Text of European scripts in UTF-16 without a mark has a zero in every other byte."""
    even, odd = close[0::2].count(0), close[1::2].count(0)
    units = len(close) // 2 or 1
    for zeros, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros / units > 0.6 and others / units < 0.02:
            return name
    raise Unreadable("unreadable", UNREADABLE)


def _is_utf8(data: bytes) -> bool:
    """UTF-8, but for a character cut at the end, or for a few damaged lines among many good ones."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        lines = [line for line in data.split(b"\n")[:-1] if not line.isascii()]
        damaged = sum(not _decodes(line, "utf-8") for line in lines)
        return damaged * 10 < len(lines)
    return True


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _code_page_of(data: bytes) -> str:
    # only what tells pages apart: lines that are not ASCII
    telling = b"\n".join([line for line in data.splitlines() if not line.isascii()][:2000])[:HEAD]
    if _strangers(telling, "cp1252", _WESTERN) <= 0.05:
        return "cp1252"
    for page, usual in _USUAL:
        if _strangers(telling, page, usual) == 0:
            return page
    found = charset_normalizer.from_bytes(telling, cp_isolation=_CODE_PAGES).best()
    name = found.encoding.replace("_", "-") if found else "cp1252"
    return name if name in csv_rows.ENCODINGS else "cp1252"


def _strangers(data: bytes, page: str, usual: frozenset[str]) -> float:
    """Of the characters beyond ASCII, the share nobody would write there; 1.0 when it is not this page.

    A capital behind a small letter is such a one: é of DOS is Ç of the Mac ("ZoÇ").
    """
    if not _decodes(data, page):
        return 1.0
    text = data.decode(page)
    pairs = [(before, c) for before, c in pairwise(" " + text) if not c.isascii()]
    return sum(c not in usual or (c.isupper() and before.islower()) for before, c in pairs) / len(pairs)


def _separator_line(close: bytes, encoding: str) -> tuple[bytes, str]:
    """Excel's own first line `sep=;` and the separator it names; empty ones when it is not there."""
    wide = encoding.startswith("utf-16")
    text = close[:40].decode(encoding, "ignore")
    found = re.match(r"\ufeff?\"?sep=([;,|\t])\"?(?:\r\n|\r|\n)", text, re.IGNORECASE)
    if not found:
        return b"", ""
    return found[0].encode(encoding if wide else "utf-8"), found[1]


def _records(
    close: bytes, encoding: str, delimiter: str, *, start: csv_rows.Position
) -> list[csv_rows.Record]:
    """The records of the head. A last line without its end may be cut: it counts when it is the only one."""
    reader = csv_rows.Reader(encoding, delimiter, start=start)
    rows = [row for row in reader.feed(close) if isinstance(row, csv_rows.Record)]
    rest = [row for row in reader.finish() if isinstance(row, csv_rows.Record)]
    return rows + (rest[:-1] if len(close) >= HEAD - start.offset and len(rest) > 1 else rest)


def _width(rows: list[list[str]]) -> int:
    return max(map(len, rows), default=0)


def header_of(first: list[str], sample: list[list[str]]) -> list[str]:
    """Headings trimmed; cells to the right of the last heading that hold something get a letter."""
    header = [cell.strip().strip("\ufeff") for cell in first]
    width = max((i + 1 for row in sample for i, cell in enumerate(row) if cell.strip()), default=0)
    named = max((i + 1 for i, cell in enumerate(header) if cell), default=0)
    width = max(named, min(width, len(header)))
    return [cell or letter(i) for i, cell in enumerate(header[:width])]


def _delimiter_of(close: bytes, encoding: str) -> str:
    """The separator under which most rows have an address and the same number of cells."""
    return max(DELIMITERS, key=lambda delimiter: _fitness(close, encoding, delimiter))


def _fitness(close: bytes, encoding: str, delimiter: str) -> tuple[float, float, int]:
    rows = [row.cells for row in _records(close, encoding, delimiter, start=csv_rows.Position())][:200]
    if not rows:
        return 0.0, 0.0, 0
    width, same = Counter(map(len, rows)).most_common(1)[0]
    addressed = sum(any(map(looks_like_address, row)) for row in rows)
    return round(addressed / len(rows), 1), same / len(rows) if width > 1 else 0.0, width
