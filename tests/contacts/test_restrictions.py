"""Limiting the use of a person's data (art. 18): kept, and nothing else, until the limit is lifted."""

import pytest

from lists import consents, contacts, restrictions, subscriptions, suppressions
from lists.consents import Evidence, Method
from lists.contacts import ContactChange
from lists.restrictions import Lifting, NewRestriction
from mailer.core.errors import Conflict
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from tests.importing import files
from tests.importing.importer import Importer
from tests.lists_pages.test_contact_pages import run_work, sound, start
from tests.make import Make

GROUND = NewRestriction(ground="accuracy")


@pytest.mark.req("C-13")
async def test_who_is_limited_is_neither_changed_nor_added_nor_erased(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        first, second = await make.mailing_list(tx), await make.mailing_list(tx)
        ana = await make.contact(tx, list_id=first)
        bob = await make.contact(tx, list_id=first)
        await restrictions.limit(tx, ana, GROUND)
        for act in (
            contacts.change(tx, services.sealer, ana, ContactChange(first_name="Eve")),
            contacts.delete(tx, [ana]),
            restrictions.limit(tx, ana, GROUND),
        ):
            with pytest.raises(Conflict) as raised:
                await act
            assert raised.value.faults[0].code == "restricted"
        evidence = Evidence(method=Method.PAGE, legal_basis="consent", source="Salon")
        added = await subscriptions.add(tx, [ana, bob], second, evidence=evidence)
        assert (added.added, added.refused, added.already) == (1, 1, 0)
        assert await subscriptions.remove(tx, [ana, bob], first) == 1
        assert await contacts.delete(tx, [ana, bob]) == 1
        assert (await contacts.show(tx, ana)).first_name == "Ana"
        assert [one.list_id for one in await subscriptions.of_contact(tx, ana)] == [first]


@pytest.mark.req("C-13", "C-16")
async def test_the_person_still_leaves_and_refuses(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        ana = await make.contact(tx, list_id=listed, tracked=True)
        hashed = await tx.value("SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", ana)
        await restrictions.limit(tx, ana, GROUND)
        who = RecipientToken(acc.id, listed, ana, hashed)
        await subscriptions.unsubscribe(tx, who, method=Method.ONE_CLICK)
        no = consents.Answer(opens=False, clicks=False)
        await consents.choose(tx, who, no, evidence=Evidence(method=Method.PREFERENCES))
        assert await suppressions.check(tx, hashed, list_id=listed) == "unsubscribed"
        assert (await contacts.show(tx, ana)).opens == "denied"


@pytest.mark.req("C-13")
async def test_an_import_passes_over_who_is_limited(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        ana = await make.contact(tx, "ana@limit.test")
        await restrictions.limit(tx, ana, GROUND)
    table = files.table([["email", "first_name"], ["ana@limit.test", "Eve"], ["bob@limit.test", "Bob"]])
    done = await Importer(services, acc).whole(table, list_ids=[listed], mode="add_and_update")
    assert (done.counts["refused"], done.counts["created"]) == (1, 1)
    async with services.db.account(acc.id) as tx:
        assert (await contacts.show(tx, ana)).first_name == "Ana"
        assert await subscriptions.of_contact(tx, ana) == []


@pytest.mark.req("C-13", "A-013")
async def test_an_export_in_bulk_leaves_out_who_is_limited(services: Services, make: Make) -> None:
    acc = await make.account()
    program = await make.program(acc.id)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        ana = await make.contact(tx, "ana@limit.test", list_id=listed)
        await make.contact(tx, "bob@limit.test", list_id=listed)
        await restrictions.limit(tx, ana, GROUND)
    for wish in ({}, {"list_id": listed}):
        asked = await program.post("/api/v1/exports", json={"what": "contacts", "format": "ndjson", **wish})
        await run_work(services, acc.id, "lists.export")
        text = (await program.get(f"/api/v1/exports/{asked.json()['id']}/file")).text
        assert "bob@limit.test" in text
        assert "ana@limit.test" not in text
    assert (await program.get(f"/api/v1/contacts/{ana}/data")).json()["restricted_at"]


@pytest.mark.req("C-13")
async def test_lifting_needs_a_reason_and_that_the_person_was_told(make: Make, services: Services) -> None:
    acc = await make.account()
    program = await make.program(acc.id)
    async with services.db.account(acc.id) as tx:
        ana = await make.contact(tx)
    place = f"/api/v1/contacts/{ana}/restrictions"
    answer = await program.post(place, json={"ground": "boredom"})
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "ground")
    answer = await program.post(place, json={"ground": "claims"})
    assert (answer.status, answer.json()["restricted_at"] is None) == (201, False)
    assert (await program.post(place, json={"ground": "claims"})).status == 409
    answer = await program.ask("PATCH", f"/api/v1/contacts/{ana}", json={"first_name": "Eve"})
    assert (answer.status, answer.json()["errors"][0]["code"]) == (409, "restricted")
    assert (await program.ask("DELETE", f"/api/v1/contacts/{ana}")).status == 409
    answer = await program.post(f"{place}/liftings", json={"reason": " "})
    assert {one["field"] for one in answer.json()["errors"]} == {"reason", "told"}
    answer = await program.post(f"{place}/liftings", json={"reason": "Vérifié", "told": True})
    assert (answer.status, answer.json()["restricted_at"]) == (201, None)
    assert (await program.post(f"{place}/liftings", json={"reason": "x", "told": True})).status == 409
    assert (await program.ask("DELETE", f"/api/v1/contacts/{ana}")).status == 204


@pytest.mark.req("C-13", "C-11")
async def test_limit_and_lift_on_the_contacts_page(make: Make, services: Services) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        ana = await make.contact(tx, list_id=await make.mailing_list(tx))
    place = f"{acc.app}/contacts/{ana}"
    page = sound(await person.get(place))
    for link in ("edit", "data", "restriction", "deletion"):
        assert f'href="{place}/{link}"' in page
    assert "The data is kept" in sound(await person.get(f"{place}/restriction"))
    assert (await person.post(f"{place}/restriction", {})).status == 422
    assert (await person.post(f"{place}/restriction", {"ground": "unlawful"})).location == place
    page = sound(await person.get(place))
    assert "nothing is sent, nothing is changed." in page
    assert "Add to a list" not in page
    for other in ("edit", "deletion"):
        assert (await person.get(f"{place}/{other}")).location == f"{place}/restriction"
    refused = await person.post(f"{place}/edit", {"email": "eve@limit.test"})
    assert refused.status in (303, 409)
    form = await person.post(f"{place}/restriction/lifting", {"reason": "Vérifié avec elle"})
    assert form.status == 422
    assert "Tell the person first" in sound(form)
    assert "Vérifié avec elle" in form.text
    lifted = await person.post(
        f"{place}/restriction/lifting", {"reason": "Vérifié avec elle", "told": "true"}
    )
    assert lifted.location == place
    assert "Vérifié avec elle" in sound(await person.get(f"{place}/restriction"))
    assert "Limit lifted" in sound(await person.get(place))
    sound(await person.get(f"{place}/data"))


@pytest.mark.req("C-12", "B-28")
@pytest.mark.parametrize(("asked_by", "kept"), [("person", "objected"), ("team", None)])
async def test_erasing_at_the_persons_request_leaves_a_fingerprint_that_stops(
    make: Make, services: Services, asked_by: str, kept: str | None
) -> None:
    acc, person = await start(make)
    async with services.db.account(acc.id) as tx:
        listed = await make.mailing_list(tx)
        ana = await make.contact(tx, "ana@erase.test", list_id=listed)
    place = f"{acc.app}/contacts/{ana}/deletion"
    assert "Who asks for it" in sound(await person.get(place))
    assert (await person.post(place, {"asked_by": asked_by})).status == 303
    async with services.db.account(acc.id) as tx:
        hashed = await suppressions.hash_of(tx, services.sealer, "ana@erase.test")
        assert await suppressions.check(tx, hashed, list_id=listed) == kept
        stored = await tx.value("SELECT jsonb_agg(s)::text FROM suppressions s WHERE s.account_id = $1")
    assert "erase.test" not in (stored or "")
    await Importer(services, acc).whole(files.people("ana@erase.test"), list_ids=[listed])
    async with services.db.account(acc.id) as tx:
        assert await tx.value("SELECT status FROM subscriptions WHERE account_id = $1") == (
            "unsubscribed" if kept else "active"
        )


@pytest.mark.req("C-13")
async def test_lifting_keeps_what_was_limited_and_why(services: Services, make: Make) -> None:
    acc = await make.account()
    async with services.db.account(acc.id) as tx:
        ana = await make.contact(tx)
        await restrictions.limit(tx, ana, GROUND)
        await restrictions.lift(tx, ana, Lifting(reason="Vérifié", told=True))
        await restrictions.limit(tx, ana, NewRestriction(ground="objection"))
        open_, past = await restrictions.of_contact(tx, ana)
    assert (open_.ground, open_.lifted_at) == ("objection", None)
    assert (past.ground, past.lift_reason) == ("accuracy", "Vérifié")
