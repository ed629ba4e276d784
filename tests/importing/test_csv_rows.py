"""Reading CSV: every row comes out once, with its line and its offset, or as a fault. Nothing is lost."""

import csv
import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lists import csv_rows
from lists.csv_rows import Fault, Limits, Position, Reader, Record, read


def rows_of(
    data: bytes, *, encoding: str = "utf-8", delimiter: str = ";", size: int = 0
) -> list[Record | Fault]:
    pieces = [data[i : i + size] for i in range(0, len(data), size)] if size else [data]
    return list(read(pieces, encoding=encoding, delimiter=delimiter))


def cells_of(rows: list[Record | Fault]) -> list[list[str]]:
    return [row.cells for row in rows if isinstance(row, Record)]


def faults_of(rows: list[Record | Fault]) -> list[tuple[int, str]]:
    return [(row.line, row.code) for row in rows if isinstance(row, Fault)]


def limited(data: bytes, limits: Limits) -> list[Record | Fault]:
    reader = Reader("utf-8", ";", limits=limits)
    return [*reader.feed(data), *reader.finish()]


FRENCH_EXCEL = (
    "E-mail;Prénom;Nom;Note\r\n"
    'jean@exemple.fr;Jean-Loïc;D’Être;"Deux lignes :\r\nl\'une\xa0; l’autre"\r\n'
    "zoé@exemple.fr;Zoé;Œuvré;12,50 €\r\n"
).encode("cp1252")


@pytest.mark.req("E-53")
def test_french_excel_file_keeps_accents_quoted_line_ends_and_lines() -> None:
    rows = rows_of(FRENCH_EXCEL, encoding="cp1252")
    assert cells_of(rows) == [
        ["E-mail", "Prénom", "Nom", "Note"],
        ["jean@exemple.fr", "Jean-Loïc", "D’Être", "Deux lignes :\r\nl'une\xa0; l’autre"],
        ["zoé@exemple.fr", "Zoé", "Œuvré", "12,50 €"],
    ]
    assert [row.line for row in rows] == [1, 2, 4]
    assert [row.next_line for row in rows] == [2, 4, 5]
    assert rows[-1].end_offset == len(FRENCH_EXCEL)


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")]
)
@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.req("E-53")
def test_unicode_with_its_mark(encoding: str, mark: bytes, size: int) -> None:
    data = mark + 'mail;nom\r\na@b.fr;"Zoé\n🙂;Ā਍"\n'.encode(encoding)
    rows = rows_of(data, encoding=encoding, size=size)
    assert cells_of(rows) == [["mail", "nom"], ["a@b.fr", "Zoé\n🙂;Ā਍"]]
    assert rows[-1].end_offset == len(data)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_and_blank_lines(end: str) -> None:
    rows = rows_of(end.join(["a;b", "", ";;", "c;d", "e;f"]).encode())
    assert cells_of(rows) == [["a", "b"], ["c", "d"], ["e", "f"]]
    assert [row.line for row in rows] == [1, 4, 5]


def test_blanks_before_quotes_and_doubled_quotes() -> None:
    assert cells_of(rows_of(b'"a"; "b;c"; d "e" f;"g ""h"""\n')) == [["a", "b;c", 'd "e" f', 'g "h"']]


CELLS = st.text("ab;,'\"\r\n\t =+-@é€\0|", max_size=8)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=4).filter(any), max_size=12)


