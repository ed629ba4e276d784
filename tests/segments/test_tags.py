"""Tags: made on the way, one whatever the writing, on one contact or on thousands."""

import re

import pytest

from lists import segments, selections, tags
from lists.segment_tree import Tree
from lists.segments import NewSegment
from mailer.core.services import Services
from mailer.web.request import check
from tests.lists_pages.test_contact_pages import run_work, sound, start
from tests.make import Make


async def test_a_tag_is_put_on_a_contact_found_by_and_taken_off(make: Make) -> None:
    acc, person = await start(make)
    async with make.services.db.account(acc.id) as tx:
        contact_id = await make.contact(tx, "ana@pain.test")
        await make.contact(tx, "eve@sel.test")
    place = f"{acc.app}/contacts/{contact_id}"
    for written in ("Fidèle  client", "FIDÈLE client"):
        assert (await person.post(f"{place}/tags", {"tag": written})).status == 303
    async with make.services.db.account(acc.id) as tx:
        [tag] = await tags.many(tx)
    assert (tag.name, tag.contacts) == ("Fidèle client", 1)
    assert "Fidèle client" in sound(await person.get(place))
    found = sound(await person.get(f"{acc.app}/contacts?tag_id={tag.id}"))
    assert "ana@pain.test" in found
    assert "eve@sel.test" not in found
    assert "tag “Fidèle client”" in found
    nobody = await person.get(f"{acc.app}/contacts?tag_id={tag.id}&q=eve")
    assert "eve@sel.test" not in nobody.text
    assert (await person.post(f"{place}/tags", {"remove": str(tag.id)})).status == 303
    assert (await person.post(f"{place}/tags", {"remove": str(tag.id)})).status == 404
    assert "No tag." in sound(await person.get(place))
    long = await person.post(f"{place}/tags", {"tag": "a" * 61})
    assert long.status == 303
    assert "At most 60 characters." in (await person.get(place)).text


async def test_renaming_and_deleting_say_what_they_touch(make: Make) -> None:
    acc, person = await start(make)
    place = f"{acc.app}/tags"
    assert "No tag yet." in sound(await person.get(place))
    for name in ("VIP", "Presse"):
        assert (await person.post(place, {"name": name})).status == 303
    async with make.services.db.account(acc.id) as tx:
        by_name = {one.name: one.id for one in await tags.names(tx)}
        contact_id = await make.contact(tx)
        await tags.put(tx, [contact_id], by_name["VIP"])
        rule = {"subject": "tag", "of": by_name["VIP"], "operator": "has"}
        tree = check(Tree, {"match": "none", "rules": [{"match": "any", "rules": [rule]}]})
        segment = await segments.create(tx, NewSegment(name="Sans VIP", tree=tree))
    taken = await person.post(f"{place}/{by_name['Presse']}", {"name": "vip"})
    assert taken.status == 409
    assert "is there already" in sound(taken)
    assert (await person.post(f"{place}/{by_name['Presse']}", {"name": "Médias"})).status == 303
    page = sound(await person.get(f"{place}/{by_name['VIP']}/deletion"))
    assert "It is taken off 1 contact" in page
    assert "Sans VIP" in page
    assert (await person.post(f"{place}/{by_name['VIP']}/deletion", {})).status == 303
    async with make.services.db.account(acc.id) as tx:
        assert await tx.value("SELECT count(*) FROM contact_tags WHERE account_id = $1") == 0
    shown = await person.get(f"{acc.app}/segments/{segment.id}")
    assert "This tag was deleted." in sound(shown)


