"""The operator answers in place of an account that is closed, or has no owner left (A-091)."""

import html
import re
from collections import Counter
from datetime import timedelta

import pytest

from lists import rights_reminders
from lists.rights_words import Right
from mailer.accounts import account_life, accounts, audit
from mailer.core import clock
from mailer.core.db import AccountTx
from tests.accounts.test_breaches import operator
from tests.client import Client
from tests.rights.desk import Desk
from tests.rights.test_requests import recorded, shown

pytestmark = [pytest.mark.req("A-091", "A-018", "A-120")]
BASE = "/app/operator/rights-requests"


@pytest.fixture
async def staff(desk: Desk) -> Client:
    return await operator(desk.make)


async def close(desk: Desk) -> None:
    async with desk.tx() as tx:
        name = (await accounts.show(tx)).name
        await account_life.close(tx, name, now=clock.now(), public_url="https://mailer.test")


def plain(text: str) -> str:
    return html.unescape(text).replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


async def listed(desk: Desk, staff: Client) -> bool:
    """Does a request of this account stand in the queue, on whichever of its pages?"""
    following: str | None = BASE
    while following:
        page = (await staff.get(following)).text
        assert desk.email not in page
        if f"{BASE}/{desk.account.id}/" in page:
            return True
        found = re.search(rf'href="({re.escape(BASE)}\?cursor=[^"]+)"', page)
        following = found[1] if found else None
    return False


async def test_a_request_to_a_closed_account_is_answered_by_the_operator(desk: Desk, staff: Client) -> None:
    """The story: closed; asked, confirmed, told; queued, opened, carried out, answered; the account sees it."""
    await close(desk)
    french = plain((await desk.client.get(desk.form() + "?lang=fr")).text)
    assert "Atelier du Pain a clos son compte : Mailer (installation locale), qui conserve" in french
    link = await desk.link("access")
    before = plain((await desk.client.get(link + "?lang=fr")).text)
    assert "transmise à Mailer (installation locale), qui répond pour Atelier du Pain" in before
    assert (await desk.client.post(link, {})).status == 303
    after = plain((await desk.client.get(link + "?lang=fr")).text)
    assert "Demande transmise à Mailer (installation locale)." in after
    request_id = int(str(await desk.value("SELECT max(id) FROM rights_requests WHERE account_id = $1")))
    place = f"{BASE}/{desk.account.id}/{request_id}"

    told = {one.to: one.details for one in await desk.mails("rights_told")}
    mine = [one for one in told.values() if str(one["link"]).endswith(place)]
    assert mine
    assert all((one["to_operator"], one["operators"]) == (True, "closed") for one in mine)
    assert not any(desk.email in str(one) for one in mine)
    assert (told[desk.account.owner_email]["to_operator"], told[desk.account.owner_email]["operators"]) == (
        False,
        "closed",
    )

    assert await listed(desk, staff)
    door = await staff.get(place)
    assert (door.status, desk.email in door.text, "Ouvrir la demande" in door.text) == (200, False, True)
    assert re.search(r"Encore \d+ jours", plain(door.text))
    for tool in ("copies", "objection", "erasure", "answer", "restriction", "correction"):
        assert (await staff.post(f"{place}/{tool}", {})).status in (403, 422), tool
    assert (await staff.get(f"{place}/erasure")).status == 403
    assert await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 1

    assert (await staff.post(f"{place}/openings", {})).location == place
    opened = await staff.get(place)
    assert desk.email in opened.text
    assert "Vous répondez à la place du compte" in plain(opened.text)
    assert (await staff.get(f"{desk.account.app}/contacts/{desk.ana}")).status == 200
    assert (await staff.post(f"{place}/correction", {"first_name": "Anaïs"})).status == 303
    assert await desk.value("SELECT first_name FROM contacts WHERE account_id = $1") == "Anaïs"
    assert (await staff.post(f"{place}/copies", {})).status == 303
    assert [one.to for one in await desk.mails("rights_copy")] == [desk.email]
    letter = {"outcome": "done", "answer": "C’est fait.", "by": "mail"}
    assert (await staff.post(f"{place}/answer", letter)).status == 303
    (answer,) = await desk.mails("rights_answer")
    assert (answer.to, answer.details["by_operator"]) == (desk.email, True)
    found = await shown(desk, request_id)
    assert (found.state, found.by_operator, found.handled_by, found.email) == ("done", True, None, desk.email)
    assert not await listed(desk, staff)

    owner = await desk.make.signed_in(desk.account.owner_id, language="fr")
    theirs = plain((await owner.get(f"{desk.account.app}/privacy/requests/{request_id}")).text)
    assert "Par l’exploitant de ce service, à la place du compte." in theirs
    async with desk.tx() as tx:
        lines = [(one.action, one.object) for one in await audit.latest(tx, 200) if one.actor == "operator"]
    assert {("viewed", "rights_request"), ("answered", "rights_request"), ("sent", "rights_request")} <= set(
        lines
    )
    assert ("opened", "staff_access") in lines
    journal = plain((await owner.get(f"{desk.account.app}/settings/log?who=operator")).text)
    assert f"Support, motif : Obligation légale (demande {request_id})" in journal
    assert desk.email not in journal


