"""An account suspended and back, closed and reactivated, erased sooner; who is told, and what goes on meanwhile."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailer.accounts import account_life, accounts, commands
from mailer.accounts.account_life import SoonerErasure
from mailer.core.errors import Conflict, Forbidden, Invalid
from mailer.core.services import Services
from retention_jobs import closing_reminders
from tests.make import Account, Make

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
END = datetime(2027, 1, 26, 9, 0, tzinfo=UTC)
CLOSED = "/settings/account"


async def name_of(services: Services, account: Account) -> str:
    async with services.db.account(account.id) as tx:
        return (await accounts.show(tx)).name


async def closed(services: Services, account: Account, *, now: datetime = NOW) -> str:
    """Returns its name."""
    async with services.db.account(account.id) as tx:
        name = (await accounts.show(tx)).name
        await account_life.close(tx, name, now=now, public_url="https://mailer.test")
    return name


@pytest.mark.req("A-045", "A-013")
async def test_the_operator_suspends_with_a_reason_that_the_team_reads_and_cannot_lift(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    _, colleague = await make.user(account.id, "editor")
    person = await make.signed_in(account.owner_id)
    async with services.db.account(account.id) as tx:
        with pytest.raises(Invalid):
            await account_life.suspend(tx, "operator", "  ", now=NOW, public_url="")
    done = await commands.suspend_account(services, account.id, "Trop de plaintes le 25 novembre")
    assert done == {"id": account.id, "status": "suspended"}
    for address in (account.owner_email, colleague):
        [(kind, details)] = await mails(address)
        assert (kind, details["reason"]) == ("account_suspended", "Trop de plaintes le 25 novembre")
    shown = (await person.get(f"{account.app}{CLOSED}")).text
    assert "Reason: Trop de plaintes le 25 novembre" in shown
    assert "suspension/end" not in shown
    assert (await person.post(f"{account.app}{CLOSED}/suspension/end")).status == 409
    # read, export and close go on
    assert (await person.get(account.app)).status == 200
    assert (await person.post(f"{account.app}/exports", {"what": "account"})).status == 303
    assert (await person.get(f"{account.app}{CLOSED}/closing")).status == 200
    program = await make.program(account.id)
    told = (await program.get("/api/v1/account")).json()
    assert (told["status"], told["status_reason"]) == ("suspended", "Trop de plaintes le 25 novembre")
    assert (await program.ask("PATCH", "/api/v1/account", json={"name": "X"})).status == 403
    assert (await commands.resume_account(services, account.id))["status"] == "active"
    with pytest.raises(Conflict):
        await commands.resume_account(services, account.id)


async def test_an_owner_suspends_and_ends_it_and_nobody_below_may(services: Services, make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    manager = await make.signed_in((await make.user(account.id, "manager"))[0])
    page = f"{account.app}{CLOSED}/suspension"
    assert (await manager.get(page)).status == 403
    assert (await manager.post(page)).status == 403
    assert (await person.get(page)).status == 200
    assert (await person.post(page, {"reason": "Congés"})).status == 303
    assert (await person.post(page, {"reason": "Encore"})).status == 403
    assert "Reason: Congés" in (await person.get(f"{account.app}{CLOSED}")).text
    assert (await manager.post(f"{page}/end")).status == 403
    assert (await person.post(f"{page}/end")).status == 303
    async with services.db.account(account.id) as tx:
        account_now = await accounts.show(tx)
    assert (account_now.status, account_now.status_reason, account_now.suspended_by) == ("active", "", None)


async def test_a_suspension_that_ends_gives_back_what_was_there_and_no_more(
    services: Services, make: Make
) -> None:
    """Neither a suspension nor a closing is a way around the operator's approval."""
    account = await make.account()
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'pending' WHERE id = $1", account.id)
    async with services.db.account(account.id) as tx:
        await account_life.suspend(tx, "owner", "", now=NOW, public_url="")
        name = (await accounts.show(tx)).name
        await account_life.close(tx, name, now=NOW, public_url="")
        assert (await account_life.reactivate(tx, now=NOW)).status == "suspended"
        back = await account_life.lift(tx, "owner")
        assert (back.status, back.awaits) == ("pending", "operator")
        with pytest.raises(Conflict):
            await account_life.confirm_sending(tx)


@pytest.mark.req("A-092")
async def test_a_reactivated_account_sends_nothing_before_an_owner_confirms(
    services: Services, make: Make
) -> None:
    account = await make.account()
    await closed(services, account)
    async with services.db.account(account.id) as tx:
        back = await account_life.reactivate(tx, now=NOW + timedelta(days=20))
    assert (back.status, back.awaits, back.closed_at, back.erase_at) == ("pending", "owner", None, None)
    async with services.db.shared() as tx:
        assert not await accounts.approve(tx, account.id)
    person = await make.signed_in(account.owner_id)
    manager = await make.signed_in((await make.user(account.id, "manager"))[0])
    home = (await person.get(account.app)).text
    assert "This account was reactivated: nothing is sent before an owner confirms it." in home
    program = await make.program(account.id)
    told = (await program.get("/api/v1/account")).json()
    assert (told["status"], told["awaits"]) == ("pending", "owner")
    # everything else is as before
    assert (await program.ask("PATCH", "/api/v1/account", json={"website": "https://x.fr"})).status == 200
    assert (await manager.post(f"{account.app}{CLOSED}/sending")).status == 403
    assert (await person.post(f"{account.app}{CLOSED}/sending")).status == 303
    assert (await person.post(f"{account.app}{CLOSED}/sending")).status == 409
    told = (await program.get("/api/v1/account")).json()
    assert (told["status"], told["awaits"]) == ("active", None)


