"""Pages of exports: from the table of contacts, chosen columns, formats, the file's 24 hours, by API alike."""

from datetime import timedelta

import pytest

from lists import exports, restrictions, segments, selections
from lists.contact_search import Filter
from lists.exports import NewExport
from lists.restrictions import NewRestriction
from lists.segment_tree import Tree
from lists.segments import NewSegment
from mailer.core import clock
from mailer.core.errors import Invalid
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


@pytest.mark.req("A-013", "C-13")
async def test_a_segment_is_exported_as_it_is_when_asked_for(make: Make, services: Services) -> None:
    acc, person = await start(make)
    rule = {"match": "all", "rules": [{"subject": "email", "operator": "begins", "value": "c"}]}
    async with services.db.account(acc.id) as tx:
        for name in ("c0", "c1", "c2", "d0"):
            await make.contact(tx, f"{name}@example.test")
        limited = await make.contact(tx, "c9@example.test")
        await restrictions.limit(tx, limited, NewRestriction(ground="claims"))
        segment = await segments.create(tx, NewSegment(name="Les c", tree=Tree.model_validate(rule)))
    link = f"{acc.app}/exports/new?segment_id={segment.id}"
    assert f'href="{link}"' in sound(await person.get(f"{acc.app}/segments/{segment.id}"))
    text = sound(await person.get(link))
    assert "Who is in the segment “Les c” at the moment of asking." in text
    form = {
        "what": "contacts",
        "segment_id": segment.id,
        "format": "csv",
        "columns": ["email"],
        "offered": 15,
    }
    asked = await person.post(f"{acc.app}/exports", form)
    async with services.db.account(acc.id) as tx:
        await make.contact(tx, "c8@example.test")
    await exporter.turns(services, acc.id, _id(asked.location))
    file = await person.get(f"{asked.location}/file")
    assert file.text.split() == ["\ufeffemail", *(f"c{n}@example.test" for n in range(3))]


@pytest.mark.req("A-013")
async def test_a_segment_that_cannot_be_exported_says_why(make: Make, services: Services) -> None:
    acc = await make.account()
    rule = {"match": "all", "rules": [{"subject": "email", "operator": "begins", "value": "c"}]}
    async with services.db.account(acc.id) as tx:
        segment = await segments.create(tx, NewSegment(name="Les c", tree=Tree.model_validate(rule)))
        refused = {}
        for wanted in (segment.id, segment.id + 1000):
            with pytest.raises(Invalid) as caught:
                await exports.ask(tx, NewExport(segment_id=wanted))
            refused[wanted] = [(one.field, one.code) for one in caught.value.faults]
        with pytest.raises(Invalid, match="not both"):
            NewExport(segment_id=segment.id, status="active")
    assert refused == {
        segment.id: [("segment_id", "empty")],
        segment.id + 1000: [("segment_id", "unknown_segment")],
    }


@pytest.mark.req("C-13")
async def test_who_had_their_data_limited_is_in_no_export(make: Make, services: Services) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        free = await make.contact(tx, "free@example.test", list_id=listed)
        limited = await make.contact(tx, "limited@example.test", list_id=listed)
        chosen = await selections.freeze_ids(tx, "export", [limited, free], wanted=Filter())
        await restrictions.limit(tx, limited, NewRestriction(ground="claims"))
    held = [
        await exporter.written(services, acc.id, NewExport(columns=["email", "status"])),
        await exporter.written(services, acc.id, NewExport(list_id=listed, columns=["email", "status"])),
        await exporter.written(services, acc.id, NewExport(columns=["email", "status"]), selection_id=chosen),
        await exporter.written(services, acc.id, NewExport(format="ndjson")),
    ]
    for _, data in held:
        assert b"free@example.test" in data
        assert b"limited@example.test" not in data
