"""Fields with options: chosen on the form, by API and in imports; renamed and deleted with their values."""

import html
import re
from typing import Any

import pytest

from lists import field_changes, field_counts, fields, jobs_fields
from lists.field_values import FieldType
from mailer.core.services import Services
from tests.client import Client
from tests.importing.importer import Importer
from tests.lists_pages.test_contact_pages import run_work
from tests.make import Account, Make


async def with_choices(services: Services, make: Make, *, language: str = "fr") -> tuple[Account, Client]:
    account = await make.account()
    person = await make.signed_in(account.owner_id, language=language)
    for label, kind, options in (
        ("Taille", "choice", "S\n M \n\nL"),
        ("Goûts", "choices", "Sucré\nSalé\nAmer"),
        ("Prix", "number", ""),
    ):
        made = await person.post(f"{account.app}/fields", {"label": label, "type": kind, "options": options})
        assert made.status == 303, made.text
    return account, person


async def stored(services: Services, account: Account) -> dict[str, dict[str, Any]]:
    async with services.db.account(account.id) as tx:
        rows = await tx.rows("SELECT email, fields FROM contacts WHERE account_id = $1 ORDER BY email")
    return dict(rows)


async def id_of(services: Services, account: Account, key: str) -> int:
    async with services.db.account(account.id) as tx:
        return next(one.id for one in await fields.many(tx) if one.key == key)


@pytest.mark.req("S14")
async def test_a_contact_form_offers_the_options(services: Services, make: Make) -> None:
    account, person = await with_choices(services, make)
    form = html.unescape((await person.get(f"{account.app}/contacts/new")).text)
    assert re.findall(r'<option value="(S|M|L)"', form) == ["S", "M", "L"]
    assert re.findall(r'type="checkbox"[^>]*name="fields.gouts" value="(\w+)"', form) == [
        "Sucré",
        "Salé",
        "Amer",
    ]
    made = await person.post(
        f"{account.app}/contacts",
        {
            "email": "a@choice.test",
            "fields.taille": "m",
            "fields.gouts": ["", "Salé", "Amer"],
            "fields.prix": "12,5",
        },
    )
    assert made.status == 303, made.text
    assert await stored(services, account) == {
        "a@choice.test": {"taille": "M", "gouts": ["Salé", "Amer"], "prix": 12.5}
    }
    edit = html.unescape((await person.get(f"{made.location}/edit")).text)
    assert 'value="12,5"' in edit
    assert re.findall(r'value="(\w+)" checked', edit) == ["Salé", "Amer"]
    shown = html.unescape((await person.get(made.location)).text)
    assert "Salé, Amer" in shown
    # nothing ticked takes the value away
    seen = re.search(r'name="seen" value="([^"]+)"', edit)
    assert seen
    values = {"email": "a@choice.test", "fields.gouts": [""], "fields.taille": "", "seen": seen[1]}
    assert (await person.post(f"{made.location}/edit", values)).status == 303
    assert await stored(services, account) == {"a@choice.test": {"prix": 12.5}}


async def test_an_english_reader_writes_decimals_with_a_point(services: Services, make: Make) -> None:
    account, person = await with_choices(services, make, language="en")
    await person.post(f"{account.app}/contacts", {"email": "a@choice.test", "fields.prix": "1,234.5"})
    await person.post(f"{account.app}/contacts", {"email": "b@choice.test", "fields.prix": "1,234"})
    found = await stored(services, account)
    assert [one["prix"] for one in found.values()] == [1234.5, 1234]


async def test_what_is_no_option_is_refused_with_the_options(services: Services, make: Make) -> None:
    account, person = await with_choices(services, make)
    page = await person.post(
        f"{account.app}/contacts",
        {"email": "a@choice.test", "fields.taille": "XL", "fields.gouts": ["", "Doux"]},
    )
    assert page.status == 422
    assert html.unescape(page.text).count("Écrivez l’une de celles-ci") == 4  # twice each: summary and field
    assert "S, M, L" in page.text
    program = await make.program(account.id)
    new = {"email": "a@choice.test", "fields": {"taille": "XL", "gouts": ["Salé", "Doux"]}}
    refused = (await program.post("/api/v1/contacts", json=new)).json()["errors"]
    assert [(one["field"], one["code"]) for one in refused] == [
        ("fields.taille", "option"),
        ("fields.gouts", "option"),
    ]
    made = await program.post(
        "/api/v1/contacts", json=new | {"fields": {"taille": "l", "gouts": ["amer", "AMER"]}}
    )
    assert made.json()["fields"] == {"taille": "L", "gouts": ["Amer"]}


