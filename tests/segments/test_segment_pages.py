"""The builder of segments without a script: each button sends the form, and nothing that was typed is lost."""

import re
from typing import Any

import orjson
import pytest

from lists import fields, segments
from lists.fields import NewField
from tests.client import Answer, Client
from tests.lists_pages.test_contact_pages import sound, start
from tests.make import Account, Make


def filled(answer: Answer) -> dict[str, str]:
    """What the builder's form would send: its fields as they stand."""
    text = answer.text
    found = dict(re.findall(r'<input id="(r\.[\d.]+\.\w+)"[^>]* value="([^"]*)"', text))
    for name, inner in re.findall(r'<select id="(r[\d.]*\.\w+)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected>', inner) or re.search(
            r'<option value="([^"]*)"', inner
        )
        found[name] = chosen[1] if chosen else ""
    return found


async def press(person: Client, address: str, page: Answer, do: str, **changes: str) -> Answer:
    values = filled(page) | {"name": "Fidèles", "do": do}
    return await person.post(address, values | {name.replace("__", "."): v for name, v in changes.items()})


async def three_contacts(make: Make, account: Account) -> int:
    async with make.services.db.account(account.id) as tx:
        await fields.create(tx, NewField(label="Ville"))
        await fields.create(tx, NewField(label="Points", type=fields.FieldType.NUMBER))
        list_id = await make.mailing_list(tx, "Clients")
        for n, (city, points) in enumerate((("Paris", 3), ("Lyon", 30), ("Paris", 300))):
            contact_id = await make.contact(tx, f"c{n}@example.test", list_id=list_id)
            await tx.run(
                "UPDATE contacts SET fields = $3 WHERE account_id = $1 AND id = $2",
                contact_id,
                {"ville": city, "points": points},
            )
    return list_id


async def test_a_segment_is_built_row_by_row_and_saved(make: Make) -> None:
    acc, person = await start(make)
    await three_contacts(make, acc)
    place = f"{acc.app}/segments"
    assert "subscribed for over 30 days" in sound(await person.get(place))
    page = await person.get(f"{place}/new")
    assert "3 contacts." in sound(page), "any list: subscribed"
    page = await press(person, place, page, "refresh", r__0__subject="field:ville")
    assert "Complete the conditions" in sound(page)
    page = await press(person, place, page, "add r", r__0__operator="is", r__0__value="paris")
    assert filled(page)["r.0.value"] == "paris"
    page = await press(person, place, page, "refresh", r__1__subject="field:points")
    page = await press(person, place, page, "refresh", r__1__operator="more", r__1__value="12,5")
    assert "1 contact." in sound(page)
    assert "c2@example.test" in page.text
    assert "Ville is “paris” and Points is more than 12.5." in page.text
    page = await press(person, place, page, "up r.1")
    assert filled(page)["r.0.subject"] == "field:points"
    page = await press(person, place, page, "group r")
    page = await press(person, place, page, "group r.2")
    assert 'group r.2.1"' not in page.text, "groups stand at most three deep"
    page = await press(person, place, page, "remove r.2")
    saved = await press(person, place, page, "save")
    assert saved.status == 303
    async with make.services.db.account(acc.id) as tx:
        [one] = (await segments.many(tx)).items
    assert (one.name, one.contacts, one.current) == ("Fidèles", 1, True)
    assert one.tree == {
        "match": "all",
        "rules": [
            {"subject": "field", "of": "points", "last": None, "operator": "more", "value": 12.5},
            {"subject": "field", "of": "ville", "last": None, "operator": "is", "value": "paris"},
        ],
    }
    table = sound(await person.get(place))
    assert "Fidèles" in table
    assert "Points is more than 12.5 and Ville is “paris”." in table
    shown = await person.get(f"{place}/{one.id}")
    assert "1 contact on " in sound(shown)
    assert (await person.post(f"{place}/{one.id}/counts", {})).status == 303
    assert (await person.post(f"{place}/{one.id}/deletion", {})).status == 303
    assert (await person.get(f"{place}/{one.id}")).status == 404


async def test_what_is_missing_is_said_at_its_row(make: Make) -> None:
    acc, person = await start(make)
    await three_contacts(make, acc)
    place = f"{acc.app}/segments"
    page = await person.get(f"{place}/new")
    page = await press(person, place, page, "refresh", r__0__subject="field:points")
    again = await press(person, place, page, "save", r__0__value="beaucoup")
    assert again.status == 422
    assert 'href="#r.0.value"' in sound(again)
    assert 'id="r.0.value-error"' in again.text
    assert filled(again)["r.0.value"] == "beaucoup"
    empty = await person.post(place, {"name": "", "do": "save", "r.match": "all"})
    assert empty.status == 422
    assert "Write the name." in empty.text


