"""Pages of exports: from the table of contacts, chosen columns, formats, the file's 24 hours, by API alike."""

from datetime import timedelta

import pytest

from mailer.core import clock
from mailer.core.services import Services
from tests.exporting import exporter
from tests.exporting.test_columns import table
from tests.exporting.test_workbooks import sheets
from tests.lists_pages.test_contact_pages import sound, start
from tests.make import Make


def _id(location: str) -> int:
    return int(location.rpartition("/")[2])


@pytest.mark.req("A-013")
async def test_contacts_ticked_in_the_table_are_exported(make: Make, services: Services) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        ids = [await make.contact(tx, f"c{n}@example.test") for n in range(3)]
    assert 'value="export"' in sound(await person.get(f"{acc.app}/contacts"))
    frozen = await person.post(f"{acc.app}/contacts/selections", {"action": "export", "ids": ids[:2]})
    assert "/exports/new?selection_id=" in frozen.location
    text = sound(await person.get(frozen.location))
    assert "2 contacts were chosen in the table." in text
    selection_id = frozen.location.rpartition("=")[2]
    # its own address leads to the same form: there is nothing else to confirm
    own = await person.get(f"{acc.app}/contacts/selections/{selection_id}")
    assert own.location == frozen.location
    form = {"what": "contacts", "selection_id": selection_id, "format": "csv", "columns": ["email"]}
    asked = await person.post(f"{acc.app}/exports", form | {"offered": "15"})
    await exporter.turns(services, acc.id, _id(asked.location))
    text = sound(await person.get(asked.location))
    assert "Columns: email" in text
    assert "Each row is as it was between" in text
    file = await person.get(f"{asked.location}/file")
    assert file.text.split() == ["\ufeffemail", "c0@example.test", "c1@example.test"]
    # it was used: a second export of it asks for a new choice
    assert (await person.post(f"{acc.app}/exports", form | {"offered": "15"})).status == 404


@pytest.mark.req("A-013")
async def test_no_column_at_all_is_refused_and_the_choice_stays(make: Make) -> None:
    acc, person = await start(make)
    refused = await person.post(f"{acc.app}/exports", {"what": "contacts", "format": "xlsx", "offered": "15"})
    assert refused.status == 422
    text = sound(refused)
    assert "Choose at least one column." in text
    assert 'value="xlsx" checked' in text


@pytest.mark.req("A-013")
async def test_a_workbook_is_offered_and_says_so_once_its_time_is_over(
    make: Make, services: Services
) -> None:
    acc, person = await start(make, language="fr")
    async with services.db.account(acc.id) as tx:
        await make.contact(tx, "ana@example.test")
    asked = await person.post(f"{acc.app}/exports", {"what": "contacts", "format": "xlsx"})
    await exporter.turns(services, acc.id, _id(asked.location))
    file = await person.get(f"{asked.location}/file")
    assert file.headers["Content-Type"].endswith("spreadsheetml.sheet")
    assert ".xlsx" in file.headers["Content-Disposition"]
    clock.shift(timedelta(hours=24, minutes=1))
    again = await make.signed_in(acc.owner_id, language="fr")
    assert "a été effacé après 24 heures" in sound(await again.get(asked.location))
    assert (await again.get(f"{asked.location}/file")).status == 410


@pytest.mark.req("A-013")
async def test_the_api_takes_columns_states_and_workbooks(make: Make, services: Services) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        await make.contact(tx, "ana@example.test", list_id=listed)
    api = await make.program(acc.id)
    body = {"list_id": listed, "status": "active", "format": "xlsx", "columns": ["email", "lists_subscribed"]}
    asked = await api.post("/api/v1/exports", json=body)
    assert asked.status == 202
    assert {name: asked.json()[name] for name in body} == body
    await exporter.turns(services, acc.id, asked.json()["id"])
    _, data = await exporter.finished(services, acc.id, asked.json()["id"])
    assert [row["A"] for row in sheets(data)[0]] == ["email", "ana@example.test"]
    refused = await api.post("/api/v1/exports", json={"columns": ["iban"]})
    assert refused.status == 422
    assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [
        ("columns", "unknown_column")
    ]
    csv = await api.post("/api/v1/exports", json={"columns": ["email"]})
    await exporter.turns(services, acc.id, csv.json()["id"])
    assert table((await exporter.finished(services, acc.id, csv.json()["id"]))[1])[1:] == [
        ["ana@example.test"]
    ]