@pytest.mark.parametrize("step", [1000, 2])
async def test_many_are_tagged_and_untagged_at_once(
    make: Make, services: Services, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(selections, "STEP", step)
    acc, person = await start(make)
    async with make.services.db.account(acc.id) as tx:
        ids = [await make.contact(tx) for _ in range(5)]
        known = await tags.named(tx, "Presse")
        await tags.put(tx, ids[:1], known.id)
    frozen = await person.post(
        f"{acc.app}/contacts/selections", {"action": "tag", "ids": [str(one) for one in ids[:4]]}
    )
    assert "Tag 4 contacts?" in sound(await person.get(frozen.location))
    missing = await person.post(frozen.location, {"tag": " "})
    assert missing.status == 422
    assert "Write the tag." in sound(missing)
    assert (await person.post(frozen.location, {"tag": "presse"})).status == 303
    await run_work(services, acc.id, selections.JOB)
    done = sound(await person.get(frozen.location))
    assert "“Presse” put on 3 contacts." in done
    assert "1 was so already." in done
    off = await person.post(
        f"{acc.app}/contacts/selections", {"action": "untag", "all": "true", "tag_id": str(known.id)}
    )
    assert (await person.post(off.location, {"tag_id": str(known.id)})).status == 303
    await run_work(services, acc.id, selections.JOB)
    assert "“Presse” taken off 4 contacts." in sound(await person.get(off.location))


async def test_a_program_tags_and_finds_by_tag(make: Make) -> None:
    account = await make.account()
    program = await make.program(account.id)
    async with make.services.db.account(account.id) as tx:
        contact_id = await make.contact(tx, "ana@pain.test")
        await make.contact(tx)
    put = await program.post(f"/api/v1/contacts/{contact_id}/tags", json={"name": "VIP"})
    assert put.status == 201
    assert put.json()["tags"] == ["VIP"]
    [tag] = (await program.get("/api/v1/tags")).json()["items"]
    assert (tag["name"], tag["contacts"]) == ("VIP", 1)
    found = (await program.get(f"/api/v1/contacts?tag_id={tag['id']}")).json()["items"]
    assert [one["email"] for one in found] == ["ana@pain.test"]
    renamed = await program.ask("PATCH", f"/api/v1/tags/{tag['id']}", json={"name": "Amis"})
    assert renamed.json()["name"] == "Amis"
    again = await program.post("/api/v1/tags", json={"name": "amis"})
    assert again.json() == {"id": tag["id"], "name": "Amis"}
    assert (await program.ask("DELETE", f"/api/v1/contacts/{contact_id}/tags/{tag['id']}")).status == 204
    assert (await program.ask("DELETE", f"/api/v1/tags/{tag['id']}")).status == 204
    assert (await program.get("/api/v1/tags")).json()["items"] == []


@pytest.mark.req("C-10")
async def test_a_copy_of_a_persons_data_has_their_tags(make: Make) -> None:
    acc, person = await start(make)
    async with make.services.db.account(acc.id) as tx:
        contact_id = await make.contact(tx)
        await tags.put_on(tx, contact_id, "VIP")
    copy = await person.post(f"{acc.app}/contacts/{contact_id}/data", {})
    assert re.search(r'"tags": \[\s*"VIP"\s*\]', copy.text)


# U+001C is a blank for Python and none for the trimming at the edge: of it alone no name is left
BLANK = ["\x1c", "\x1d \x1f", "\u2028\x1e", " \u00a0\x85"]


@pytest.mark.req("S19")
@pytest.mark.parametrize("blank", BLANK, ids=ascii)
async def test_a_name_without_a_letter_is_refused_at_every_door(make: Make, blank: str) -> None:
    acc, person = await start(make)
    program = await make.program(acc.id)
    async with make.services.db.account(acc.id) as tx:
        contact_id = await make.contact(tx)
        tag = await tags.named(tx, "VIP")
    answers = [
        await program.post("/api/v1/tags", json={"name": blank}),
        await program.post(f"/api/v1/contacts/{contact_id}/tags", json={"name": blank}),
        await program.ask("PATCH", f"/api/v1/tags/{tag.id}", json={"name": blank}),
    ]
    assert [answer.status for answer in answers] == [422, 422, 422]
    assert {answer.json()["errors"][0]["field"] for answer in answers} == {"name"}
    await person.post(f"{acc.app}/contacts/{contact_id}/tags", {"tag": blank})
    async with make.services.db.account(acc.id) as tx:
        assert [one.name for one in await tags.names(tx)] == ["VIP"]


@pytest.mark.req("S19")
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Client\x1cfidèle", "Client fidèle"),
        ("e\u0301" * 30, "e\u0301" * 30),
        ("\U0001f600" * 60, "\U0001f600" * 60),
        ("\u0130" * 60, "\u0130" * 60),
    ],
    ids=["separator", "decomposed", "emoji", "longer in lower case"],
)
async def test_a_name_of_odd_signs_is_kept_as_typed(make: Make, written: str, kept: str) -> None:
    account = await make.account()
    program = await make.program(account.id)
    made = await program.post("/api/v1/tags", json={"name": written})
    assert (made.status, made.json()["name"]) == (201, kept)
    again = await program.post("/api/v1/tags", json={"name": written})
    assert again.json()["id"] == made.json()["id"]
