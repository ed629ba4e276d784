"""The page and the API of the mailbox that reports come to."""

import pytest

from tests.make import Make
from tests.providers.imap_server import HOST
from tests.providers.test_mailboxes import Box, box

__all__ = ["box"]


@pytest.mark.req("A-082")
async def test_a_mailbox_is_signed_in_to_before_it_is_saved(box: Box, make: Make) -> None:
    account = box.post.account
    owner = await make.signed_in(account.owner_id)
    place = f"{account.app}/senders/mailbox"
    assert "/senders/mailbox" in (await owner.get(f"{account.app}/senders/servers")).text
    form = {
        "host": HOST,
        "port": "993",
        "tls": "implicit",
        "username": box.server.username,
        "password": box.server.password,
        "folder": "INBOX",
        "done_folder": "",
    }
    for wrong, field in (
        ({"password": "other"}, "username"),
        ({"folder": "Nulle part"}, "folder"),
        ({"done_folder": "Nulle part"}, "done_folder"),
        ({"host": "other.boulangerie.test"}, "tls"),
        ({"host": "127.1"}, "host"),
        ({"port": "25"}, "port"),
        ({"password": ""}, "password"),
        ({"username": ""}, "username"),
    ):
        answer = await owner.post(place, form | wrong)
        assert answer.status == 422
        assert f'id="{field}-error"' in answer.text, wrong
        assert box.server.password not in answer.text
    assert (await owner.get(f"{place}/deletion")).status == 404
    assert (await owner.post(place, form)).status == 303
    assert "Not read yet" in (await owner.get(place)).text
    await box.poll()
    page = (await owner.get(place)).text
    assert "It is read each minute" in page
    assert box.server.password not in page
    box.server.password = "changed"
    await box.poll_now()
    page = (await owner.get(place)).text
    assert "It cannot be read" in page
    assert "does not take the user name" in page
    assert (await owner.post(f"{place}/deletion", {})).status == 303
    assert (await owner.post(f"{place}/deletion", {})).status == 404


async def test_the_api_does_the_same(box: Box, make: Make) -> None:
    program = await make.program(box.post.account.id, ["smtp-servers:read", "smtp-servers:write"])
    place = "/api/v1/report-mailbox"
    assert (await program.get(place)).status == 404
    new = {"host": HOST, "username": box.server.username, "password": "other"}
    bad = await program.ask("PUT", place, json=new)
    assert (bad.status, bad.json()["errors"][0]["field"]) == (422, "username")
    made = await program.ask("PUT", place, json=new | {"password": box.server.password})
    assert (made.status, made.json()["host"]) == (200, HOST)
    assert box.server.password not in made.text
    kept = await program.ask("PUT", place, json=new | {"password": "", "done_folder": "Traite"})
    assert (kept.status, kept.json()["done_folder"], kept.json()["id"]) == (200, "Traite", made.json()["id"])
    assert (await program.get(place)).json()["username"] == box.server.username
    assert (await program.ask("DELETE", place)).status == 204
    assert (await program.ask("DELETE", place)).status == 404