async def test_the_json_fills_the_rows_and_its_faults_are_told(make: Make) -> None:
    acc, person = await start(make)
    list_id = await three_contacts(make, acc)
    place = f"{acc.app}/segments"
    page = await person.get(f"{place}/new")

    async def take(text: str) -> Answer:
        return await press(person, place, page, "json", json=text)

    rule: dict[str, Any] = {"subject": "list", "of": list_id, "operator": "subscribed_over", "value": 30}
    tree = {
        "match": "none",
        "rules": [rule, {"match": "any", "rules": [{"subject": "email", "operator": "empty"}]}],
    }
    taken = await take(orjson.dumps(tree).decode())
    assert taken.status == 200
    assert filled(taken)["r.match"] == "none"
    assert filled(taken)["r.0.of"] == str(list_id)
    assert filled(taken)["r.1.0.operator"] == "empty"
    assert "3 contacts." in taken.text
    broken = await take('{"match": "all", "rules": [')
    assert broken.status == 422
    assert "This is not JSON: line 1" in sound(broken)
    deep: dict[str, Any] = rule
    for _ in range(4):
        deep = {"match": "all", "rules": [deep]}
    for odd in (
        deep,
        {"rules": []},
        {"rules": [rule] * 51},
        {"rules": [rule | {"sql": "1=1"}]},
        [1],
        7,
        {"match": "x"},
    ):
        assert (await take(orjson.dumps(odd).decode())).status == 422
    hostile = {
        "rules": [{"subject": "field", "of": "x'); DROP TABLE contacts; --", "operator": "is", "value": "a"}]
    }
    gone = await take(orjson.dumps(hostile).decode())
    assert gone.status == 200
    assert "This field was deleted." in sound(gone)


async def test_a_condition_on_a_deleted_field_is_kept_and_marked(make: Make) -> None:
    acc, person = await start(make)
    await three_contacts(make, acc)
    place = f"{acc.app}/segments"
    page = await press(
        person, place, await person.get(f"{place}/new"), "refresh", r__0__subject="field:ville"
    )
    saved = await press(person, place, page, "save", r__0__value="Paris")
    assert saved.status == 303
    async with make.services.db.account(acc.id) as tx:
        [field] = [one for one in await fields.many(tx) if one.key == "ville"]
        await fields.delete(tx, field.id)
    assert "To be corrected" in sound(await person.get(place))
    page = await person.get(saved.location)
    assert "This field was deleted. Choose another one, or delete the condition." in sound(page)
    assert filled(page)["r.0.value"] == "Paris"
    refused = await press(person, saved.location, page, "save", version="1")
    assert refused.status == 422
    assert filled(refused)["r.0.value"] == "Paris"


async def test_two_people_do_not_overwrite_each_other(make: Make) -> None:
    acc, person = await start(make)
    place = f"{acc.app}/segments"
    saved = await press(person, place, await person.get(f"{place}/new"), "save")
    page = await person.get(saved.location)
    assert (await press(person, saved.location, page, "save", version="1", name="Un")).status == 303
    late = await press(person, saved.location, page, "save", version="1", name="Deux")
    assert late.status == 409
    assert "Somebody changed this segment meanwhile." in sound(late)


async def test_a_used_segment_says_where_and_stays(make: Make) -> None:
    acc, person = await start(make)
    place = f"{acc.app}/segments"
    saved = await press(person, place, await person.get(f"{place}/new"), "save")
    segment_id = int(saved.location.rpartition("/")[2])
    async with make.services.db.account(acc.id) as tx:
        campaign_id = await tx.value(
            "INSERT INTO campaigns (account_id, name) VALUES ($1, 'Soldes') RETURNING id"
        )
        await tx.run(
            """
            INSERT INTO campaign_segments (account_id, campaign_id, segment_id, use, position)
            VALUES ($1, $2, $3, 'include', 1)
            """,
            campaign_id,
            segment_id,
        )
    assert "Soldes" in sound(await person.get(f"{saved.location}/deletion"))
    refused = await person.post(f"{saved.location}/deletion", {})
    assert refused.status == 409
    assert "Soldes" in sound(refused)
    assert "Soldes" in sound(await person.get(place))


async def test_a_reader_sees_and_changes_nothing(make: Make) -> None:
    acc, person = await start(make)
    place = f"{acc.app}/segments"
    saved = await press(person, place, await person.get(f"{place}/new"), "save")
    reader_id, _ = await make.user(acc.id, "analyst")
    reader = await make.signed_in(reader_id)
    shown = await reader.get(saved.location)
    assert '<form class="wide"' not in sound(shown)
    assert (await reader.get(f"{place}/new")).status == 403
    assert (await reader.post(saved.location, {"name": "x"})).status == 403


@pytest.mark.req("S4")
async def test_a_large_account_is_told_that_the_number_is_an_estimate(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    acc, person = await start(make, language="fr")
    await three_contacts(make, acc)
    monkeypatch.setattr(segments, "SMALL", 2)
    page = await person.get(f"{acc.app}/segments/new")
    assert "Estimation sur un échantillon de 1\N{NO-BREAK SPACE}%" in sound(page)
