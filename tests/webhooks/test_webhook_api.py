"""Webhooks by API and by the Python client (S19, S24)."""

from datetime import timedelta

import pytest

from mailer.accounts import api_keys
from mailer.client import AsyncClient, Conflict, Invalid, WebhookInvalid, verify_webhook
from mailer.core import clock
from tests.client import Client
from tests.make import Make
from tests.webhooks.conftest import Place

PATH = "/api/v1/webhooks"


@pytest.fixture
async def program(place: Place) -> Client:
    return await place.make.program(place.account.id)


@pytest.mark.req("E-63")
async def test_only_the_answer_that_makes_a_secret_holds_it(place: Place, program: Client) -> None:
    made = await program.post(PATH, json={"url": place.receiver.url, "events": ["contact.created"]})
    assert made.status == 201
    assert made.json()["secret"].startswith("whsec_")
    here = f"{PATH}/{made.json()['id']}"
    assert made.headers["Location"] == here
    rotated = await program.post(f"{here}/secrets")
    assert rotated.status == 201
    assert rotated.json()["secret"] != made.json()["secret"]
    for told in (await program.get(here), await program.get(PATH), await program.get(f"{here}/attempts")):
        assert "whsec_" not in told.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "https://example.com/", "events": ["contact.exploded"]}, "events"),
        ({"url": "https://example.com/", "events": []}, "events"),
        ({"url": "https://example.com/"}, "events"),
        ({"url": "http://10.0.0.1/", "events": ["contact.created"]}, "url"),
        ({"url": "https://u:p@example.com/", "events": ["contact.created"]}, "url"),
        ({"url": "https://example.com/" + "a" * 2000, "events": ["contact.created"]}, "url"),
        ({"url": "https://example.com/", "events": ["contact.created"], "secret": "x"}, "secret"),
        ({"url": "https://example.com/", "events": ["contact.created"], "name": "n" * 121}, "name"),
    ],
)
async def test_bad_input_is_named(program: Client, body: dict[str, object], field: str) -> None:
    refused = await program.post(PATH, json=body)
    assert refused.status == 422
    assert [one["field"].split(".")[0] for one in refused.json()["errors"]] == [field]


async def test_a_patch_changes_what_it_names(place: Place, program: Client) -> None:
    here = f"{PATH}/{await place.listen('contact.created')}"
    told = await program.ask("PATCH", here, json={"status": "off"})
    assert (told.json()["status"], told.json()["events"]) == ("off", ["contact.created"])
    told = await program.ask(
        "PATCH", here, json={"events": ["campaign.sent", "contact.created"], "name": "CRM"}
    )
    assert (told.json()["status"], told.json()["name"]) == ("off", "CRM")
    assert told.json()["events"] == ["contact.created", "campaign.sent"]
    assert (await program.ask("PATCH", here, json={"status": "disabled"})).status == 422
    assert (await program.post(f"{here}/replays", json={"since": "2026-11-26T08:00:00Z"})).status == 409
    assert (await program.ask("DELETE", here)).status == 204
    assert (await program.get(here)).status == 404


async def test_the_log_is_paged_and_a_replay_wants_one_thing(place: Place, program: Client) -> None:
    here = f"{PATH}/{await place.listen('contact.created')}"
    await place.happened(5)
    await place.tell()
    first = (await program.get(f"{here}/attempts?limit=3")).json()
    second = (await program.get(f"{here}/attempts?limit=3&cursor={first['next_cursor']}")).json()
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert (len(ids), ids) == (5, sorted(ids, reverse=True))
    assert second["next_cursor"] is None
    for body in ({}, {"message_id": "msg_x", "since": "2026-11-26T08:00:00Z"}):
        assert (await program.post(f"{here}/replays", json=body)).status == 422
    assert (await program.post(f"{here}/replays", json={"message_id": "msg_nobody"})).status == 404
    done = await program.post(f"{here}/replays", json={"message_id": first["items"][0]["message_id"]})
    assert (done.status, done.json()) == (202, {"count": 1})


async def test_a_key_needs_the_scope(place: Place, make: Make) -> None:
    reader = await make.program(place.account.id, ["webhooks:read"])
    assert (await reader.get(PATH)).status == 200
    refused = await reader.post(PATH, json={"url": "https://example.com/", "events": ["contact.created"]})
    assert refused.status == 403
    nobody = await make.program(place.account.id, ["contacts:read"])
    assert (await nobody.get(PATH)).status == 403


async def test_an_account_has_a_bounded_number(place: Place, program: Client) -> None:
    for n in range(20):
        body = {"url": f"https://example.com/{n}", "events": ["campaign.sent"]}
        assert (await program.post(PATH, json=body)).status == 201
    assert (await program.post(PATH, json=body)).status == 409


@pytest.mark.req("S24")
async def test_the_python_client_has_it_all(place: Place, server: str) -> None:
    async with place.services.db.shared() as tx:
        _, key = await api_keys.create(tx, place.account.id, "client", scopes=api_keys.SCOPES)
    async with AsyncClient(server, key) as mailer:
        with pytest.raises(Invalid):
            await mailer.webhooks.create("nowhere", ["contact.created"])
        hook = await mailer.webhooks.create(place.receiver.url, ["contact.created"], name="CRM")
        place.endpoint = hook.id
        assert hook.secret not in repr(hook)
        await place.happened(3)
        await place.tell()
        uid = await mailer.webhooks.test(hook.id)
        await place.turn()
        seen = [one async for one in mailer.webhooks.attempts(hook.id)]
        assert (seen[0].message_id, seen[0].outcome, len(seen)) == (uid, "accepted", 4)
        heard = place.receiver.heard[-1]
        assert verify_webhook(heard.headers, heard.body, hook.secret)["type"] == "webhook.test"
        other = await mailer.webhooks.rotate(hook.id)
        with pytest.raises(WebhookInvalid):
            verify_webhook(heard.headers, heard.body, other)
        again = await mailer.webhooks.replay(hook.id, since=clock.now() - timedelta(hours=1), only="all")
        assert again == 3
        assert (await mailer.webhooks.update(hook.id, status="off")).status == "off"
        with pytest.raises(Conflict):
            await mailer.webhooks.replay(hook.id, message_id=uid)
        assert [one.id async for one in mailer.webhooks.list()] == [hook.id]
        await mailer.webhooks.delete(hook.id)
        await mailer.webhooks.delete(hook.id)
