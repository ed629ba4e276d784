"""Guesses of columns and fields, and the rules a chosen mapping keeps."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lists import csv_mapping
from lists.csv_mapping import ColumnMapping, guess, guess_type, slug
from lists.field_values import FieldType
from mailer.core.errors import Invalid


def targets(header: str, *rows: str) -> list[str]:
    sample = [row.split(";") for row in rows]
    fields = {"code_postal": ("Code postal", FieldType.TEXT)}
    return [found.target for found in guess(header.split(";"), sample, fields)]


@pytest.mark.parametrize(
    "header",
    [
        "E-mail;Prénom;Nom;Langue",
        "Courriel;PRENOM;Nom de famille;langue",
        "Adresse mail;prénoms;NOM;Lang",
        "Adresse e-mail;Prenom;nom usuel;Locale",
        "Email Address;First Name;Last Name;Language",
        "EMAIL;FIRSTNAME;LASTNAME;LANGUAGE",
        "e_mail;given-name;Surname;preferred_language",
    ],
)
def test_headings_in_french_and_english(header: str) -> None:
    row = "jean@exemple.fr;Jean;Dupont;fr"
    assert targets(header, row) == ["email", "first_name", "last_name", "language"]


def test_address_column_is_found_by_its_cells_without_a_heading() -> None:
    assert targets("Qui;Quoi", "Jean;jean@exemple.fr", "Anne;anne@exemple.fr")[1] == "email"
    assert targets("A;B", "x;y") == ["a", "b"]


def test_of_two_address_columns_the_one_with_addresses_is_taken() -> None:
    assert targets("E-mail;Courriel;Nom", ";a@b.fr;x", ";c@d.fr;y") == ["", "email", "last_name"]


def test_known_fields_new_fields_and_what_stays_out() -> None:
    header = "E-mail;Code Postal;Date de naissance;Vide;LEID;OPTIN_IP"
    found = guess(
        header.split(";"),
        [["a@b.fr", "01000", "31/12/1980", "", "7", "10.0.0.1"]],
        {"code_postal": ("Code postal", FieldType.TEXT)},
    )
    assert [(g.target, g.new, g.type) for g in found] == [
        ("email", False, FieldType.TEXT),
        ("code_postal", False, FieldType.TEXT),
        ("date_de_naissance", True, FieldType.DATE),
        ("", False, FieldType.TEXT),
        ("", False, FieldType.NUMBER),
        ("", False, FieldType.TEXT),
    ]
    assert found[2].samples == ("31/12/1980",)


def test_a_target_is_proposed_once() -> None:
    assert targets("E-mail;Nom;Last name;Ville;ville", "a@b.fr;x;y;u;v") == [
        "email", "last_name", "", "ville", "ville_2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "12,5", "1 200"], FieldType.NUMBER),
        (["0612345678", "0712345678"], FieldType.TEXT),
        (["+33612345678"], FieldType.TEXT),
        (["01000", "75001"], FieldType.TEXT),
        (["2026-11-22", "01/02/2026"], FieldType.DATE),
        (["Oui", "non"], FieldType.BOOLEAN),
        (["0", "1"], FieldType.NUMBER),
        (["a|b", "c"], FieldType.LIST),
        (["12", "douze"], FieldType.TEXT),
        ([], FieldType.TEXT),
    ],
)
def test_type_is_the_narrowest_that_fits_all(cells: list[str], kind: FieldType) -> None:
    assert guess_type(cells) is kind


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Date d'inscription", "date_d_inscription"),
        ("  Œuvre préférée ", "oeuvre_preferee"),
        ("2e adresse", "e_adresse"),
        ("N° client", "n_client"),
        ("x" * 60, "x" * 40),
    ],
)
def test_key_of_a_label(label: str, key: str) -> None:
    assert slug(label) == key


@pytest.mark.parametrize(
    ("label", "code"),
    [("E-mail?", ""), ("Email", "reserved"), ("First name", "reserved"), ("ID", "reserved"),
     ("Items", "reserved"),      ("unsubscribe url", "reserved"),
     ("12", "no_letter"), ("€€", "no_letter"), ("名前", "no_letter")],
)  # fmt: skip
def test_reserved_and_letterless_labels_are_refused(label: str, code: str) -> None:
    if not code:
        assert slug(label) == "e_mail"
        return
    with pytest.raises(Invalid) as caught:
        slug(label)
    assert caught.value.faults[0].code == code


@given(st.text(max_size=50), st.lists(st.sampled_from(["field", "a", "a_2", "id_2"]), max_size=4))
def test_any_heading_gets_a_free_lawful_key(heading: str, taken: list[str]) -> None:
    key = csv_mapping.free_key(heading, taken)
    assert re.fullmatch("[a-z][a-z0-9_]{0,39}", key)
    assert key not in taken
    assert key not in csv_mapping.RESERVED


def test_mapping_needs_one_address_and_no_target_twice() -> None:
    def code(*chosen: str) -> str:
        with pytest.raises(Invalid) as caught:
            ColumnMapping(("Mail", "", "Nom"), chosen)
        fault = caught.value.faults[0]
        assert fault.message.format(**fault.params)
        return fault.code

    assert code("", "first_name", "") == "no_email"
    assert code("email", "email", "") == "twice"
    assert code("email", "ville", "ville") == "twice"
    mapping = ColumnMapping(("Mail", "", "Nom"), ("", "email", "last_name"))
    assert (mapping.email, mapping.others) == (1, ((2, "last_name"),))
    assert [mapping.heading(i) for i in range(4)] == ["Mail", "B", "Nom", "D"]


def test_columns_are_lettered_as_in_spreadsheets() -> None:
    assert [csv_mapping.letter(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
