"""A workbook (ISO/IEC 29500, .xlsx) → its sheets and their rows, read as it streams by.

    zip ─▶ workbook.xml ─▶ sharedStrings.xml (to disk) ─▶ styles.xml ─▶ sheet.xml, a row at a time ─▶ Row

Memory: one row, whatever the file; shared strings lie in a temporary file. A row stands under its own number,
and a cell reads as it is shown: dates as days, `01000` with its zero, an error of a formula as an error.
Why no library: decisions/0016.
"""

import os
import re
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import IO, cast
from xml.etree import ElementTree  # expat limits the amplification of entities; a DOCTYPE is refused here

from lists import table_rows, xlsx_cells
from lists.csv_detect import Unreadable
from lists.csv_rows import LIMITS
from lists.table_rows import Row
from mailer.core.text import N_

PIECE = 64 * 1024
MAX_ROWS = 1_048_576  # of Excel
MAX_COLUMNS = 16_384  # of Excel
MAX_PARTS = 10_000
MAX_UNPACKED = 2_000_000_000  # bytes of all parts that are read: a bomb ends here
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # ISO/IEC 29500-2 annex B
MAX_ROW_BYTES = 16_000_000  # of XML, for what must stand in memory at once

DAMAGED = N_("This workbook is damaged. Open it in a spreadsheet, save it as .xlsx, then upload it again.")
TOO_BIG = N_("This workbook holds more than {limit} GB once unpacked. Split it, or save it as CSV.")
NO_SHEET = N_("The workbook has no sheet “{sheet}”.")
LOCKED = N_("This workbook is protected by a password. Save a copy without one, then upload that copy.")
OLD = N_("This is an old Excel file (.xls). Save it as .xlsx or CSV, then upload it again.")
OPEN_DOCUMENT = N_("This is an OpenDocument file (.ods). Save it as .xlsx or CSV, then upload it again.")
BINARY = N_("This is a binary workbook (.xlsb). Save it as .xlsx or CSV, then upload it again.")
ARCHIVE = N_("This is an archive. Unpack it, then upload the table that is inside.")

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_RELATION_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # MS-CFB §2.2


def compound(file: IO[bytes]) -> Unreadable:
    """What a compound file is: an encrypted workbook (MS-OFFCRYPTO §2.3.4.4), or one of before 2007."""
    head = file.read(512)
    size = 1 << min(int.from_bytes(head[30:32], "little"), 12)
    file.seek((int.from_bytes(head[48:52], "little") + 1) * size)
    locked = "EncryptedPackage".encode("utf-16-le") in file.read(16 * 1024)
    return Unreadable("locked", LOCKED) if locked else Unreadable("old_workbook", OLD)


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    path: str


