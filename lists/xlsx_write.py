"""Tables as a workbook (XLSX), row by row into a file on disk: memory does not grow with rows.

Every cell but a number's is written as text, so that no spreadsheet takes it for a formula, a date or a link:
nothing needs a guard here (E-52), and a leading zero or a plus stays.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import xlsxwriter

MOST_ROWS = 1_048_576  # of a sheet: then the next one begins (ECMA-376, as Excel limits it)
MOST_CHARACTERS = 32_767  # of a cell; longer text is cut, CSV and JSON lines hold all of it
_AS_TEXT = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}


class Workbook:
    """`numbers`: headings whose cells are numbers. `add` and `close` take time: call them in a thread."""

    def __init__(self, path: Path, header: Sequence[str], numbers: Collection[str] = ()) -> None:
        options = {"constant_memory": True, "tmpdir": str(path.parent), **_AS_TEXT}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._header = list(header)
        self._numbers = [name in numbers for name in header]
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        self._row = 0
        self._write(self._header, [False] * len(self._header))

    def _write(self, cells: Sequence[str], numbers: Sequence[bool]) -> None:
        for column, (cell, is_number) in enumerate(zip(cells, numbers, strict=True)):
            if cell and is_number:
                self._sheet.write_number(self._row, column, float(cell))
            elif cell:
                self._sheet.write_string(self._row, column, cell[:MOST_CHARACTERS])
        self._row += 1

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Rows, given by columns of equal length."""
        for cells in zip(*columns, strict=True):
            if self._row == MOST_ROWS:
                self._begin_sheet()
            self._write(cells, self._numbers)

    def close(self) -> None:
        self._book.close()

    def abandon(self) -> None:
        """Lets go of the rows' files without making the workbook; harmless after `close`."""
        for sheet in self._book.worksheets():
            sheet.row_data_fh.close()
