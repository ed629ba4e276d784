"""Forbidden data in a file is refused before anything of it is stored; odd addresses are counted and shown."""

import html
import json
import random

import pytest

from lists import import_guard, imports
from mailer.core.services import Services
from tests.contacts import forbidden_corpus as corpus
from tests.importing.importer import STATEMENT, Importer
from tests.importing.test_import_api import send
from tests.importing.test_import_pages import OPTIONS, selected, send_file
from tests.make import Account, Make

CARD = "4970101234567893"
NIR = "185057800608491"


def table(heading: str, cells: list[str]) -> bytes:
    rows = [f"person{n}@guard.test;Ville {n};{cell}" for n, cell in enumerate(cells)]
    return "\n".join([f"email;Ville;{heading}", *rows]).encode()


async def everything_kept(services: Services, account: Account) -> str:
    """All that the database holds of imports and contacts, but for the uploaded file itself."""
    async with services.db.account(account.id) as tx:
        rows = await tx.rows(
            """
            SELECT to_jsonb(i)::text FROM imports i WHERE account_id = $1
            UNION ALL SELECT to_jsonb(r)::text FROM import_rows r WHERE account_id = $1
            UNION ALL SELECT to_jsonb(r)::text FROM import_rejects r WHERE account_id = $1
            UNION ALL SELECT to_jsonb(c)::text FROM contacts c WHERE account_id = $1
            UNION ALL SELECT to_jsonb(a)::text FROM audit a WHERE account_id = $1
            UNION ALL
            SELECT convert_from(c.bytes, 'UTF8')
            FROM file_chunks c JOIN files f ON f.account_id = c.account_id AND f.id = c.file_id
            WHERE c.account_id = $1 AND f.kind = 'rejects'
            """
        )
    return "\n".join(text for (text,) in rows)


@pytest.mark.req("A-025", "A-026", "A-027")
@pytest.mark.parametrize("heading", ["diagnostic", "n° sécu", "allergies", "IBAN", "Carte bancaire"])
async def test_a_forbidden_heading_closes_its_column_and_hides_its_samples(
    services: Services, make: Make, heading: str
) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id, language="fr")
    sent = await send_file(person, account, table(heading, ["secret un", "secret deux"]))
    page = await person.get(sent.location)
    assert "Colonne fermée" in page.text
    assert "secret" not in page.text
    assert "Ville 1" in page.text
    # a form made by hand cannot open it either
    forged = selected(page.text) | {"target_2": "+", "label_2": "Autre", "type_2": "text"}
    await person.post(sent.location, forged)
    job = await Importer(services, account).show(int(sent.location.split("/")[-2]))
    assert [column.target for column in job.columns] == ["email", "ville", ""]
    assert "secret" not in await everything_kept(services, account)


@pytest.mark.req("A-025", "A-026")
@pytest.mark.parametrize("kind", ["NIR with its key", "card", "IBAN", "French tax number", "health"])
async def test_forbidden_samples_close_a_column_whatever_its_heading(
    services: Services, make: Make, kind: str
) -> None:
    account = await make.account()
    chance = random.Random(kind)
    cells = [corpus.FORBIDDEN[kind][1](chance) for _ in range(30)]
    import_id = await Importer(services, account).upload(table("Remarque", ["rien", *cells]))
    job = await Importer(services, account).show(import_id)
    assert [bool(one) for one in job.closed] == [False, False, True]
    assert [row[2] for row in job.sample] == [""] * 31


