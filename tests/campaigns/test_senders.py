"""Senders: confirmed by their mailbox, by a link whose GET changes nothing."""

import re
from datetime import timedelta

import pytest

from mailer.core import clock
from mailer.core.services import Services
from tests.make import Make


async def mailed_link(services: Services, email: str) -> str:
    """The path in the newest confirmation mail to this address."""
    async with services.db.shared() as tx:
        link = await tx.value(
            "SELECT details->>'link' FROM outbox WHERE kind = 'confirm_sender' AND recipient = $1"
            " ORDER BY id DESC LIMIT 1",
            email,
        )
    return "" if link is None else "/t/" + link.partition("/t/")[2]


def damaged(token: str) -> str:
    """One letter in the middle is another."""
    middle = len(token) // 2
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]


async def test_a_sender_is_confirmed_by_post_only(make: Make, services: Services, client) -> None:
    account = await make.account()
    program = await make.program(account.id)
    email = f"lettre@pain-{account.id}.test"
    made = await program.post("/api/v1/senders", json={"email": email, "name": "Le Pain"})
    assert made.status == 201
    assert made.json()["status"] == "pending"
    path = await mailed_link(services, email)
    for method in ("GET", "HEAD", "GET"):
        shown = await client.ask(method, path)
        assert shown.status == 200
    assert "May Atelier du Pain write from this address?" in (await client.get(path)).text
    sender = f"/api/v1/senders/{made.json()['id']}"
    assert (await program.get(sender)).json()["status"] == "pending"
    assert (await client.post(path)).location == path
    assert "Address confirmed." in (await client.get(path)).text
    first = (await program.get(sender)).json()
    assert first["status"] == "confirmed"
    assert (await client.post(path)).status == 303
    assert (await program.get(sender)).json()["confirmed_at"] == first["confirmed_at"]


async def test_a_program_confirms_with_the_token_of_the_mail(make: Make, services: Services) -> None:
    account = await make.account()
    program = await make.program(account.id)
    email = f"lettre@pain-{account.id}.test"
    made = (await program.post("/api/v1/senders", json={"email": email, "name": "Le Pain"})).json()
    token = (await mailed_link(services, email)).rpartition("/")[2]
    place = f"/api/v1/senders/{made['id']}/confirmations"
    assert (await program.post(place, json={"token": damaged(token)})).status == 404
    stranger = await make.program((await make.account()).id)
    assert (await stranger.post(place, json={"token": token})).status == 404
    done = await program.post(place, json={"token": token})
    assert (done.status, done.json()["status"]) == (200, "confirmed")


async def test_a_newer_mail_voids_the_older_link_and_links_end(
    make: Make, services: Services, client
) -> None:
    account = await make.account()
    program = await make.program(account.id)
    email = f"lettre@pain-{account.id}.test"
    made = (await program.post("/api/v1/senders", json={"email": email, "name": "Le Pain"})).json()
    old = await mailed_link(services, email)
    place = f"/api/v1/senders/{made['id']}/confirmations"
    assert (await program.post(place, json={})).status == 409
    async with services.db.account(account.id) as tx:
        await tx.run("UPDATE senders SET asked_at = asked_at - interval '2 minutes' WHERE account_id = $1")
    assert (await program.post(place, json={})).status == 200
    assert (await client.get(old)).status == 404
    new = await mailed_link(services, email)
    assert (await client.get(new)).status == 200
    clock.shift(timedelta(days=3, minutes=1))
    assert (await client.get(new)).status == 404


@pytest.mark.req("D-54", "B-23")
@pytest.mark.parametrize("email", ["pain@gmail.com", "pain@orange.fr", "pain@LaPoste.net", "pain@hotmail.fr"])
async def test_free_mail_addresses_are_refused(make: Make, email: str) -> None:
    account = await make.account()
    program = await make.program(account.id)
    answer = await program.post("/api/v1/senders", json={"email": email, "name": "Le Pain"})
    assert answer.status == 422
    fault = answer.json()["errors"][0]
    assert (fault["field"], fault["code"]) == ("email", "free_mail")
    domain = email.rpartition("@")[2]
    assert fault["message"].startswith(f"A {domain} address cannot be the sender")
    owner = await make.signed_in(account.owner_id)
    page = await owner.post(f"{account.app}/senders", {"email": email, "name": "Le Pain", "reply_to": ""})
    assert page.status == 422
    assert f'value="{email}"' in page.text


async def test_the_own_confirmed_address_needs_no_second_mail(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    form = {"email": account.owner_email, "name": "Le Pain", "reply_to": ""}
    assert (await owner.post(f"{account.app}/senders", form)).status == 303
    assert "Confirmed" in (await owner.get(f"{account.app}/senders")).text
    assert await mailed_link(services, account.owner_email) == ""
    again = await owner.post(f"{account.app}/senders", form)
    assert again.status == 409
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET email_confirmed_at = NULL WHERE id = $1", account.owner_id)
    other = await make.account()
    async with services.db.shared() as tx:
        await tx.run(
            "INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, 'owner')",
            other.id,
            account.owner_id,
        )
    assert (await owner.post(f"{other.app}/senders", form)).status == 303
    assert await mailed_link(services, account.owner_email) != ""


async def test_a_withdrawn_sender_comes_back_only_by_its_mailbox(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    form = {"email": account.owner_email, "name": "Le Pain", "reply_to": ""}
    await owner.post(f"{account.app}/senders", form)
    listed = await owner.get(f"{account.app}/senders")
    sender = re.search(r"/senders/(\d+)", listed.text)[1]
    page = f"{account.app}/senders/{sender}"
    assert (await owner.post(f"{page}/withdrawal")).status == 303
    assert "Withdrawn" in (await owner.get(page)).text
    changed = await owner.post(page, {"name": "Autre nom", "reply_to": "rien"})
    assert changed.status == 422
    assert (await owner.post(page, {"name": "Autre nom", "reply_to": ""})).status == 303
    assert "Withdrawn" in (await owner.get(page)).text
