"""Workbooks as people and programs write them, and as nobody should."""

import io
import zipfile

import pytest

from lists import table_detect, table_rows, xlsx
from lists.csv_detect import Detected, Unreadable
from tests.importing import workbooks
from tests.importing.workbooks import book, cell, row, sheet, texts


def rows_of(data: bytes, name: str = "") -> list[tuple[int, list[str]]]:
    with xlsx.Workbook(io.BytesIO(data)) as opened:
        return [(one.line, list(one.cells)) for one in opened.rows(name)]


def cells_of(*cells: str, **more: object) -> list[str]:
    return rows_of(book({"A": sheet(row(1, *cells))}, **more))[0][1]  # type: ignore[arg-type]


def detected(data: bytes, name: str = "") -> Detected:
    return table_detect.workbook(io.BytesIO(data), sheet=name)


def refused(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        detected(data)
    return caught.value.code


@pytest.mark.req("E-53")
def test_a_number_reads_as_the_spreadsheet_shows_it() -> None:
    found = cells_of(
        cell("A1", 46022, style=1),  # 31/12/2025
        cell("B1", 1000, style=2),  # postcode 01000
        cell("C1", 612345678, style=3),  # phone 06 12 34 56 78
        cell("D1", 1234.5, style=4),  # 1 234,50 €
        cell("E1", 46022.604166666664, style=5),
        cell("F1", 0.30000000000000004),
        cell("G1", "1E+20", kind="n"),
        cell("H1", 1, kind="b"),
        cell("I1", -12),
        cell("J1", 46022, style=0),
        cell("K1", 1.5, style=6),
    )
    assert found == [
        "2025-12-31", "01000", "0612345678", "1234.5", "2025-12-31 14:30", "0.3", "100000000000000000000", "true",
        "-12", "46022", "36:00",
    ]  # fmt: skip


def test_days_are_counted_from_1900_with_its_false_leap_day_or_from_1904() -> None:
    first, false_day, march = (cell(f"{c}1", n, style=1) for c, n in (("A", 1), ("B", 60), ("C", 61)))
    assert cells_of(first, cell("C1", 61, style=1)) == ["1900-01-01", "", "1900-03-01"]
    assert table_rows.is_flaw(cells_of(false_day, march)[1])
    assert cells_of(cell("A1", 44560, style=1), since_1904=True) == ["2025-12-31"]
    assert table_rows.is_flaw(cells_of(cell("A1", 1e12, style=1))[0])


def test_texts_come_shared_rich_escaped_and_in_place() -> None:
    strings = [
        "<t>Zoé</t>",
        "<r><t>Saint</t></r><r><t>-Étienne</t></r><rPh><t>yomi</t></rPh>",
        "<t>a_x000A_b</t>",
    ]
    found = cells_of(
        cell("A1", 0, kind="s"),
        cell("B1", 1, kind="s"),
        cell("C1", 2, kind="s"),
        cell("E1", "=1+1"),
        cell("F1", "résultat", kind="str"),
        strings=strings,
    )
    assert [table_rows.plain(one) for one in found] == [
        "Zoé",
        "Saint-Étienne",
        "a\nb",
        "",
        "=1+1",
        "résultat",
    ]


@pytest.mark.req("E-53")
def test_a_cell_that_cannot_be_used_says_why() -> None:
    found = cells_of(
        cell("A1", "#N/A", kind="e"),
        '<c r="B1"><f>SUM(A2:A9)</f></c>',
        cell("C1", 9, kind="s"),
        cell("D1", "x\x1fy".replace("\x1f", "_x001F_")),
        cell("E1", "1e999", kind="n"),
    )
    assert all(map(table_rows.is_flaw, found))
    assert [one.split("\x1f")[1] for one in found] == [
        "cell_error", "no_result", "character", "character", "number_range",
    ]  # fmt: skip


def test_rows_keep_their_numbers_and_merged_cells_their_first_value() -> None:
    data = book(
        {
            "A": sheet(
                texts(2, "x"),
                row(5, cell("C5", "y")),
                after='<mergeCells><mergeCell ref="A2:B4"/></mergeCells>',
            )
        }
    )
    assert rows_of(data) == [(2, ["x"]), (5, ["", "", "y"])]
    unnumbered = book({"A": f'<worksheet xmlns="{workbooks.MAIN}"><sheetData><row><c t="str"><v>a</v></c><c/>'
                            '<c t="str"><v>b</v></c></row><row><c t="str"><v>c</v></c></row></sheetData></worksheet>'})  # fmt: skip
    assert rows_of(unnumbered) == [(1, ["a", "", "b"]), (2, ["c"])]


def test_the_heading_is_found_under_titles_and_the_sheet_that_holds_something() -> None:
    people = sheet(
        texts(1, "Clients de la boutique"),
        texts(3, "E-mail", "Prénom", "Ville"),
        texts(4, "pas une adresse", "Zoé", "Lyon"),
        texts(5, "ana@exemple.test", "Ana", "Caen"),
    )
    found = detected(book({"Vide": sheet(), "Secret": people, "Clients": people}, hidden=["Secret"]))
    assert (found.format, found.sheet, found.sheets) == ("xlsx", "Clients", ("Vide", "Clients"))
    assert (found.header, found.first_line, found.has_header) == (["E-mail", "Prénom", "Ville"], 4, True)
    assert found.sample == [["pas une adresse", "Zoé", "Lyon"], ["ana@exemple.test", "Ana", "Caen"]]
    bare = detected(
        book({"A": sheet(texts(3, "ana@exemple.test", "Ana"), texts(4, "zoe@exemple.test", "Zoé"))})
    )
    assert (bare.header, bare.has_header, bare.first_line) == (["A", "B"], False, 3)


@pytest.mark.req("E-51")
def test_what_is_no_workbook_says_what_it_is() -> None:
    def zipped(**parts: bytes) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for path, data in parts.items():
                archive.writestr(path.replace("__", "/").replace("_", "."), data)
        return file.getvalue()

    old = xlsx.COMPOUND + b"\0" * 2000
    head = bytearray(old)
    head[30:32] = (9).to_bytes(2, "little")
    locked = bytes(head[:512]) + "EncryptedPackage".encode("utf-16-le") + b"\0" * 500
    assert refused(old) == "old_workbook"
    assert refused(locked) == "locked"
    assert (
        refused(zipped(content_xml=b"<x/>", mimetype=b"application/vnd.oasis.opendocument.spreadsheet"))
        == "open_document"
    )
    assert refused(zipped(liste_csv=b"a;b")) == "archive"
    assert refused(zipped(xl__workbook_bin=b"")) == "binary_workbook"
    whole = workbooks.table([["E-mail"], ["ana@exemple.test"]])
    assert refused(whole[: len(whole) // 2]) == "damaged"
    assert refused(book({"A": "<worksheet><sheetData><row"})) == "damaged"
    assert refused(book({"A": sheet()})) == "empty"
    with pytest.raises(Unreadable, match="no_sheet"):
        detected(whole, "Autre")


@pytest.mark.req("E-51", "E-55")
def test_bombs_end_before_they_fill_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + sheet(
        texts(1, "x")
    )
    assert refused(book({"A": laughs})) == "damaged"
    far = sheet(texts(1, "x@y.test"), row(1_048_576, cell("XFD1048576", "far")))
    assert rows_of(book({"A": far}))[0] == (1, ["x@y.test"])
    wide = sheet(row(1, *(cell(f"{a}{b}1", "x") for a in "ABCDEFGH" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")))
    with xlsx.Workbook(io.BytesIO(book({"A": wide}))) as opened:
        assert [(one.line, one.fault) for one in opened.rows()] == [(1, "many_columns")]
    assert refused(book({"A": sheet(row(2), texts(1, "back"))})) == "damaged"
    assert refused(book({"A": sheet(texts(2_000_000, "beyond"))})) == "damaged"
    monkeypatch.setattr(xlsx, "MAX_UNPACKED", 300_000)
    assert refused(book({"A": sheet(texts(1, "x" * 400_000))})) == "too_big"
    monkeypatch.setattr(xlsx, "MAX_UNPACKED", 10_000_000)
    monkeypatch.setattr(xlsx, "MAX_ROW_BYTES", 200_000)
    assert refused(book({"A": sheet(texts(1, "x" * 400_000))})) == "damaged"


def test_a_huge_cell_is_cut_where_the_check_will_refuse_it() -> None:
    assert [len(one) for one in cells_of(cell("A1", "é" * 32_000), cell("B1", 0, kind="s"), strings=[f"<t>{'x' * 32_000}</t>"])] == [
        10_001, 10_001,
    ]  # fmt: skip


@pytest.mark.req("E-51")
def test_shared_texts_are_read_as_far_as_they_are_asked_for() -> None:
    strings = [f"<t>nom {n}</t>" for n in range(9_000)]
    rows = [
        row(n, cell(f"A{n}", n - 1, kind="s"), cell(f"B{n}", 9_000 - n, kind="s")) for n in range(1, 9_001)
    ]
    rows.append(
        row(
            9_001,
            cell("A9001", 9_000, kind="s"),
            cell("B9001", -1, kind="s"),
            cell("C9001", 10**30, kind="s"),
        )
    )
    found = rows_of(book({"A": sheet(*rows)}, strings=strings))
    assert found[:-1] == [(n, [f"nom {n - 1}", f"nom {9_000 - n}"]) for n in range(1, 9_001)]
    assert all(map(table_rows.is_flaw, found[-1][1]))
    # a broken end of the texts does not hinder a look at the first rows
    broken = book({"A": sheet(*rows[:9_000:9_000])}, strings=[*strings, "<t>"])
    with xlsx.Workbook(io.BytesIO(broken)) as opened:
        assert len(list(opened.rows())) == 1