@pytest.mark.parametrize(
    ("new", "field"),
    [
        ({"label": "A", "type": "choice"}, "options"),
        ({"label": "A", "type": "choice", "options": ["x", "X"]}, "options"),
        ({"label": "A", "type": "text", "options": ["x"]}, "options"),
        ({"label": "A", "type": "choices", "options": ["Diabétique", "Sain"]}, "options"),
    ],
)
async def test_a_choice_that_cannot_be_made(make: Make, new: dict[str, Any], field: str) -> None:
    account = await make.account()
    program = await make.program(account.id)
    refused = await program.post("/api/v1/fields", json=new)
    assert refused.status == 422
    assert [one["field"] for one in refused.json()["errors"]] == [field]


async def test_an_import_checks_the_options_and_names_the_line(services: Services, make: Make) -> None:
    account, _ = await with_choices(services, make)
    importer = Importer(services, account)
    rows = ["email;Taille;Goûts", "a@c.test;m;sucré|Amer", "b@c.test;XL;", "c@c.test;;Doux", "d@c.test;S;"]
    done = await importer.whole("\n".join(rows).encode(), new_list="All")
    assert (done.counts["created"], done.counts["errors"]) == (2, 2)
    assert await stored(services, account) == {
        "a@c.test": {"taille": "M", "gouts": ["Sucré", "Amer"]},
        "d@c.test": {"taille": "S"},
    }
    person = await make.signed_in(account.owner_id, language="fr")
    rejects = (await person.get(f"{account.app}/imports/{done.id}/rejects")).text
    assert re.search(r"^3;Taille;.*S, M, L", rejects, re.M)
    assert re.search(r"^4;Goûts;.*Sucré, Salé, Amer", rejects, re.M)


async def fill(services: Services, account: Account, n: int) -> None:
    async with services.db.account(account.id) as tx:
        await tx.run(
            """
            INSERT INTO contacts (account_id, email, address_key, address_hash, fields, source)
            SELECT $1, 'n' || n || '@fill.test', 'n' || n || '@fill.test',
                   decode(lpad(to_hex(n), 32, '0'), 'hex'),
                   CASE n % 4 WHEN 0 THEN '{"taille": "M", "gouts": ["Salé", "Amer"]}'::jsonb
                              WHEN 1 THEN '{"taille": "L", "gouts": ["Salé"]}'
                              WHEN 2 THEN '{"gouts": ["Sucré", "Salé"]}'
                              ELSE '{"prix": 3}' END,
                   'api'
            FROM generate_series(1, $2::int) AS n
            """,
            n,
        )