class Workbook:
    """`with Workbook(file) as book`: `sheets`, then `rows(sheet)`. Raises csv_detect.Unreadable anywhere."""

    def __init__(self, file: IO[bytes]) -> None:
        self._left = MAX_UNPACKED
        self._strings: _Strings | None = None
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise Unreadable("damaged", DAMAGED) from error
        self._names = {info.filename.lstrip("/"): info for info in self._zip.infolist()[: MAX_PARTS + 1]}
        self._refuse_others()
        relations = self._relations("xl/_rels/workbook.xml.rels")
        found, self._epoch_1904 = self._workbook(relations)
        self._found = found
        self.sheets = [sheet.name for sheet in found]
        styles = next((path for path in relations.values() if path.endswith("styles.xml")), "")
        self._shows = self._styles(styles) if styles in self._names else []
        self._strings_path = next(
            (path for path in relations.values() if "sharedstrings" in path.lower()), ""
        )

    def __enter__(self) -> "Workbook":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._strings is not None:
            self._strings.close()
        self._zip.close()

    def _refuse_others(self) -> None:
        if len(self._names) > MAX_PARTS:
            raise Unreadable("damaged", DAMAGED)
        if any(info.flag_bits & 1 for info in self._names.values()):
            raise Unreadable("locked", LOCKED)
        if any(info.compress_type not in _METHODS for info in self._names.values()):
            raise Unreadable("damaged", DAMAGED)
        if "xl/workbook.bin" in self._names:
            raise Unreadable("binary_workbook", BINARY)
        if "xl/workbook.xml" not in self._names:
            document = "content.xml" in self._names
            raise Unreadable("open_document", OPEN_DOCUMENT) if document else Unreadable("archive", ARCHIVE)

    def _pieces(self, path: str) -> Iterator[bytes]:
        """A part as it unpacks. The size that its heading states is not believed."""
        try:
            with self._zip.open(self._names[path]) as part:
                while piece := part.read(PIECE):
                    self._left -= len(piece)
                    if self._left < 0:
                        limit = MAX_UNPACKED // 1_000_000_000
                        raise Unreadable("too_big", TOO_BIG, limit=limit)
                    yield piece
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, OSError, RuntimeError) as error:
            raise Unreadable("damaged", DAMAGED) from error

    def _elements(self, path: str, wanted: str, within: str) -> Iterator[ElementTree.Element]:
        """Each whole element `wanted`; the parent `within` is emptied behind it."""
        parser: ElementTree.XMLPullParser[ElementTree.Element] = ElementTree.XMLPullParser(
            events=("start", "end")
        )
        parent: ElementTree.Element | None = None
        begun, waiting = False, 0
        try:
            for piece in self._pieces(path):
                if not begun and (b"<!DOCTYPE" in piece or b"\0" in piece):
                    raise Unreadable("damaged", DAMAGED)
                waiting += len(piece)
                parser.feed(piece)
                events = cast(Iterator[tuple[str, ElementTree.Element]], parser.read_events())
                for event, element in events:
                    begun = True
                    name = element.tag.rpartition("}")[2]
                    if event == "start":
                        parent = element if name == within else parent
                    elif name == wanted:
                        yield element
                        waiting = 0
                        if parent is not None:
                            parent.clear()
                if waiting > MAX_ROW_BYTES:
                    raise Unreadable("damaged", DAMAGED)
            parser.close()
        except ElementTree.ParseError as error:
            raise Unreadable("damaged", DAMAGED) from error

    def _relations(self, path: str) -> dict[str, str]:
        """Id → path of the part."""
        found = {}
        if path in self._names:
            for element in self._elements(path, "Relationship", "Relationships"):
                target = element.get("Target", "")
                whole = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
                found[element.get("Id", "")] = re.sub(r"[^/]+/\.\./", "", whole)
        return found

    def _workbook(self, relations: Mapping[str, str]) -> tuple[list[_Sheet], bool]:
        """The visible sheets in their order, all when none is; and whether days count from 1904."""
        visible: list[_Sheet] = []
        hidden: list[_Sheet] = []
        since_1904 = False
        for element in self._elements("xl/workbook.xml", "workbook", ""):
            for one in element.iter():
                name = one.tag.rpartition("}")[2]
                if name == "workbookPr":
                    since_1904 = one.get("date1904") in ("1", "true", "on")
                elif name == "sheet":
                    path = relations.get(one.get(_RELATION) or one.get(_RELATION_STRICT) or "", "")
                    if path in self._names and "/worksheets/" in f"/{path}":
                        sheets = visible if one.get("state", "visible") == "visible" else hidden
                        sheets.append(_Sheet(one.get("name", ""), path))
        found = visible or hidden
        if not found:
            raise Unreadable("damaged", DAMAGED)
        return found, since_1904

    def _styles(self, path: str) -> list[xlsx_cells.Shows]:
        """How each cell format shows a number."""
        own: dict[str, str] = {}
        shows: list[xlsx_cells.Shows] = []
        for element in self._elements(path, "styleSheet", ""):
            for one in element:
                name = one.tag.rpartition("}")[2]
                if name == "numFmts":
                    own = {each.get("numFmtId", ""): each.get("formatCode", "") for each in one}
                elif name == "cellXfs":
                    shows = [xlsx_cells.shows(each.get("numFmtId", "0"), own) for each in one]
        return shows

    def rows(self, sheet: str = "") -> Iterator[Row]:
        """The rows that hold something, of the first sheet when none is named."""
        chosen = next((one for one in self._found if one.name == sheet or not sheet), None)
        if chosen is None:
            raise Unreadable("no_sheet", NO_SHEET, sheet=sheet)
        strings = self._shared()
        read = xlsx_cells.Reader(strings, self._shows, since_1904=self._epoch_1904)
        line = 0
        for element in self._elements(chosen.path, "row", "sheetData"):
            at = element.get("r", "")
            number = int(at) if at.isascii() and at.isdecimal() and len(at) < 9 else line + 1
            if not line < number <= MAX_ROWS:
                raise Unreadable("damaged", DAMAGED)
            line = number
            cells = self._cells(element, read)
            if len(cells) > LIMITS.columns:
                yield Row(line, [], "many_columns")
            elif cells:
                yield Row(line, cells)

    def _cells(self, row: ElementTree.Element, read: xlsx_cells.Reader) -> list[str]:
        cells: list[str] = []
        for element in row:
            column = xlsx_cells.column_of(element.get("r", ""), default=len(cells))
            if column >= MAX_COLUMNS:
                raise Unreadable("damaged", DAMAGED)
            text = read(element)
            if text:
                column = min(column, LIMITS.columns)
                if column > len(cells):
                    cells.extend([""] * (column - len(cells)))
                if column == len(cells):
                    cells.append(text)
            elif column == len(cells):
                cells.append("")
        while cells and not cells[-1]:
            cells.pop()
        return cells

    def _shared(self) -> "_Strings":
        if self._strings is None:
            self._strings = _Strings(self._texts())
        return self._strings

    def _texts(self) -> Iterator[str]:
        if self._strings_path in self._names:
            for element in self._elements(self._strings_path, "si", "sst"):
                yield table_rows.clean(xlsx_cells.rich_text(element))


class _Strings:
    """Texts by number, on disk: a workbook of a million rows has millions of them.

    They are read as far as they are asked for: they stand in the order of the cells that use them first, so
    that a look at the first rows is quick.
    """

    AHEAD = 2_000

    def __init__(self, texts: Iterator[str]) -> None:
        self._more = texts
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._ends = array("Q", [0])

    def __getitem__(self, n: int) -> str:
        """Raises IndexError."""
        if n + 1 >= len(self._ends):
            for text in islice(self._more, n + 1 + self.AHEAD - len(self._ends)):
                data = text.encode("utf-8", "replace")
                self._file.write(data)
                self._ends.append(self._ends[-1] + len(data))
            self._file.flush()
        if n < 0:
            raise IndexError(n)
        begin, end = self._ends[n], self._ends[n + 1]
        return os.pread(self._file.fileno(), end - begin, begin).decode()

    def close(self) -> None:
        self._file.close()