async def test_the_tools_are_those_of_the_accounts_desk(desk: Desk, staff: Client) -> None:
    restrict, refuse, erase = [
        await recorded(desk, kind, now=clock.now()) for kind in (Right.RESTRICT, Right.ACCESS, Right.ERASE)
    ]
    await close(desk)
    of = f"{BASE}/{desk.account.id}"
    assert (await staff.post(f"{of}/{restrict}/openings", {})).status == 303
    again = await staff.post(f"{of}/{restrict}/openings", {})
    assert (again.status, "Un de vos accès" in plain(again.text)) == (409, True)
    assert (await staff.post(f"{of}/{restrict}/restriction", {"ground": ""})).status == 422
    assert (await staff.post(f"{of}/{restrict}/restriction", {"ground": "claims"})).status == 303
    limited = "SELECT restricted_at IS NOT NULL FROM contacts WHERE account_id = $1"
    assert await desk.value(limited)
    blocked = await staff.post(f"{of}/{erase}/erasure", {})
    assert (blocked.status, await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1")) == (
        409,
        1,
    )
    assert "Lever la limitation" in plain((await staff.get(f"{of}/{restrict}/restriction")).text)
    lifting = {"reason": "Personne prévenue", "told": "1"}
    assert (await staff.post(f"{of}/{restrict}/restriction/lifting", lifting)).status == 303
    assert await desk.value(limited) is False
    assert (await staff.post(f"{of}/{restrict}/objection", {})).status == 303
    assert await desk.value("SELECT reason FROM suppressions WHERE account_id = $1") == "objected"
    assert (await staff.post(f"{of}/{refuse}/extension", {"reason": "Fichiers nombreux"})).status == 303
    refusal = await staff.get(f"{of}/{refuse}/refusal")
    assert f'action="{of}/{refuse}/answer"' in refusal.text
    gap = {"outcome": "refused", "answer": "[à compléter : le motif]", "by": "mail"}
    wrong = await staff.post(f"{of}/{refuse}/answer", gap)
    assert (wrong.status, f'action="{of}/{refuse}/answer"' in wrong.text) == (422, True)
    sent = gap | {"answer": "Motif : demande répétée."}
    assert (await staff.post(f"{of}/{refuse}/answer", sent)).status == 303
    assert (await shown(desk, refuse)).state == "refused"
    assert f'action="{of}/{erase}/erasure"' in (await staff.get(f"{of}/{erase}/erasure")).text
    assert (await staff.post(f"{of}/{erase}/erasure", {})).status == 303
    assert await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 0


async def test_an_account_that_can_answer_is_none_of_the_operators_business(
    desk: Desk, staff: Client
) -> None:
    request_id = await recorded(desk, now=clock.now())
    place = f"{BASE}/{desk.account.id}/{request_id}"
    assert not await listed(desk, staff)
    assert (await staff.get(place)).status == 404
    assert (await staff.post(f"{place}/openings", {})).status == 404
    await desk.confirmed("access")
    assert {one.to for one in await desk.mails("rights_told")} == {desk.account.owner_email}
    form = {"account": desk.account.id, "purpose": "legal", "ticket": "T-1", "minutes": 30}
    assert (await staff.post("/app/operator/accesses", form)).status == 303
    for method, path in (("get", place), ("get", f"{place}/erasure"), ("post", f"{place}/objection")):
        assert (await getattr(staff, method)(path)).status == 403, path
    await close(desk)
    assert (await staff.get(place)).status == 200
    async with desk.tx() as tx:
        await account_life.reactivate(tx, now=clock.now())
    assert (await staff.post(f"{place}/erasure", {})).status == 403
    assert await desk.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 1
    owner = await desk.make.signed_in(desk.account.owner_id)
    for path in (BASE, place):
        assert (await owner.get(path)).status == 404
    assert (await owner.post(f"{place}/openings", {})).status == 404