@pytest.mark.parametrize("large", [False, True])
async def test_options_are_renamed_and_deleted_with_their_values(
    services: Services, make: Make, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, person = await with_choices(services, make)
    await fill(services, account, 100)
    if large:
        monkeypatch.setattr(field_changes, "PART", 7)
    field_id = await id_of(services, account, "gouts")
    place = f"{account.app}/fields/{field_id}/options"
    page = html.unescape((await person.get(f"{place}?option=Salé")).text)
    assert "75 contacts l’ont" in page
    taken = await person.post(f"{place}/renames", {"option": "Salé", "label": "amer"})
    assert (taken.status, "existe déjà" in taken.text) == (422, True)
    done = await person.post(f"{place}/renames", {"option": "Salé", "label": "Salé & iodé"})
    assert ("/fields/changes/" in done.location) == large
    if large:
        shown = await person.get(done.location)
        assert "0 sur 75" in html.unescape(shown.text).replace("\u202f", " ").replace("\u00a0", " ")
        await run_work(services, account.id, field_changes.JOB)
        assert "aussi pour 75 contacts" in (await person.get(done.location)).text
    values = [one.get("gouts") for one in (await stored(services, account)).values()]
    assert sum("Salé & iodé" in (one or []) for one in values) == 75
    assert not any("Salé" in (one or []) for one in values)
    assert ["Salé & iodé", "Amer"] in values
    assert ["Sucré", "Salé & iodé"] in values

    await person.post(f"{place}/removals", {"option": "Salé & iodé"})
    await run_work(services, account.id, field_changes.JOB)
    values = [one.get("gouts") for one in (await stored(services, account)).values()]
    assert (values.count(["Amer"]), values.count(["Sucré"]), values.count(None)) == (25, 25, 50)
    size = await id_of(services, account, "taille")
    await person.post(f"{account.app}/fields/{size}/options/removals", {"option": "M"})
    await run_work(services, account.id, field_changes.JOB)
    sizes = [one.get("taille") for one in (await stored(services, account)).values()]
    assert (sizes.count("L"), sizes.count(None)) == (25, 75)


async def test_a_large_field_is_deleted_in_parts(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, person = await with_choices(services, make)
    await fill(services, account, 100)
    monkeypatch.setattr(field_changes, "PART", 7)
    monkeypatch.setattr(jobs_fields, "TURN_SECONDS", 0.0)  # a turn a part, as if killed after each
    field_id = await id_of(services, account, "gouts")
    page = await person.get(f"{account.app}/fields/{field_id}/deletion")
    assert "75 contacts" in html.unescape(page.text).replace("\u00a0", " ")
    done = await person.post(f"{account.app}/fields/{field_id}/deletion", {})
    assert "/fields/changes/" in done.location
    # its name is free again when the last value is gone
    again = await person.post(f"{account.app}/fields", {"label": "Goûts", "type": "text"})
    assert again.status == 409
    await run_work(services, account.id, field_changes.JOB)
    assert not any("gouts" in one for one in (await stored(services, account)).values())
    assert (await person.post(f"{account.app}/fields", {"label": "Goûts", "type": "text"})).status == 303


async def test_the_page_of_fields_never_counts_a_large_account(
    services: Services, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, person = await with_choices(services, make)
    await fill(services, account, 40)
    monkeypatch.setattr(field_changes, "PART", 39)
    assert "en cours de comptage" in (await person.get(f"{account.app}/fields")).text
    await run_work(services, account.id, field_counts.JOB)
    page = html.unescape((await person.get(f"{account.app}/fields")).text).replace("\u00a0", " ")
    assert "30 contacts" in page
    assert "Compté le" in page
    monkeypatch.undo()
    async with services.db.account(account.id) as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND fields ? 'prix'")
        await field_counts.refresh(tx)
        assert {one.key: one.filled for one in await fields.many(tx)} == {
            "taille": 20,
            "gouts": 30,
            "prix": 0,
        }


async def test_programs_change_options(services: Services, make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    made = (
        await program.post("/api/v1/fields", json={"label": "Size", "type": "choice", "options": ["S", "M"]})
    ).json()
    assert (made["type"], made["options"]) == ("choice", ["S", "M"])
    place = f"/api/v1/fields/{made['id']}/options"
    added = await program.post(place, json={"options": ["L"]})
    assert added.json()["options"] == ["S", "M", "L"]
    renamed = await program.post(f"{place}/renames", json={"option": "S", "label": "Small"})
    assert (renamed.status, renamed.json()["act"]) == (202, "rename_option")
    assert (await program.post(f"{place}/removals", json={"option": "S"})).status == 404
    for option in ("Small", "M"):
        assert (await program.post(f"{place}/removals", json={"option": option})).status == 202
    last = await program.post(f"{place}/removals", json={"option": "L"})
    assert (last.status, last.json()["errors"][0]["code"]) == (422, "last")


async def test_types_of_fields_are_those_of_the_table(services: Services, make: Make) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        for kind in FieldType:
            options = ["a"] if kind in ("choice", "choices") else []
            made = await fields.create(tx, fields.NewField(label=f"F {kind}", type=kind, options=options))
            assert made.type is kind