@pytest.mark.req("A-005", "A-104")
async def test_an_owner_has_it_erased_sooner_but_not_in_the_days_of_retrieval_unawares(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    name = await closed(services, account)
    async with services.db.account(account.id) as tx:
        for new, now, field in (
            (SoonerErasure(wanted="thirty", typed="x"), NOW, "typed"),
            (SoonerErasure(wanted="now", typed=name), NOW + timedelta(days=29), "waived"),
        ):
            with pytest.raises(Invalid) as caught:
                await account_life.erase_sooner(tx, new, now=now, public_url="")
            assert [fault.field for fault in caught.value.faults] == [field]
        thirty = SoonerErasure(wanted="thirty", typed=name)
        moved = await account_life.erase_sooner(tx, thirty, now=NOW + timedelta(days=3), public_url="")
        assert moved.erase_at == NOW + timedelta(days=30)
        with pytest.raises(Conflict):
            await account_life.erase_sooner(tx, thirty, now=NOW + timedelta(days=4), public_url="")
        at_once = SoonerErasure(wanted="now", waived=True, typed=name)
        moved = await account_life.erase_sooner(tx, at_once, now=NOW + timedelta(days=5), public_url="")
        assert moved.erase_at == NOW + timedelta(days=5)
        assert await tx.value("SELECT retrieval_waived_at FROM accounts WHERE id = $1") == moved.erase_at
        with pytest.raises(Conflict):
            await account_life.reactivate(tx, now=NOW + timedelta(days=5))
    told = await mails(account.owner_email)
    assert [(kind, details["erase_on"]) for kind, details in told] == [
        ("account_closed", "2027-01-26"),
        ("account_closed", "2026-12-26"),
        ("account_closed", "2026-12-01"),
    ]


async def test_after_the_thirty_days_at_once_asks_for_no_waiver(services: Services, make: Make) -> None:
    account = await make.account()
    name = await closed(services, account)
    later = NOW + timedelta(days=30)
    async with services.db.account(account.id) as tx:
        new = SoonerErasure(wanted="now", typed=name)
        moved = await account_life.erase_sooner(tx, new, now=later, public_url="")
        assert moved.erase_at == later
        assert await tx.value("SELECT retrieval_waived_at FROM accounts WHERE id = $1") is None
    open_one = await make.account()
    async with services.db.account(open_one.id) as tx:
        with pytest.raises(Conflict):
            await account_life.erase_sooner(tx, new, now=later, public_url="")


@pytest.mark.req("A-005")
async def test_the_team_is_reminded_once_thirty_and_once_seven_days_before(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    await closed(services, account)
    seen = []
    for days in (31, 30, 30, 12, 7, 6, 0, -1):
        await closing_reminders.remind(services.db, END - timedelta(days=days), "https://mailer.test")
        seen.append(len(await mails(account.owner_email)) - 1)
    assert seen == [0, 1, 1, 1, 2, 2, 2, 2]
    reminders = [details for kind, details in await mails(account.owner_email) if kind != "account_closed"]
    assert [(one["days"], one["erase_on"]) for one in reminders] == [(30, "2027-01-26"), (7, "2027-01-26")]


@pytest.mark.req("A-104", "A-054", "E-30")
async def test_closing_asks_for_the_password_offers_the_export_first_and_shows_every_date(
    services: Services, make: Make
) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    page = f"{account.app}{CLOSED}/closing"
    shown = (await person.get(page)).text
    assert "Export everything" in shown
    started = await person.post(f"{account.app}/exports", {"what": "account", "then": "closing"})
    assert started.location == page
    assert "The archive is being written" in (await person.get(page)).text
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE sessions SET confirmed_at = now() - interval '11 minutes' WHERE user_id = $1",
            account.owner_id,
        )
    name = await name_of(services, account)
    for answer in (
        await person.get(page),
        await person.post(page, {"typed": name}),
        await person.get(f"{account.app}{CLOSED}/erasure"),
        await person.post(f"{account.app}{CLOSED}/erasure", {"typed": name}),
    ):
        assert "/app/me/confirmations" in (answer.location or answer.text)
    async with services.db.account(account.id) as tx:
        assert (await accounts.show(tx)).status == "active"


@pytest.mark.req("A-104")
async def test_the_page_of_an_earlier_erasure_names_the_field_at_fault(
    services: Services, make: Make
) -> None:
    account = await make.account()
    name = await name_of(services, account)
    person = await make.signed_in(account.owner_id)
    page = f"{account.app}{CLOSED}/erasure"
    assert (await person.get(page)).location == f"{account.app}{CLOSED}"
    assert (await person.post(f"{account.app}{CLOSED}/closing", {"typed": name})).status == 303
    assert "I give up the days until" in (await person.get(page)).text
    refused = await person.post(page, {"wanted": "now", "typed": name})
    assert refused.status == 422
    assert 'href="#waived"' in refused.text
    assert (await person.post(page, {"wanted": "now", "waived": "true", "typed": name})).status == 303
    shown = (await person.get(f"{account.app}{CLOSED}")).text
    assert "There is no way back" in shown
    assert "reactivations" not in shown


async def test_sending_pages_refuse_a_reactivated_account_in_its_own_words(
    services: Services, make: Make
) -> None:
    from sending import transactional

    account = await make.account()
    await closed(services, account)
    async with services.db.account(account.id) as tx:
        await account_life.reactivate(tx, now=NOW)
        with pytest.raises(Forbidden, match="before an owner confirms"):
            await transactional._check_account(tx)
