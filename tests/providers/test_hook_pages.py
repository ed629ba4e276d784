"""The pages and the API by which a webhook is set up."""

import base64
import re

import orjson
import pytest

from sending import servers
from sending.servers import NewServer
from tests.client import Client
from tests.make import Account, Make
from tests.providers.amazon import TOPIC
from tests.providers.test_sendgrid import key, public

__all__ = ["key"]


async def server(make: Make) -> tuple[Account, int]:
    account = await make.account()
    async with make.services.db.account(account.id) as tx:
        made = await servers.create(tx, make.services.sealer, NewServer(host="smtp.provider.test"))
    return account, made.id


@pytest.mark.req("A-082")
async def test_postmarks_password_is_shown_once_and_can_be_renewed(make: Make, client: Client) -> None:
    account, server_id = await server(make)
    owner = await make.signed_in(account.owner_id)
    place = f"{account.app}/senders/servers/{server_id}"
    assert "Set up the provider" in (await owner.get(place)).text
    shown = await owner.post(f"{place}/webhook", {"provider": "postmark"})
    assert shown.status == 200
    found = re.search(r"//postmark:([\w-]+)@\S+(/hooks/[\w-]+)<", shown.text)
    assert found
    password, path = found.groups()
    proof = {"Authorization": "Basic " + base64.b64encode(f"postmark:{password}".encode()).decode()}
    assert (await client.ask("POST", path, data=b"{}", headers=proof)).status == 200
    page = (await owner.get(f"{place}/webhook")).text
    assert password not in page
    assert path in page
    assert "Nothing has come yet" in page
    assert "Webhook of Postmark" in (await owner.get(place)).text
    again = await owner.post(f"{place}/webhook/passwords", {})
    assert (again.status, password in again.text) == (200, False)
    assert (await client.ask("POST", path, data=b"{}", headers=proof)).status == 403
    page = (await owner.get(f"{place}/webhook")).text
    assert "The last call was refused" in page
    assert "with a wrong password" in page
    assert (await owner.post(f"{place}/webhook", {"provider": "postmark"})).status == 409
    assert "no longer taken" in (await owner.get(f"{place}/webhook/deletion")).text
    assert (await owner.post(f"{place}/webhook/deletion", {})).status == 303
    assert (await client.ask("POST", path, data=b"{}", headers=proof)).status == 404
    assert (await owner.post(f"{place}/webhook/deletion", {})).status == 404


async def test_what_is_missing_is_named_at_its_field(make: Make) -> None:
    account, server_id = await server(make)
    owner = await make.signed_in(account.owner_id, language="fr")
    place = f"{account.app}/senders/servers/{server_id}/webhook"
    for form, field, words in (
        ({"provider": "ses"}, "topic", "ARN du sujet"),
        ({"provider": "ses", "topic": "arn:aws:sqs:eu-west-3:1:x"}, "topic", "ARN du sujet"),
        ({"provider": "sendgrid", "public_key": "x"}, "public_key", "pas une clé"),
        ({"provider": "other"}, "provider", "Choisissez"),
        ({}, "provider", "Remplissez"),
    ):
        answer = await owner.post(place, form)
        assert answer.status == 422
        assert f'id="{field}-error"' in answer.text, form
        assert words in answer.text
    # known before the webhook is: SendGrid shows its key only behind the address
    assert "/hooks/" in (await owner.get(place)).text
    assert (await owner.post(place, {"provider": "ses", "topic": TOPIC})).status == 303
    page = (await owner.get(place)).text
    assert TOPIC in page
    assert "Rien n’est encore arrivé" in page


@pytest.mark.req("E-30")
async def test_only_managers_who_gave_their_password_set_it_up(make: Make) -> None:
    account, server_id = await server(make)
    place = f"{account.app}/senders/servers/{server_id}/webhook"
    editor_id, _ = await make.user(account.id, "editor")
    editor = await make.signed_in(editor_id)
    assert (await editor.get(place)).status == 403
    assert (await editor.post(place, {"provider": "postmark"})).status == 403
    owner = await make.signed_in(account.owner_id)
    async with make.services.db.shared() as tx:
        await tx.run(
            "UPDATE sessions SET confirmed_at = now() - interval '11 minutes' WHERE user_id = $1",
            account.owner_id,
        )
    assert (await owner.post(place, {"provider": "postmark"})).status == 403


@pytest.mark.req("E-35")
async def test_the_api_sets_it_up_too(make: Make, client: Client, key: object) -> None:
    account, server_id = await server(make)
    program = await make.program(account.id, ["smtp-servers:read", "smtp-servers:write"])
    place = f"/api/v1/smtp-servers/{server_id}/webhook"
    before = (await program.get(place)).json()
    assert (before["state"], before["provider"]) == ("none", None)
    assert "/hooks/" in before["address"]
    bad = await program.post(place, json={"provider": "sendgrid", "public_key": "x"})
    assert (bad.status, bad.json()["errors"][0]["field"]) == (422, "public_key")
    made = await program.post(place, json={"provider": "sendgrid", "public_key": public(key)})  # type: ignore[arg-type]
    assert made.status == 201
    assert made.json() | {"provider": None, "state": "none"} == before
    assert (await program.post(place, json={"provider": "postmark"})).status == 409
    assert (await program.post(f"{place}/passwords", json={})).status == 404
    assert (await program.ask("DELETE", place)).status == 204
    assert (await program.ask("DELETE", place)).status == 404
    with_password = (await program.post(place, json={"provider": "postmark"})).json()["address"]
    again = (await program.post(f"{place}/passwords", json={})).json()["address"]
    assert with_password != again
    assert "postmark:" not in orjson.dumps((await program.get(place)).json()).decode()
    reader = await make.program(account.id, ["smtp-servers:read"])
    assert (await reader.get(place)).status == 200
    assert (await reader.ask("DELETE", place)).status == 403
    foreign = await make.program((await make.account()).id)
    assert (await foreign.get(place)).status == 404
    assert (await foreign.post(place, json={"provider": "postmark"})).status == 404
