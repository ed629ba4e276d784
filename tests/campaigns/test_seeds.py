"""Test addresses and tests: a stranger's mailbox gets nothing before its owner agreed, and never again after a no."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from mailer.core import clock
from mailer.core.errors import Conflict, Invalid, NotFound, TooMany
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.work import Task
from retention_jobs import unconfirmed_rows
from sending import seeds, test_mail, test_sends
from sending.seeds import NewSeed
from tests.campaigns.conftest import Ready
from tests.client import Client
from tests.make import Account, Make

Build = Callable[..., Awaitable[Ready]]


def links(services: Services) -> Links:
    return Links(services.tokens, "")


async def add(services: Services, account: Account, email: str) -> seeds.Seed:
    async with services.db.account(account.id) as tx:
        return await seeds.add(tx, NewSeed(email=email), links(services))


async def page_of(services: Services, account: Account, email: str) -> str:
    """The path in the newest confirmation mail to this address."""
    async with services.db.shared() as tx:
        link = await tx.value(
            """
            SELECT details ->> 'link' FROM outbox
            WHERE kind = 'confirm_seed' AND account_id = $1 AND recipient = $2 ORDER BY id DESC LIMIT 1
            """,
            account.id,
            email,
        )
    assert link is not None
    return link[link.index("/t/") :]


async def agree(services: Services, client: Client, account: Account, email: str) -> str:
    page = await page_of(services, account, email)
    answer = await client.ask("POST", page, data={"answer": "yes"})
    assert answer.status == 303
    return page


async def usable(services: Services, account: Account) -> list[str]:
    async with services.db.account(account.id) as tx:
        return await seeds.usable(tx)


@pytest.mark.req("E-14", "A-088")
async def test_a_stranger_agrees_before_any_test(make: Make, services: Services, client: Client) -> None:
    account = await make.account()
    await add(services, account, "voisin@ailleurs.test")
    page = await page_of(services, account, "voisin@ailleurs.test")
    # a mail program that opens the link by itself agrees to nothing
    for _ in range(2):
        assert "May Atelier du Pain send you tests?" in (await client.get(page)).text
    assert await usable(services, account) == []
    assert (await client.ask("POST", page, data={"answer": "yes"})).status == 303
    assert "Atelier du Pain may send you tests." in (await client.get(page)).text
    assert await usable(services, account) == ["voisin@ailleurs.test"]


@pytest.mark.req("E-14")
async def test_the_owners_no_holds_against_everything_the_team_does(
    make: Make, services: Services, client: Client
) -> None:
    account = await make.account()
    seed = await add(services, account, "voisin@ailleurs.test")
    page = await agree(services, client, account, "voisin@ailleurs.test")
    clock.shift(timedelta(days=400))
    assert (await client.ask("POST", page, data={"answer": "no"})).status == 303
    assert await usable(services, account) == []
    assert "No test will come to voisin@ailleurs.test." in (await client.get(page)).text
    async with services.db.account(account.id) as tx:
        for act in (
            seeds.add(tx, NewSeed(email="Voisin@AILLEURS.test"), links(services)),
            seeds.ask_again(tx, seed.id, links(services)),
            seeds.remove(tx, seed.id),
        ):
            with pytest.raises(Conflict) as refused:
                await act
    assert refused.value.faults[0].code == "refused"
    # and a link of long ago takes no yes
    assert (await client.ask("POST", page, data={"answer": "yes"})).status == 404
    assert await usable(services, account) == []


async def test_a_late_or_replaced_link_confirms_nothing(
    make: Make, services: Services, client: Client
) -> None:
    account = await make.account()
    seed = await add(services, account, "lent@ailleurs.test")
    first = await page_of(services, account, "lent@ailleurs.test")
    clock.shift(timedelta(days=3, minutes=1))
    assert (await client.ask("POST", first, data={"answer": "yes"})).status == 404
    assert "This question is too old." in (await client.get(first)).text
    async with services.db.account(account.id) as tx:
        await tx.run("UPDATE seeds SET asked_at = now() - interval '2 hours' WHERE account_id = $1")
        await seeds.ask_again(tx, seed.id, links(services))
    assert (await client.get(first)).status == 404
    assert await usable(services, account) == []
    assert (await client.get(first[:-4] + "AAAA")).status == 404


@pytest.mark.req("E-14")
async def test_the_list_is_no_way_to_flood_mailboxes(make: Make, services: Services) -> None:
    account = await make.account()
    seed = await add(services, account, "un@ailleurs.test")
    with pytest.raises(Conflict):
        await add(services, account, "UN@ailleurs.test")
    async with services.db.account(account.id) as tx:
        with pytest.raises(TooMany):
            await seeds.ask_again(tx, seed.id, links(services))
        await seeds.remove(tx, seed.id)
    # taken off and added again: the same mailbox is not mailed twice within the hour
    with pytest.raises(TooMany):
        await add(services, account, "un@ailleurs.test")
    for n in range(seeds.MAILS_A_DAY - 1):
        made = await add(services, account, f"p{n}@ailleurs.test")
        async with services.db.account(account.id) as tx:
            await seeds.remove(tx, made.id)
    with pytest.raises(TooMany):
        await add(services, account, "deux@ailleurs.test")
    async with services.db.account(account.id) as tx:
        assert await seeds.many(tx) == []
    for _ in range(seeds.MOST):
        _, email = await make.user(account.id)
        await add(services, account, email)
    with pytest.raises(Conflict) as full:
        await add(services, account, account.owner_email)
    assert full.value.faults[0].code == "most"


async def test_a_colleague_needs_no_second_yes_and_leaves_with_the_team(
    make: Make, services: Services
) -> None:
    account = await make.account()
    colleague, email = await make.user(account.id, "editor")
    seed = await add(services, account, email)
    assert (seed.status, seed.team) == ("confirmed", True)
    assert await usable(services, account) == [email]
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM memberships WHERE user_id = $1", colleague)
    assert await usable(services, account) == []


async def test_one_press_tests_at_myself_and_at_every_address(
    ready: Build, make: Make, services: Services, client: Client
) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    page = f"{found.page}/preview"
    assert "test address" not in (await owner.get(page)).text.partition("<h2>Tests</h2>")[0]
    for email in ("gmail@ailleurs.test", "orange@ailleurs.test"):
        await add(services, found.account, email)
        await agree(services, client, found.account, email)
    await add(services, found.account, "muet@ailleurs.test")
    assert "Send a test to me and to 2 test addresses" in (await owner.get(page)).text
    asked = await owner.post(f"{found.page}/test-sends", {"recipient": "both", "then": "preview"})
    assert asked.location == page
    async with services.db.account(found.account.id) as tx:
        rows = await test_sends.recent(tx, found.campaign.id)
        assert sorted(row.recipient for row in rows) == sorted(
            ["gmail@ailleurs.test", "orange@ailleurs.test", found.account.owner_email]
        )
        await test_sends.finish(tx, rows[0].id, "failed", reply="550 5.7.1 no")
        await test_sends.finish(tx, rows[1].id, "sent", reply="250 2.0.0 Ok")
    shown = (await owner.get(page)).text
    assert "3 tests are on their way." in shown
    table = shown.partition("<h2>Tests</h2>")[2]
    for words in ("Failed", "550 5.7.1 no", "Handed over", "250 2.0.0 Ok", "On its way", "Refresh"):
        assert words in table, words


async def test_a_no_reaches_a_test_that_is_on_its_way(
    ready: Build, services: Services, client: Client
) -> None:
    found = await ready()
    await add(services, found.account, "voisin@ailleurs.test")
    page = await agree(services, client, found.account, "voisin@ailleurs.test")
    async with services.db.account(found.account.id) as tx:
        (test,) = await test_sends.ask_all(tx, found.campaign.id, ["seeds"])
    await client.ask("POST", page, data={"answer": "no"})
    await test_mail.send_test(services, Task(found.account.id, test_sends.JOB, test.id, 0, 1))
    async with services.db.account(found.account.id) as tx:
        ended = await test_sends.show(tx, test.id)
    assert (ended.state, ended.reply) == ("failed", "the address takes no tests any more")


async def test_tests_are_counted_by_the_hour(ready: Build, services: Services) -> None:
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        await tx.run(
            """
            INSERT INTO test_sends (account_id, campaign_id, recipient)
            SELECT $1, $2, 'a@b.test' FROM generate_series(1, $3::int)
            """,
            found.campaign.id,
            test_sends.MOST_AN_HOUR,
        )
        with pytest.raises(TooMany):
            await test_sends.ask_all(tx, found.campaign.id, [found.account.owner_email])
        with pytest.raises(NotFound):
            await test_sends.ask_all(tx, 10**12, [found.account.owner_email])


@pytest.mark.req("B-26", "E-14")
async def test_what_nobody_answered_is_forgotten_and_a_no_is_kept(
    make: Make, services: Services, client: Client
) -> None:
    account = await make.account()
    for email in ("muet@ailleurs.test", "non@ailleurs.test", "retire@ailleurs.test", "oui@ailleurs.test"):
        await add(services, account, email)
    await agree(services, client, account, "oui@ailleurs.test")
    page = await page_of(services, account, "non@ailleurs.test")
    await client.ask("POST", page, data={"answer": "no"})
    async with services.db.account(account.id) as tx:
        await seeds.remove(tx, next(one.id for one in await seeds.many(tx) if one.email[:2] == "re"))
        for days, left in ((29, 4), (31, 2)):
            await unconfirmed_rows.purge(tx, clock.now() + timedelta(days=days))
            assert await tx.value("SELECT count(*) FROM seeds WHERE account_id = $1") == left
        assert {one.status for one in await seeds.many(tx)} == {"confirmed", "refused"}


async def test_the_pages_of_the_list(make: Make, services: Services) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    page = f"{account.app}/test-addresses"
    assert "No test address yet." in (await owner.get(page)).text
    wrong = await owner.post(page, {"email": "pas une adresse"})
    assert wrong.status == 422
    assert 'id="errors"' in wrong.text
    added = await owner.post(page, {"email": "un@ailleurs.test", "label": "Orange"})
    assert added.location == page
    shown = (await owner.get(page)).text
    assert "Waiting for its owner" in shown
    seed = re.search(r"/test-addresses/(\d+)/removals", shown)[1]
    again = await owner.post(f"{page}/{seed}/confirmations")
    assert "left less than an hour ago" in (await owner.get(again.location)).text
    gone = await owner.post(f"{page}/{seed}/removals")
    assert "no test goes there any more" in (await owner.get(gone.location)).text
    editor, _ = await make.user(account.id, "editor")
    assert (await (await make.signed_in(editor)).post(page, {"email": "x@y.test"})).status == 403


@pytest.mark.req("E-62")
async def test_the_api_checks_and_tests(ready: Build, make: Make, services: Services) -> None:
    found = await ready()
    program = await make.program(found.account.id)
    path = f"/api/v1/campaigns/{found.campaign.id}"
    seen = (await program.get(f"{path}/checks")).json()
    assert (seen["blocked"], seen["audience"]) == (False, 3)
    (domain,) = [one for one in seen["checks"] if one["code"] == "domain"]
    assert domain["group"] == "look"
    assert domain["page"].startswith(f"/app/{found.account.id}/")
    assert {one["group"] for one in seen["checks"]} == {"look", "fine"}
    nobody = await program.post(f"{path}/tests", json={"to": ["me"]})
    assert (nobody.status, nobody.json()["errors"][0]["code"]) == (422, "nobody")
    none = await program.post(f"{path}/tests", json={"to": ["seeds"]})
    assert (none.status, none.json()["errors"][0]["field"]) == (422, "to")
    outsider = await program.post(f"{path}/tests", json={"to": ["ana@example.test"]})
    assert (outsider.status, outsider.json()["errors"][0]["code"]) == (422, "not_team")
    sent = await program.post(f"{path}/tests", json={"to": [found.account.owner_email.upper()]})
    assert sent.status == 202
    (one,) = sent.json()["items"]
    assert (one["recipient"], one["state"]) == (found.account.owner_email, "waiting")
    assert (await program.get(f"{path}/tests")).json()["items"] == [one]
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE api_keys SET created_by = $2 WHERE account_id = $1",
            found.account.id,
            found.account.owner_id,
        )
    mine = await program.post(f"{path}/tests", json={"to": ["me", found.account.owner_email]})
    assert [one["recipient"] for one in mine.json()["items"]] == [found.account.owner_email]


async def test_the_api_keeps_the_list(make: Make, services: Services) -> None:
    account = await make.account()
    program = await make.program(account.id)
    made = await program.post("/api/v1/test-addresses", json={"email": "un@ailleurs.test", "label": "Orange"})
    assert (made.status, made.json()["status"]) == (201, "pending")
    path = f"/api/v1/test-addresses/{made.json()['id']}"
    token = (await page_of(services, account, "un@ailleurs.test")).rpartition("/")[2]
    assert (await program.post(f"{path}/confirmations", json={})).status == 429
    confirmed = await program.post(f"{path}/confirmations", json={"token": token})
    assert confirmed.json()["status"] == "confirmed"
    assert (await program.get("/api/v1/test-addresses")).json()["items"] == [confirmed.json()]
    other = await make.program((await make.account()).id)
    assert (await other.post(f"{path}/confirmations", json={"token": token})).status == 404
    assert (await program.ask("DELETE", path)).status == 204
    assert (await program.get("/api/v1/test-addresses")).json()["items"] == []


async def test_a_test_address_is_not_taken_as_team_elsewhere(ready: Build, services: Services) -> None:
    found, other = await ready(), await ready()
    async with services.db.account(found.account.id) as tx:
        with pytest.raises(Invalid):
            await test_sends.ask_all(tx, found.campaign.id, [other.account.owner_email])


@pytest.mark.req("D-87")
async def test_setup_and_preview_show_the_line_in_the_inbox(ready: Build, make: Make) -> None:
    found = await ready(subject="{{ contact.first_name }}, le pain de seigle est sorti du four ce matin")
    owner = await make.signed_in(found.account.owner_id)
    setup = (await owner.get(f"{found.page}/setup")).text
    assert "Ana, le pain de seigle est sorti du four ce matin" in setup
    assert "A telephone shows “Ana, le pain de seigle est sorti du fou…”." in setup
    assert "Without a preheader, mailboxes show the beginning of the message." in setup
    assert "Le pain de la semaine Bonjour Ana, voici le seigle. Voir le seigle" in setup
    assert re.findall(r'data-look="(\w+)" data-width="(\d+)"', setup) == [
        ("light", "320"), ("light", "600"), ("dark", "320"), ("dark", "600"),
    ]  # fmt: skip
    drawing = setup.partition('<div class="inbox-lines" aria-hidden="true">')[2]
    assert drawing.count("Ana, le pain de seigle") == 4
    bare = (await owner.get(f"{found.page}/preview?who=bare&width=360")).text
    assert "Empty for this person: contact.first_name." in bare
    assert "Bonjour , voici le seigle." in bare
    assert "Source of the HTML" in bare
