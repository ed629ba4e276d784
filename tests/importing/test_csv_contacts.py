"""A row becomes a contact with typed values, or one reject that says where and why, masked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lists import csv_mapping, field_values
from lists.csv_contacts import Checker, ContactRow, Reject, to_contact
from lists.csv_mapping import ColumnMapping
from lists.csv_rows import Record
from lists.field_values import FieldType, Value, ValueFault
from mailer.core.errors import Invalid

HEADER = ("E-mail", "Prénom", "Nom", "Langue", "Ville", "Points", "Depuis", "Client", "Goûts")
TARGETS = ("email", "first_name", "last_name", "language", "ville", "points", "depuis", "client", "gouts")
TYPES = dict(zip(TARGETS[4:], list(FieldType)[:5], strict=True))
MAPPING = ColumnMapping(HEADER, TARGETS)


def check(*cells: str, mapping: ColumnMapping = MAPPING) -> ContactRow | Reject:
    return to_contact(Record(7, 100, 8, list(cells)), mapping, TYPES)


@pytest.mark.req("E-53")
def test_a_full_row() -> None:
    assert check(
        "\u00a0Jean@Exemple.FR ", "Jean\u00a0Loïc\n", "D'Être\u202f", "Français", "Nîmes\nSud",
        "1\u202f234,5", "31/12/2024", "oui", "vin| thé ||vin",
    ) == ContactRow(
        7, "Jean@Exemple.FR", "jean@exemple.fr", "Jean Loïc", "D'Être", "fr",
        {"ville": "Nîmes\nSud", "points": 1234.5, "depuis": "2024-12-31", "client": True,
         "gouts": ["vin", "thé"]},
    )  # fmt: skip


def test_empty_and_missing_cells_say_nothing() -> None:
    assert check("a@b.fr", " ", "", "\u00a0") == ContactRow(7, "a@b.fr", "a@b.fr", None, None, None, {})


def test_columns_that_go_nowhere_are_not_read() -> None:
    mapping = ColumnMapping(("x", "E-mail"), ("", "email"))
    assert check("\0", "a@b.fr", mapping=mapping) == ContactRow(7, "a@b.fr", "a@b.fr", None, None, None, {})


@pytest.mark.parametrize(
    ("cells", "column", "code", "value"),
    [
        (["jean@exemple"], "E-mail", "incomplete", "j•••@exemple"),
        ([""], "E-mail", "empty", ""),
        ([], "E-mail", "empty", ""),
        (["Jean Dupont <jean@exemple.fr>"], "E-mail", "brackets", "J•••@exemple.fr>"),
        (["a@b.fr", "x" * 201], "Prénom", "name_too_long", "x•••"),
        (["a@b.fr", "", "Du\x07pont"], "Nom", "character", "D•••"),
        (["a@b.fr", "", "", "de"], "Langue", "language", "d•••"),
        (["a@b.fr", "", "", "", "a\0b"], "Ville", "character", "a•••"),
        (["a@b.fr", "", "", "", "", "douze"], "Points", "number", "d•••"),
        (["a@b.fr", "", "", "", "", "", "31/02/2024"], "Depuis", "date", "3•••"),
        (["a@b.fr", "", "", "", "", "", "", "peut-être"], "Client", "boolean", "p•••"),
        (["a@b.fr", "", "", "", "", "", "", "", "|".join(map(str, range(101)))], "Goûts", "list", "0•••"),
        (["a@b.fr", *[""] * 8, "décalé"], "", "columns", ""),
    ],
)
@pytest.mark.req("E-53")
def test_rejects_name_line_column_and_reason_with_the_value_masked(
    cells: list[str], column: str, code: str, value: str
) -> None:
    reject = check(*cells)
    assert isinstance(reject, Reject)
    assert (reject.line, reject.column_name, reject.code, reject.value) == (7, column, code, value)
    assert reject.message.format(**reject.params)
    long = [cell for cell in cells if len(cell) > 3 and cell != "a@b.fr"]
    assert not any(cell in str(reject) for cell in long)


def test_more_cells_that_are_empty_are_no_fault() -> None:
    assert isinstance(check("a@b.fr", *[""] * 12), ContactRow)


def test_a_mapping_to_a_field_that_is_gone_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        Checker(ColumnMapping(("a", "b"), ("email", "parti")), TYPES)
    assert caught.value.faults[0].code == "no_such_field"


@pytest.mark.parametrize(
    ("text", "comma", "value"),
    [
        ("12", True, 12), ("-3", True, -3), ("+5", True, 5), ("12,5", True, 12.5), ("12.5", True, 12.5),
        ("12,5", False, 12.5), ("1,234", True, 1.234), ("1,234", False, 1234), ("1.234", False, 1.234),
        ("1,234.5", True, 1234.5), ("1.234,5", False, 1234.5), ("1,234,567", True, 1234567),
        ("1.234.567", False, 1234567), ("1 234 567,8", True, 1234567.8), ("1\u202f234", True, 1234),
        ("1\u00a0234,567", False, 1234.567), ("1’234.5", True, 1234.5), ("007", True, 7),
        ("9007199254740992", True, 2**53),
    ],
)  # fmt: skip
def test_numbers_in_french_and_english(text: str, comma: bool, value: float) -> None:
    found = field_values.number(text, decimal_comma=comma)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["", "douze", "1,2,3", "12 $", "1 23", "1e5", "nan", "1.2.3", "--1", "9007199254740993", "1/2",
             "0x1f", "1.2345678901234567", "١٢"],
)  # fmt: skip
def test_what_is_no_number_or_would_be_rounded_is_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        field_values.number(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-02-29", "2024-02-29"), ("29/02/2024", "2024-02-29"), ("1/2/2024", "2024-02-01"),
        ("01-02-2024", "2024-02-01"), ("01.02.2024", "2024-02-01"), ("2024-02-29T10:00:00Z", "2024-02-29"),
        ("2024-02-29 10:00", "2024-02-29"), ("29/02/2024 10:00", "2024-02-29"),
    ],
)  # fmt: skip
def test_dates_are_iso_or_day_first(text: str, value: str) -> None:
    assert field_values.day(text) == value


@pytest.mark.parametrize(
    "text", ["30/02/2024", "12/31/2024", "2024-13-01", "1/2/24", "hier", "0000-01-01", "20240229"]
)
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(ValueFault):
        field_values.day(text)


ITEMS = st.lists(
    st.text("ab|\\é ", min_size=1, max_size=5).map(str.strip).filter(bool), min_size=1, unique=True
)
VALUES: dict[FieldType, st.SearchStrategy[Value]] = {
    FieldType.TEXT: st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    FieldType.NUMBER: st.integers(-(2**53), 2**53)
    | st.decimals(-(10**9), 10**9, places=5).map(float).filter(lambda number: number % 1 != 0),
    FieldType.DATE: st.dates().map(str),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.LIST: ITEMS,
    FieldType.CHOICE: st.sampled_from(["S", "a|b", "Été"]),
    FieldType.CHOICES: st.lists(st.sampled_from(["S", "a|b", "Été"]), min_size=1, unique=True),
}


@given(st.data(), st.sampled_from(FieldType), st.booleans())
@pytest.mark.req("A-013", "E-52")
def test_every_value_comes_back_from_its_cell(data: st.DataObject, kind: FieldType, comma: bool) -> None:
    value = data.draw(VALUES[kind])
    assert (
        field_values.read(field_values.write(value), kind, decimal_comma=comma, options=["S", "a|b", "Été"])
        == value
    )


def test_no_value_is_an_empty_cell() -> None:
    assert field_values.write(None) == ""


@pytest.mark.req("E-53")
@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("1 234,50 €", 1234.5),
        ("1\u202f234,50\u00a0€", 1234.5),
        ("12 €", 12),
        ("€ 12.50", 12.5),
        ("-3,20€", -3.2),
    ],
)
def test_amounts_of_a_french_spreadsheet_are_numbers(cell: str, amount: float) -> None:
    assert field_values.read(cell, FieldType.NUMBER) == amount
    assert csv_mapping.guess_type([cell, "12"]) is FieldType.NUMBER


@pytest.mark.parametrize("cell", ["€", "1 € 2", "€€5"])
def test_a_sign_alone_is_no_amount(cell: str) -> None:
    with pytest.raises(field_values.ValueFault):
        field_values.read(cell, FieldType.NUMBER)
