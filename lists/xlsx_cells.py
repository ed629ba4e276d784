"""A cell of a sheet → the text that the spreadsheet shows, as far as it tells something. Pure.

A number with the format `00000` is a postcode, with a date's format a day; both are stored as bare numbers.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol
from xml.etree import ElementTree

from lists import table_rows


class Texts(Protocol):
    def __getitem__(self, n: int) -> str: ...


class Shows(NamedTuple):
    """`digits`: how many a whole number has at least; `day`, `time`: what of an instant is shown.

    `elapsed`: hours beyond 24 are counted on.
    """

    digits: int = 0
    day: bool = False
    time: bool = False
    elapsed: bool = False


# ISO/IEC 29500-1 §18.8.30: formats that stand in no file
_BUILT_IN = {
    **dict.fromkeys((14, 15, 16, 17, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), Shows(day=True)),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47, 55, 56), Shows(time=True)),
    22: Shows(day=True, time=True),
}
# what a format shows as it stands: quoted, behind a backslash, colours and conditions in brackets
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_PLACES = re.compile(r"[#0]+")


def shows(number: str, own: Mapping[str, str]) -> Shows:
    """How the number format with this id shows numbers. `own`: the workbook's formats by id."""
    code = own.get(number)
    if code is None:
        return _BUILT_IN.get(int(number), Shows()) if number.isdecimal() else Shows()
    plain = _LITERAL.sub("", code.split(";")[0])
    letters = plain.casefold()
    if "general" not in letters and re.search("[dmyhs]", letters):
        return Shows(
            day=bool(re.search("[dy]", letters)),
            time=bool(re.search("[hs]", letters)),
            elapsed="[h" in letters,
        )
    places = plain.replace(" ", "").replace("-", "")
    if _PLACES.fullmatch(places) and "0" in places:
        return Shows(digits=len(places) - places.index("0"))
    return Shows()


_COLUMN = re.compile(r"([A-Za-z]{1,3})\d*")


def column_of(reference: str, *, default: int) -> int:
    """`A7` → 0, `AB7` → 27; `default` when the cell does not say where it stands."""
    found = _COLUMN.fullmatch(reference)
    if found is None:
        return default
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - 64
    return column - 1


_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def rich_text(element: ElementTree.Element) -> str:
    """The runs of a string without its reading aids (§18.4.6); `_x000D_` is a character XML cannot hold."""
    parts = []
    for one in element:
        name = one.tag.rpartition("}")[2]
        if name == "t":
            parts.append(one.text or "")
        elif name == "r":
            parts += [run.text or "" for run in one if run.tag.rpartition("}")[2] == "t"]
    text = "".join(parts)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class Reader:
    """`read(cell)` → its text as a cell of the table."""

    def __init__(self, strings: Texts, formats: list[Shows], *, since_1904: bool) -> None:
        self._strings, self._formats, self._since_1904 = strings, formats, since_1904

    def __call__(self, cell: ElementTree.Element) -> str:
        value, inline, formula = "", None, False
        for one in cell:
            name = one.tag.rpartition("}")[2]
            if name == "v":
                value = one.text or ""
            elif name == "is":
                inline = one
            elif name == "f":
                formula = True
        kind = cell.get("t", "n")
        if inline is not None:
            return table_rows.clean(rich_text(inline))
        if not value:
            # "str" without a value: the formula gives an empty text
            return table_rows.flaw("no_result") if formula and kind == "n" else ""
        match kind:
            case "s":
                try:
                    return self._strings[int(value)]
                except (ValueError, IndexError, OverflowError):
                    return table_rows.flaw("character")
            case "n":
                return self._number(value, cell.get("s", ""))
            case "b":
                return "true" if value == "1" else "false"
            case "e":
                return table_rows.flaw("cell_error", value[:10] if value.startswith("#") else "#")
            case _:
                # "str": the text that a formula gave; "d": an instant in ISO 8601
                return table_rows.clean(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), value))

    def _number(self, text: str, style: str) -> str:
        if text.isascii() and text.isdecimal() and len(text) <= 15 and style in ("", "0"):
            return text
        try:
            number = Decimal(text)
            # what a spreadsheet shows: 15 digits, so that 0.30000000000000004 is 0.3
            number = Decimal(format(float(number), ".15g")) if number.is_finite() else number
        except (ArithmeticError, ValueError):
            return table_rows.flaw("number_range", text)
        if not number.is_finite() or number.adjusted() > 300:
            return table_rows.flaw("number_range", text)
        index = int(style) if style.isascii() and style.isdecimal() else 0
        shown = self._formats[index] if index < len(self._formats) else Shows()
        if shown.day or shown.time:
            return self._instant(float(number), shown)
        plain = format(number, "f") if number else "0"
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
        return plain.zfill(shown.digits) if shown.digits and plain.isdecimal() else plain

    def _instant(self, days: float, shown: Shows) -> str:
        """Days since 1900, whose 29 February Lotus 1-2-3 invented, or since 1904 (§18.17.4)."""
        if not 0 <= days < 2_958_466:
            return table_rows.flaw("bad_date")
        seconds = round(days * 86_400)
        if self._since_1904:
            first = datetime(1904, 1, 1)  # noqa: DTZ001  a sheet knows no time zone
        elif days < 61:
            if days >= 60:
                return table_rows.flaw("bad_date")
            first = datetime(1899, 12, 31)  # noqa: DTZ001
        else:
            first = datetime(1899, 12, 30)  # noqa: DTZ001
        try:
            at = first + timedelta(seconds=seconds)
        except OverflowError:
            return table_rows.flaw("bad_date")
        clock = f"{at:%H:%M}" if at.second == 0 else f"{at:%H:%M:%S}"
        if shown.day:
            return f"{at:%Y-%m-%d} {clock}" if seconds % 86_400 and shown.time else f"{at:%Y-%m-%d}"
        return f"{seconds // 3600}{clock[2:]}" if shown.elapsed else clock