async def test_an_access_for_another_purpose_opens_no_request(desk: Desk, staff: Client) -> None:
    request_id = await recorded(desk, now=clock.now())
    await close(desk)
    form = {"account": desk.account.id, "purpose": "support", "ticket": "T-1", "minutes": 30}
    assert (await staff.post("/app/operator/accesses", form)).status == 303
    place = f"{BASE}/{desk.account.id}/{request_id}"
    assert desk.email not in (await staff.get(place)).text
    assert (await staff.post(f"{place}/copies", {})).status == 403
    assert await desk.mails("rights_copy") == []


@pytest.mark.req("A-023")
async def test_without_an_owner_the_operator_is_told_and_reminded_even_where_owners_approve(
    desk: Desk, staff: Client
) -> None:
    async with desk.services.db.shared() as tx:
        await tx.run("UPDATE users SET disabled = true WHERE id = $1", desk.account.owner_id)
        await tx.run("UPDATE accounts SET staff_approval = true WHERE id = $1", desk.account.id)
    assert "ne peut pas répondre actuellement" in plain(
        (await desk.client.get(desk.form() + "?lang=fr")).text
    )
    request_id = await desk.confirmed("access")
    (told,) = {str(one.details["operators"]) for one in await desk.mails("rights_told")}
    assert told == "no_owner"
    assert await listed(desk, staff)
    due = [one.to for one in await desk.mails("rights_due")]
    assert due == []
    async with desk.tx() as tx:
        later = clock.now() + timedelta(days=25)
        await rights_reminders.remind(tx, request_id, "https://mailer.test", now=later)
    links = {str(one.details["link"]) for one in await desk.mails("rights_due")}
    assert f"https://mailer.test{BASE}/{desk.account.id}/{request_id}" in links
    place = f"{BASE}/{desk.account.id}/{request_id}"
    assert (await staff.post(f"{place}/openings", {})).status == 303
    assert desk.email in (await staff.get(place)).text


async def handed(desk: Desk) -> Counter[int]:
    """By request: how often each operator was told. Every operator the same number of times."""
    found = Counter(
        (str(one.details["reference"]), one.to)
        for one in await desk.mails("rights_told")
        if one.details["to_operator"]
    )
    by_request: dict[int, set[int]] = {}
    for (reference, _), times in found.items():
        by_request.setdefault(int(reference), set()).add(times)
    assert all(len(times) == 1 for times in by_request.values())
    return Counter({request: times.pop() for request, times in by_request.items()})


@pytest.mark.usefixtures("staff")
async def test_what_is_open_at_the_closing_is_told_to_the_operator_once(desk: Desk) -> None:
    """Also what is overdue, so that its reminders are over; not what was answered before, or came after."""
    fresh = await recorded(desk, now=clock.now())
    overdue = await recorded(desk, now=clock.now() - timedelta(days=90))
    await desk.run()
    async with desk.tx() as tx:
        await tx.run(
            "UPDATE rights_requests SET state = 'done', finished_at = now() WHERE account_id = $1 AND id = $2",
            answered := await recorded(desk, now=clock.now()),
        )
    assert await handed(desk) == {}
    await close(desk)
    for _ in range(3):
        await desk.run()
    assert await handed(desk) == {fresh: 1, overdue: 1}
    assert answered not in await handed(desk)
    mail = next(one for one in await desk.mails("rights_told") if one.details["reference"] == fresh)
    assert str(mail.details["link"]).endswith(f"{BASE}/{desk.account.id}/{fresh}")
    assert desk.email not in str(mail.details)
    later = await desk.confirmed("portability")
    await desk.run()
    assert await handed(desk) == {fresh: 1, overdue: 1, later: 1}


@pytest.mark.usefixtures("staff")
async def test_a_worker_that_dies_tells_the_operator_neither_twice_nor_never(desk: Desk) -> None:
    request_id = await recorded(desk, now=clock.now())
    await close(desk)

    async def look(tx: AccountTx) -> None:
        await rights_reminders.remind(tx, request_id, "https://mailer.test", now=clock.now())

    # before it could commit: nobody was told, and nothing says so
    async def killed() -> None:
        async with desk.tx() as tx:
            await look(tx)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await killed()
    assert await handed(desk) == {}
    # after it, before the row of work was taken away: the next worker finds that all is said
    for _ in range(2):
        async with desk.tx() as tx:
            await look(tx)
    assert await handed(desk) == {request_id: 1}


@pytest.mark.usefixtures("staff")
async def test_a_second_closing_is_told_again(desk: Desk) -> None:
    request_id = await recorded(desk, now=clock.now())
    for closings in (1, 2):
        await close(desk)
        await desk.run()
        await desk.run()
        assert await handed(desk) == {request_id: closings}
        async with desk.tx() as tx:
            await account_life.reactivate(tx, now=clock.now())
        await desk.run()