@pytest.mark.req("A-025", "A-026")
async def test_a_single_forbidden_cell_refuses_its_row_without_the_value(
    services: Services, make: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    account = await make.account(language="en")
    importer = Importer(services, account)
    cells = ["fine"] * 300
    cells[120] = f"carte {CARD}"
    cells[250] = NIR
    done = await importer.whole(table("Remarque", cells), new_list="All")
    assert (done.counts["created"], done.counts["errors"], done.counts["rows"]) == (298, 2, 300)
    kept = await everything_kept(services, account)
    assert "numéro de carte" in kept
    for secret in (CARD, NIR, CARD[:6], NIR[:6]):
        assert secret not in kept
    printed = capfd.readouterr()
    assert CARD not in printed.out + printed.err


@pytest.mark.req("A-025", "A-026")
async def test_a_column_that_turns_forbidden_is_closed_before_a_value_is_stored(
    services: Services, make: Make
) -> None:
    account = await make.account()
    importer = Importer(services, account)
    chance = random.Random(4)
    cells = ["fine"] * 400 + [corpus.card(chance) for _ in range(100)]
    checked = await importer.check(await importer.upload(table("Remarque", cells)), new_list="All")
    assert checked.closed_columns == {2: "card"}
    assert [column.target for column in checked.columns] == ["email", "ville", ""]
    assert (checked.counts["created"], checked.counts["errors"], checked.counts["rows"]) == (500, 0, 500)
    await importer.run(checked.id)
    assert {tuple(row[5]) for row in await importer.contacts()} == {("ville",)}
    person = await make.signed_in(account.owner_id, language="fr")
    page = await person.get(f"{account.app}/imports/{checked.id}/report")
    assert "1 colonne n’est pas importée" in page.text.replace("'", "&#39;")


@pytest.mark.req("A-025")
async def test_names_of_people_and_ordinary_columns_stay_open(services: Services, make: Make) -> None:
    account = await make.account()
    importer = Importer(services, account)
    chance = random.Random(9)
    rows = [
        f"p{n}@guard.test;Cancer;Sida;{corpus.siret(chance)};{corpus.french_phone(chance)}"
        for n in range(300)
    ]
    data = "\n".join(["email;prénom;nom;SIRET;Téléphone", *rows]).encode()
    done = await importer.whole(data, new_list="All")
    assert done.closed_columns == {}
    assert done.counts["created"] + done.counts["errors"] == 300
    assert done.counts["errors"] <= 2


@pytest.mark.req("A-025", "A-026")
async def test_programs_get_the_reason_of_a_closed_column(services: Services, make: Make) -> None:
    account = await make.account(language="en")
    program = await make.program(account.id)
    data = table("IBAN", ["FR7630006000011234567890189"])
    options = STATEMENT | {"new_list": "CRM"}
    mapping = {"email": {"to": "email"}, "IBAN": {"new_field": {"label": "Account"}}}
    refused = await send(program, data, options | {"mapping": mapping})
    assert refused.status == 422
    assert refused.json()["errors"][0]["code"] == "iban"
    unwanted = {"email": {"to": "email"}, "Ville": {"new_field": {"label": "Groupe sanguin"}}}
    refused = await send(program, data, options | {"mapping": unwanted})
    assert refused.json()["errors"][0]["code"] == "health"
    taken = (await send(program, data, options)).json()
    assert [one["heading"] for one in taken["closed_columns"]] == ["IBAN"]
    assert "FR7630006" not in json.dumps(taken)


@pytest.mark.req("D-84")
async def test_odd_addresses_are_counted_shown_and_left_out_when_asked(
    services: Services, make: Make
) -> None:
    account = await make.account()
    importer = Importer(services, account)
    person = await make.signed_in(account.owner_id, language="fr")
    people = ["ana@exemple.fr", "contact@exemple.fr", "zoe@gamil.com", "x@yopmail.com", "y@a.mailinator.com"]
    sent = await send_file(person, account, "\n".join(["email", *people]).encode())
    answer = await person.post(sent.location, selected((await person.get(sent.location)).text))
    checked = await person.post(answer.location, OPTIONS)
    await importer.turns("lists.check_import")
    page = html.unescape((await person.get(checked.location)).text)
    for words in ("1 adresse de service", "2 adresses jetables", "1 adresse qui semble mal saisie"):
        assert words in page
    examples = await person.get(f"{checked.location}?of=typo")
    assert "peut-être zoe@gmail.com" in examples.text
    again = await person.post(
        checked.location.replace("/check", "/leave-outs"), {"leave_out": ["typo", "disposable"]}
    )
    assert again.status == 303, again.text
    await importer.turns("lists.check_import")
    job = await importer.show(int(checked.location.split("/")[-2]))
    assert (job.counts["created"], job.counts["errors"]) == (2, 3)
    assert {flag: job.counts[flag] for flag in ("role", "disposable", "typo")} == {
        "role": 1, "disposable": 2, "typo": 1,
    }  # fmt: skip


def test_a_tally_goes_on_where_a_killed_turn_left_it() -> None:
    mapping = imports.ColumnMapping(("email", "Note"), ("email", "note"))
    guard = import_guard.Guard(mapping, {})
    guard.judge([["a@b.fr", CARD], ["b@b.fr", ""], ["c@b.fr", "x"]])
    assert guard.state == {"1": {"cells": 2, "card": 1}}
    later = import_guard.Guard(mapping, guard.state)
    later.judge([["d@b.fr", CARD], ["e@b.fr"], ["f@b.fr", CARD]])
    assert later.state == {"1": {"cells": 4, "card": 3}}
    with pytest.raises(import_guard.ColumnClosed):
        later.check_columns(ended=True)
