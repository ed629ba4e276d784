"""Detection: French files first; nothing that is no table gets through."""

import io
import zipfile

import pytest

from lists import csv_detect, csv_rows
from lists.csv_detect import Detected, Unreadable, detect

ROWS = "E-mail;Prénom;Ville\r\njean@exemple.fr;Zoé;Nîmes\r\nanne@exemple.fr;Loïc;Besançon\r\n"


def refused(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        detect(data)
    return caught.value.code


def data_rows(data: bytes, found: Detected) -> list[list[str]]:
    rows = csv_rows.read(
        [data[found.first_offset :]],
        encoding=found.encoding,
        delimiter=found.delimiter,
        offset=found.first_offset,
        line=found.first_line,
    )
    return [row.cells for row in rows if isinstance(row, csv_rows.Record)]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (ROWS.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + ROWS.encode(), "utf-8"),
        (b"\xff\xfe" + ROWS.encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + ROWS.encode("utf-16-be"), "utf-16-be"),
        (ROWS.encode("utf-16-le"), "utf-16-le"),
        (ROWS.encode("utf-16-be"), "utf-16-be"),
        (ROWS.encode("cp1252"), "cp1252"),
    ],
)
@pytest.mark.req("E-53")
def test_encodings_of_spreadsheets(data: bytes, encoding: str) -> None:
    found = detect(data)
    assert (found.encoding, found.delimiter, found.has_header) == (encoding, ";", True)
    assert found.header == ["E-mail", "Prénom", "Ville"]
    assert found.sample == [["jean@exemple.fr", "Zoé", "Nîmes"], ["anne@exemple.fr", "Loïc", "Besançon"]]
    assert data_rows(data, found) == found.sample


@pytest.mark.parametrize(
    "text",
    [
        "Émilie",
        "Prénom",
        "Besançon, Nîmes, Orléans",
        "D’Être « cité » — 12 € … n° 5",
        "L'œuvre où l'été a été très sûr",
        "Noël à Évreux, forêt, hôpital, maïs, où, ça",
        "Muñoz Müller Søren Åke",
    ],
)
@pytest.mark.req("E-53")
def test_short_french_text_in_cp1252_is_called_so(text: str) -> None:
    data = f"mail;nom\na@b.fr;{text}\n".encode("cp1252")
    assert detect(data).encoding == "cp1252"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Łukasz Żółć mieszka w Łodzi i lubi gęś, źrebię oraz święta w Częstochowie"),
        ("cp1250", "Małgorzata Wójcik, Łódź"),
        ("mac-roman", "Zoé de Nîmes"),
        ("cp850", "Zoé préférait la forêt"),
        ("cp1251", "Иван Иванович Петров живёт в Москве и любит читать хорошие книги"),
        ("cp1253", "Ο Γιώργος μένει στην Αθήνα και του αρέσει να διαβάζει βιβλία"),
        ("mac-roman", "L'été où Zoé préférait la forêt près de Besançon, c'était très gênant"),
    ],
)
@pytest.mark.req("E-53")
def test_other_code_pages_are_told_apart(encoding: str, text: str) -> None:
    data = "".join(["mail;note\n", *(f"a{n}@b.fr;{text}\n" for n in range(5))]).encode(encoding)
    found = detect(data)
    assert found.sample[0] == ["a0@b.fr", text]


def test_accents_that_come_after_64_kb_are_seen_when_they_are_given() -> None:
    plain = "".join(f"a{n}@exemple.fr;Paris\n" for n in range(5000))
    data = ("mail;ville\n" + plain + "z@exemple.fr;Nîmes\n").encode("cp1252")
    assert len(data) > csv_detect.HEAD
    assert detect(data).encoding == "cp1252"


def test_utf_8_cut_in_a_character_and_with_one_bad_line_stays_utf_8() -> None:
    good = ("mail;ville\n" + "a@b.fr;Nîmes\n" * 20).encode()
    assert detect(good + "x@y.fr;é".encode()[:-1]).encoding == "utf-8"
    assert detect(good + b"x@y.fr;\xe9\n" + good).encoding == "utf-8"


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("mail;nom\na@b.fr;Dupont, Jean\nc@d.fr;Petit, Anne, Marie\n", ";"),
        ("mail,nom\na@b.fr,x;y;z\nc@d.fr,x;y\n", ","),
        ("nom\tmail\nDupont; Jean\ta@b.fr\n", "\t"),
        ("mail|n|v\na@b.fr|1,5|2;3\n", "|"),
        ('"nom; usuel","mail"\n"a;b;c","a@b.fr"\n', ","),
        ("nom;prix;poids\nx;1,5;2,5\ny;1,5;3,5\n", ";"),
    ],
)
@pytest.mark.req("E-53")
def test_separator_is_the_one_that_makes_columns(text: str, delimiter: str) -> None:
    assert detect(text.encode()).delimiter == delimiter


def test_a_single_column_of_addresses() -> None:
    found = detect(b"a@b.fr\nc@d.fr\n")
    assert (found.has_header, found.header, found.sample) == (False, ["A"], [["a@b.fr"], ["c@d.fr"]])
    assert (found.first_offset, found.first_line) == (0, 1)


def test_the_separator_line_of_excel_is_no_row() -> None:
    data = b"\xef\xbb\xbfsep=,\r\nmail,nom\r\na@b.fr,x;y\r\n"
    found = detect(data)
    assert (found.delimiter, found.header, found.first_line) == (",", ["mail", "nom"], 3)
    assert data_rows(data, found) == [["a@b.fr", "x;y"]]


def test_missing_headings_get_letters_and_empty_columns_at_the_end_go() -> None:
    found = detect(b"mail;;ville;;\na@b.fr;x;y;;\n")
    assert found.header == ["mail", "B", "ville"]


def test_the_sample_holds_fifty_rows_and_none_that_is_cut() -> None:
    data = b"mail;nom\n" + b"".join(b"a%d@exemple.fr;nom\n" % n for n in range(10_000))
    found = detect(data[: csv_detect.HEAD])
    assert len(found.sample) == 50
    long = b"mail;nom\n" + b"".join(b'a%d@exemple.fr;"%s"\n' % (n, b"x" * 9000) for n in range(20))
    assert {len(row[1]) for row in detect(long[: csv_detect.HEAD]).sample} == {9000}


def test_the_persons_choice_wins() -> None:
    found = detect("mail;nom,x\na@b.fr;Ã©,y\n".encode("cp1252"), encoding="utf-8", delimiter=",")
    assert (found.encoding, found.delimiter, found.header) == ("utf-8", ",", ["mail;nom", "x"])


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        archive(),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
        b"%PDF-1.7\n%\xe2\xe3",
        bytes(range(256)) * 20,
        b"\x7fELF\x02\x01\x01" + bytes(200),
        b"\x01\x02\x03\x04\x05;\x06\n" * 50,
        b'{"email": "a@b.fr"}\n',
    ],
)
@pytest.mark.req("E-51", "E-53")
def test_what_is_no_table_is_unreadable(data: bytes) -> None:
    assert refused(data) == "unreadable"


@pytest.mark.parametrize("data", [b"", b"\n\r\n  \n"])
def test_empty_files_are_said_to_be_empty(data: bytes) -> None:
    assert refused(data) == "empty"