@given(
    TABLES,
    st.sampled_from([";", ",", "\t", "|"]),
    st.integers(1, 40),
    st.sampled_from(["utf-8", "utf-16-le"]),
)
@settings(max_examples=150)
@pytest.mark.req("E-53")
def test_reads_what_the_standard_writer_wrote_whatever_the_pieces(
    table: list[list[str]], delimiter: str, size: int, encoding: str
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(table)
    data = out.getvalue().encode(encoding)
    rows = rows_of(data, encoding=encoding, delimiter=delimiter, size=size)
    assert cells_of(rows) == [[csv_rows.csv_write.unguard(cell) for cell in row] for row in table]


@given(st.binary(max_size=300) | st.text('a;"\n\r', max_size=60).map(str.encode), st.integers(0, 12))
@settings(max_examples=300)
@pytest.mark.req("E-53")
def test_resuming_after_any_row_gives_the_rest(data: bytes, after: int) -> None:
    rows = rows_of(data)
    if after >= len(rows):
        return
    row = rows[after]
    rest = list(
        read(
            [data[row.end_offset :]],
            encoding="utf-8",
            delimiter=";",
            offset=row.end_offset,
            line=row.next_line,
        )
    )
    if row.end_offset:
        assert rest == rows[after + 1 :]


@given(st.text('a;"\n', max_size=80), st.integers(1, 9))
@settings(max_examples=300)
def test_pieces_change_nothing_also_with_wrong_quotes(text: str, size: int) -> None:
    assert rows_of(text.encode(), size=size) == rows_of(text.encode())


@given(st.text('a;"\n', max_size=80))
@settings(max_examples=300)
@pytest.mark.req("E-53")
def test_no_line_with_content_is_dropped_in_silence(text: str) -> None:
    """Each line is inside a record or a fault, or blank: lines of rows never overlap and leave no gap."""
    lines = text.split("\n")
    covered: set[int] = set()
    for row in rows_of(text.encode()):
        span = set(range(row.line, row.next_line))
        assert span
        assert not span & covered
        covered |= span
    missing = [line for n, line in enumerate(lines, 1) if n not in covered]
    # what has no letter may be a row of empty cells, perhaps quoted
    assert not [line for line in missing if "a" in line]


@pytest.mark.req("E-53")
def test_an_open_quote_costs_its_own_row_only() -> None:
    rows = rows_of(b'a@b.fr;x\nc@d.fr;"oops\ne@f.fr;y\ng@h.fr;z\n')
    assert cells_of(rows) == [["a@b.fr", "x"], ["e@f.fr", "y"], ["g@h.fr", "z"]]
    assert faults_of(rows) == [(2, "unclosed_quote")]


def test_an_open_quote_before_quoted_rows_costs_its_own_row_only() -> None:
    rows = rows_of(b'"a";"b\n"c";"d"\n"e";"f"\n')
    assert cells_of(rows) == [["c", "d"], ["e", "f"]]
    assert faults_of(rows) == [(1, "stray_quote")]


def test_text_behind_a_quote_is_a_fault_of_its_row() -> None:
    rows = rows_of(b'a;b\n"Jean "Johnny" D";x\nc;d\n')
    assert cells_of(rows) == [["a", "b"], ["c", "d"]]
    assert faults_of(rows) == [(2, "stray_quote")]


@pytest.mark.req("E-53")
def test_a_line_in_another_encoding_is_a_fault_with_its_column() -> None:
    rows = rows_of("a;é\n".encode() + "b;é\n".encode("cp1252") + "c;è\n".encode())
    assert cells_of(rows) == [["a", "é"], ["c", "è"]]
    [fault] = [row for row in rows if isinstance(row, Fault)]
    assert (fault.line, fault.column, fault.code) == (2, 2, "encoding")
    assert "UTF-8" in fault.message.format(**fault.params)


@pytest.mark.req("E-51")
def test_limits_of_columns_cells_and_rows() -> None:
    limits = Limits(columns=3, cell=10, line=100, rows=4)
    data = b"a;b;c\na;b;c;d\n" + b"x" * 11 + b';y\n"' + b"y\n" * 6 + b'";z\nlast;1\nover;2\nmore;3\n'
    rows = limited(data, limits)
    assert cells_of(rows) == [["a", "b", "c"]]
    assert faults_of(rows) == [
        (2, "too_many_columns"),
        (3, "cell_too_long"),
        (4, "cell_too_long"),
        (11, "too_many_rows"),
    ]
    assert all(row.message.format(**row.params) for row in rows if isinstance(row, Fault))


@pytest.mark.req("E-51")
def test_limits_hold_at_their_edge() -> None:
    limits = Limits(columns=2, cell=10, line=30, rows=2)
    data = b"x" * 10 + b";" + b"y" * 10 + b"\n" + b"a;b\n"
    assert len(cells_of(limited(data, limits))) == 2


@pytest.mark.req("E-51")
def test_a_line_without_end_keeps_memory_flat_and_costs_one_row() -> None:
    """The 1 GB line, with a small limit: 32 MB of it against a limit of 100 kB."""
    reader = Reader("utf-8", ";", limits=Limits(line=100_000))
    piece = b"x" * 1_000_000

    def everything() -> Iterator[Record | Fault]:
        yield from reader.feed(b"a;b\n")
        for _ in range(32):
            yield from reader.feed(piece)
        yield from reader.feed(b"end\nc;d\n")
        yield from reader.finish()

    tracemalloc.start()
    rows = list(everything())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [type(row) for row in rows] == [Record, Fault, Record]
    assert faults_of(rows) == [(2, "line_too_long")]
    assert rows[-1] == Record(3, 4 + 32_000_000 + 4 + 4, 4, ["c", "d"])
    assert peak < 3_000_000


@pytest.mark.req("E-51")
def test_an_open_quote_in_a_large_file_keeps_memory_flat() -> None:
    limits = Limits(line=50_000)
    reader = Reader("utf-8", ";", limits=limits)
    good = b"".join(b"a%d@b.fr;x\n" % n for n in range(20_000))
    rows = [*reader.feed(b'c@d.fr;"oops\n'), *reader.feed(good), *reader.finish()]
    assert faults_of(rows) == [(1, "unclosed_quote")]
    assert len(cells_of(rows)) == 20_000


@pytest.mark.req("E-51")
def test_hostile_quotes_are_read_a_bounded_number_of_times() -> None:
    """Each line closes the quote of the one before and opens one: reading again must not cost the square."""

    class Counting(Reader):
        ends_of_faults = 0

        def _end_of_fault(self, first: int, after: int, ends: list[int]) -> int:
            end = super()._end_of_fault(first, after, ends)
            if end == first + 1:
                type(self).ends_of_faults += ends[after] - ends[end]
            return end

    limits = Limits(line=20_000)
    data = b'x";"z\n' * 60_000
    reader = Counting("utf-8", ";", limits=limits)
    rows = [*reader.feed(data), *reader.finish()]
    assert sum(row.next_line - row.line for row in rows) == 60_000
    assert limits.line < Counting.ends_of_faults <= len(data) + 4 * limits.line


def test_position_counts_bytes_lines_and_rows() -> None:
    reader = Reader("utf-8", ";", start=Position(100, 10, 5))
    rows = [*reader.feed(b'a;b\n"c\nd";e\n'), *reader.finish()]
    assert [(row.line, row.end_offset, row.next_line) for row in rows] == [(10, 104, 11), (11, 112, 13)]
    assert reader.position == Position(112, 13, 7)
