"""The pages of webhooks, by plain forms: no script takes part."""

import re

import pytest

from mailer.core import clock
from mailer.core.services import Services
from mailer.webhooks import endpoints
from mailer.webhooks.endpoints import Endpoint
from tests.client import Client
from tests.make import Make
from tests.webhooks.conftest import Place


@pytest.fixture
async def person(place: Place) -> Client:
    return await place.make.signed_in(place.account.owner_id)


@pytest.fixture
def page(place: Place) -> str:
    return f"{place.account.app}/integrations/webhooks"


@pytest.mark.req("A-109", "E-63")
async def test_a_webhook_is_added_shown_once_tested_and_deleted(
    place: Place, person: Client, page: str
) -> None:
    assert "No webhooks" in (await person.get(page)).text
    assert (await person.get(f"{page}/new")).status == 200
    made = await person.post(
        page, {"url": place.receiver.url, "name": "Boutique", "events": ["contact.created", "campaign.sent"]}
    )
    secret = re.search(r"whsec_[A-Za-z0-9+/]+=*", made.text.replace("&#43;", "+"))
    assert secret is not None
    [place.endpoint] = [one.id for one in await _all(place)]
    here = f"{page}/{place.endpoint}"
    shown = (await person.get(here)).text
    assert secret[0] not in shown
    for text in ("Boutique", "Nothing sent yet", "contact.created"):
        assert text in shown
    assert "Boutique" in (await person.get(page)).text
    assert (await person.post(f"{here}/tests")).status == 303
    await place.turn()
    shown = (await person.get(here)).text
    for text in ("Test event", "Accepted", "Delivered", "Works"):
        assert text in shown
    attempt = (await place.log())[0]
    look = (await person.get(f"{here}/attempts/{attempt.id}")).text
    for text in (attempt.message_id, "heard", "webhook.test"):
        assert text in look

    assert (await person.post(f"{here}/deletion")).status == 303
    assert (await person.get(here)).status == 404


async def _all(place: Place) -> list[Endpoint]:
    async with place.tx() as tx:
        return await endpoints.many(tx)


async def test_faults_stand_at_their_fields_and_what_was_typed_stays(
    place: Place, person: Client, page: str
) -> None:
    answer = await person.post(page, {"url": place.receiver.url, "name": "CRM"})
    assert (answer.status, "Choose at least one event." in answer.text) == (422, True)
    assert 'id="events-error"' in answer.text
    both = (await person.post(page, {"url": "", "events": []})).text
    assert ('id="events-error"' in both, 'id="url-error"' in both) == (True, True)
    assert 'value="CRM"' in answer.text
    refused = await person.post(page, {"url": "https://10.0.0.1/", "events": ["contact.created"]})
    assert 'id="url-error"' in refused.text
    assert "private network" in refused.text
    assert re.search(r'value="contact.created" checked', refused.text)


async def test_a_webhook_is_changed_turned_off_and_on(place: Place, person: Client, page: str) -> None:
    await place.listen("contact.created")
    here = f"{page}/{place.endpoint}"
    form = (await person.get(f"{here}/settings")).text
    assert re.search(r'value="contact.created" checked', form)
    await person.post(
        f"{here}/settings", {"url": place.receiver.url, "name": "CRM", "events": ["campaign.sent"]}
    )
    found = await place.show()
    assert (found.name, found.events) == ("CRM", ["campaign.sent"])
    await person.post(f"{here}/states", {"status": "off"})
    assert "Turned off" in (await person.get(here)).text
    await person.post(f"{here}/states", {"status": "on"})
    assert (await place.show()).status == "on"


async def test_events_are_sent_again_from_the_page(place: Place, person: Client, page: str) -> None:
    await place.listen("contact.created")
    await place.happened(2)
    await place.tell()
    here = f"{page}/{place.endpoint}"
    [first, _] = await place.log()
    await person.post(f"{here}/replays", {"message_id": first.message_id})
    await place.turn()
    assert len(place.receiver.heard) == 3
    await person.post(f"{here}/replays", {"hours": "24", "only": "all"})
    assert "Events that are sent again: 2." in (await person.get(here)).text
    await place.turn()
    assert len(place.receiver.heard) == 5


async def test_the_new_secret_is_shown_once(place: Place, person: Client, page: str) -> None:
    await place.listen("contact.created")
    here = f"{page}/{place.endpoint}"
    assert "Make a new secret?" in (await person.get(f"{here}/secrets")).text
    made = (await person.post(f"{here}/secrets")).text
    assert "whsec_" in made
    assert "24 hours" in made
    shown = (await person.get(here)).text
    assert "whsec_" not in shown
    assert "Two secrets sign until" in shown


@pytest.mark.req("E-64")
async def test_a_webhook_that_was_given_up_is_told_on_every_page_that_leads_to_it(
    place: Place, person: Client, page: str
) -> None:
    await place.listen("contact.created")
    place.receiver.status = 410
    await place.happened()
    await place.tell()
    for where in (f"{page}/{place.endpoint}", f"{place.account.app}/integrations", place.account.app):
        assert "given up" in (await person.get(where)).text, where
    french = await place.make.signed_in(place.account.owner_id, language="fr")
    text = (await french.get(f"{page}/{place.endpoint}")).text
    assert re.search(r"<dt>Abandonné par Mailer</dt>\s*<dd><time ", text), text


@pytest.mark.req("E-30")
async def test_dangerous_acts_ask_for_the_password_again(
    place: Place, person: Client, page: str, services: Services
) -> None:
    await place.listen("contact.created")
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE sessions SET confirmed_at = now() - interval '1 day' WHERE user_id = $1",
            place.account.owner_id,
        )
    here = f"{page}/{place.endpoint}"
    for where, form in (
        (page, {"url": "https://example.com/", "events": ["contact.created"]}),
        (f"{here}/settings", {"url": "https://example.com/", "events": ["contact.created"]}),
        (f"{here}/states", {"status": "off"}),
        (f"{here}/secrets", {}),
        (f"{here}/deletion", {}),
    ):
        assert (await person.post(where, form)).status in (303, 403), where
    found = await place.show()
    assert (found.url, found.status, found.old_secret_until) == (place.receiver.url, "on", None)


async def test_an_analyst_sees_no_webhooks(place: Place, page: str, make: Make) -> None:
    user, _ = await make.user(place.account.id, "analyst")
    assert (await (await make.signed_in(user)).get(page)).status == 403


async def test_a_stranger_finds_nothing(place: Place, make: Make) -> None:
    await place.listen("contact.created")
    await place.happened()
    await place.tell()
    [attempt] = await place.log()
    other = await make.account()
    stranger = await make.signed_in(other.owner_id)
    here = f"{other.app}/integrations/webhooks/{place.endpoint}"
    for where in ("", "/settings", "/secrets", "/deletion", f"/attempts/{attempt.id}"):
        assert (await stranger.get(here + where)).status == 404
    for where, form in (
        ("/tests", {}),
        ("/secrets", {}),
        ("/deletion", {}),
        ("/states", {"status": "off"}),
        ("/replays", {"hours": "1"}),
    ):
        assert (await stranger.post(here + where, form)).status == 404
    program = await make.program(other.id)
    path = f"/api/v1/webhooks/{place.endpoint}"
    assert (await program.get(path)).status == 404
    assert (await program.get(f"{path}/attempts")).status == 404
    assert (await program.ask("DELETE", path)).status == 404
    assert (await place.show()).created_at < clock.now()
