"""The table made of a workbook or of JSON lines: CSV in UTF-8 with one physical line for each row. Pure.

Line 7 of it is row 7 of the sheet or line 7 of the file, so that every reason names what the person sees.
Characters that no spreadsheet writes carry what CSV cannot say:

    GS           a line end inside a cell
    US code US…  a cell that cannot be used, with what to tell; harmless while its column is not imported
    RS code RS…  a whole row that cannot be used
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lists import csv_write, field_values
from lists.csv_contacts import Reject
from lists.csv_mapping import ColumnMapping
from lists.csv_rows import LIMITS, Record
from mailer.core.addresses import mask
from mailer.core.text import N_

DELIMITER = ";"
_LINE_END, _ROW, _CELL = "\x1d", "\x1e", "\x1f"
MAX_TOLD = 60  # characters of a value that go into a reason
_TOLD_AS_IS = ("cell_error", "repeated")  # `#N/A`, the name of a member: nobody's data

MESSAGES: Mapping[str, str] = {
    "cell_error": N_("This cell holds an error of the spreadsheet ({value}). Correct its formula."),
    "no_result": N_(
        "This cell holds a formula without its result. Open the file in a spreadsheet and save it."
    ),
    "bad_date": N_("This cell is a date that does not exist. Write it like 31/12/2026."),
    "character": field_values.UNREADABLE,
    "nested": N_("This member holds objects in a list, or goes too deep. Write a text, a number or a list."),
    "repeated": N_("The member “{value}” stands several times on this line. Keep one."),
    "number_range": N_("The number {value} is too large or not a number. Write it as text."),
    "not_json": N_("This line is not JSON. Write one object a line, between braces."),
    "not_object": N_("This line is JSON, but no object. Write one object a line, between braces."),
    "many_columns": N_("This row has more than 200 columns. Keep those you need."),
    "line_too_long": N_("This line is longer than 1,000,000 bytes. Shorten it."),
    "not_utf8": N_("This line is not written in UTF-8. Save the file as UTF-8."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """`line`: of the sheet or the file, from 1. `fault`: a code of MESSAGES for the whole row."""

    line: int
    cells: Sequence[str]
    fault: str = ""


def flaw(code: str, value: str = "") -> str:
    """A cell that tells what is wrong with it."""
    return f"{_CELL}{code}{_CELL}{value[:MAX_TOLD]}"


def is_flaw(cell: str) -> bool:
    return cell.startswith(_CELL)


def clean(text: str) -> str:
    """What stands in the source's cell → the cell of the table; of a text that is too long what shows it."""
    if len(text) > LIMITS.cell:
        text = text[: LIMITS.cell + 1]
    if text.isprintable():
        return text
    if _CELL in text or _ROW in text or _LINE_END in text:
        return flaw("character")
    if "\n" in text or "\r" in text:
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", _LINE_END)
    return text


def plain(cell: str) -> str:
    """The cell as a sample shows it; one that cannot be used tells nothing about its column."""
    return "" if is_flaw(cell) else cell.replace(_LINE_END, "\n")


class Writer:
    """Rows → the bytes of the table; what is missing in between are empty lines."""

    def __init__(self, first_line: int) -> None:
        self._next = first_line

    def encode(self, rows: Sequence[Row]) -> bytes:
        parts = []
        for row in rows:
            if row.line > self._next:
                parts.append(b"\r\n" * (row.line - self._next))
            cells = [f"{_ROW}{row.fault}"] if row.fault else row.cells
            parts.append(csv_write.encode([cells], delimiter=DELIMITER))
            self._next = row.line + 1
        return b"".join(parts)


def restore(record: Record, mapping: ColumnMapping) -> Record | Reject:
    """A record of the table as its source had it, or why a mapped cell or the row cannot be used."""
    cells = record.cells
    if cells[0].startswith(_ROW):
        code = cells[0][1:]
        return Reject(record.line, "", code, "", MESSAGES[code], {})
    if all(map(str.isprintable, cells)):
        return record
    found: list[str] = []
    for column, cell in enumerate(cells):
        if not cell.startswith(_CELL):
            found.append(cell.replace(_LINE_END, "\n"))
            continue
        found.append("")
        if column < len(mapping.targets) and mapping.targets[column]:
            code, value = cell[1:].split(_CELL, 1)
            heading, told = mapping.heading(column), value if code in _TOLD_AS_IS else mask(value)
            return Reject(record.line, heading, code, told, MESSAGES[code], {"value": told})
    return record._replace(cells=found)
