"""The team: roles, their limits, leaving, the last owner, the yearly look; and invitations from both sides."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from mailer.accounts import invitations, jobs_team, passwords, second_factors, team, users
from mailer.accounts.invitations import NewInvitation
from mailer.core import clock
from mailer.core.actor import Actor
from mailer.core.errors import Conflict, Forbidden, Gone
from mailer.core.services import Services
from mailer.core.work import Task
from tests.client import Client
from tests.make import Account, Make

PASSWORD = "une péniche 7 bleue"
URL = "https://mailer.test"


def later(**passed: float) -> None:
    clock.shift(clock.offset() + timedelta(**passed))


async def roles(services: Services, account: Account) -> dict[int, tuple[str, bool]]:
    async with services.db.account(account.id) as tx:
        return {one.user_id: (one.role, one.can_send) for one in await team.many(tx)}


async def acting(services: Services, account: Account, by: int, verb: Any, *args: Any, **more: Any) -> Any:
    async with services.db.account(account.id, actor=Actor("user", by)) as tx:
        return await verb(tx, by, *args, **more)


async def link_of(mails: Callable[..., Any], email: str) -> str:
    details = [details for kind, details in await mails(email) if kind == "invitation"][-1]
    return "/app/" + details["link"].partition("/app/")[2]


@pytest.mark.req("A-120")
async def test_of_two_last_owners_who_go_at_once_one_stays(services: Services, make: Make) -> None:
    account = await make.account()
    second, _ = await make.user(account.id, "owner")
    answers = await asyncio.gather(
        acting(services, account, account.owner_id, team.remove, account.owner_id),
        acting(services, account, second, team.change, second, role="editor", can_send=False),
        return_exceptions=True,
    )
    assert len([answer for answer in answers if isinstance(answer, Conflict)]) == 1
    left = await roles(services, account)
    assert [role for role, _ in left.values()].count("owner") == 1


@pytest.mark.req("A-120")
async def test_each_touches_only_those_below_and_gives_only_what_they_have(
    services: Services, make: Make
) -> None:
    account = await make.account()
    owner = account.owner_id
    manager, _ = await make.user(account.id, "manager")
    other_manager, _ = await make.user(account.id, "manager")
    editor, _ = await make.user(account.id, "editor")
    for by, whom, role, can_send in (
        (manager, owner, "editor", False),
        (manager, other_manager, "editor", False),
        (manager, manager, "owner", False),
        (manager, editor, "owner", False),
        (manager, editor, "editor", True),
        (editor, manager, "analyst", False),
    ):
        with pytest.raises(Forbidden):
            await acting(services, account, by, team.change, whom, role=role, can_send=can_send)
    for by, whom in ((manager, owner), (manager, other_manager), (editor, manager)):
        with pytest.raises(Forbidden):
            await acting(services, account, by, team.remove, whom)
    for role, can_send in (("owner", False), ("editor", True)):
        new = NewInvitation(email="x@nouveau.test", role=role, can_send=can_send)  # type: ignore[arg-type]
        with pytest.raises(Forbidden):
            await acting(services, account, manager, invitations.invite, new, public_url=URL)
    await acting(services, account, manager, team.change, editor, role="manager", can_send=False)
    await acting(services, account, owner, team.change, editor, role="editor", can_send=True)
    assert (await roles(services, account))[editor] == ("editor", True)


@pytest.mark.req("A-120", "E-30")
async def test_who_is_removed_is_out_at_once_and_told(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    editor_id, email = await make.user(account.id, "manager")
    invited = NewInvitation(email="from.editor@nouveau.test", role="editor")
    await acting(services, account, editor_id, invitations.invite, invited, public_url=URL)
    link = await link_of(mails, "from.editor@nouveau.test")
    editor = await make.signed_in(editor_id)
    owner = await make.signed_in(account.owner_id)
    assert (await editor.get(f"{account.app}/contacts")).status == 200
    page = await owner.get(f"{account.app}/team/people/{editor_id}/removal")
    assert "Remove Odile Owner from the account?" in page.text
    done = await owner.post(f"{account.app}/team/people/{editor_id}/removal")
    assert done.location == f"{account.app}/team"
    assert (await editor.get(f"{account.app}/contacts")).status == 303
    again = await make.signed_in(editor_id)
    assert (await again.get(f"{account.app}/contacts")).status == 404
    assert [details["what"] for kind, details in await mails(email) if kind == "role_changed"] == ["removed"]
    # what they had begun ends with them
    async with services.db.shared() as tx:
        with pytest.raises(Gone):
            await invitations.look(tx, link.rpartition("/")[2])
    log = (await owner.get(f"{account.app}/settings/log")).text
    assert "has taken out of the team" in log


@pytest.mark.req("A-120")
async def test_the_page_shows_each_their_part(services: Services, make: Make) -> None:
    account = await make.account()
    analyst_id, email = await make.user(account.id, "analyst")
    owner, analyst = await make.signed_in(account.owner_id), await make.signed_in(analyst_id, language="fr")
    shown = (await owner.get(f"{account.app}/team")).text
    assert email in shown
    assert f"{account.app}/team/people/{analyst_id}/removal" in shown
    theirs = (await analyst.get(f"{account.app}/team")).text
    assert account.owner_email not in theirs
    assert "/team/invitations" not in theirs
    assert "Les rôles comparés" in theirs
    left = await analyst.post(f"{account.app}/team/people/{analyst_id}/removal")
    assert left.location == "/app/accounts"
    assert analyst_id not in await roles(services, account)
    alone = (await owner.get(f"{account.app}/team")).text
    assert "Invite at least a second owner" in alone
    refused = await owner.post(f"{account.app}/team/people/{account.owner_id}/removal")
    assert (refused.status, "last owner" in refused.text) == (409, True)


@pytest.mark.req("A-120", "E-30")
async def test_rights_change_after_the_password_and_the_form_says_what_is_wrong(
    services: Services, make: Make
) -> None:
    account = await make.account()
    editor_id, _ = await make.user(account.id, "editor")
    owner = await make.signed_in(account.owner_id)
    here = f"{account.app}/team/people/{editor_id}"
    wrong = await owner.post(here, {"role": "analyst", "can_send": "true"})
    assert (wrong.status, 'href="#can_send"' in wrong.text) == (422, True)
    assert (await owner.post(here, {"role": "king"})).status == 422
    assert (await owner.post(here, {"role": "manager", "can_send": "true"})).status == 303
    assert (await roles(services, account))[editor_id] == ("manager", True)
    later(minutes=11)
    # the page's own token: it says where the form stands
    token = re.search(r'name="csrf" value="(\w+)"', (await owner.get(here)).text)
    assert token is not None
    sent = await owner.post(here, {"csrf": token[1], "role": "analyst"})
    assert sent.location.startswith("/app/me/confirmations?next=")
    assert (await roles(services, account))[editor_id] == ("manager", True)
    back = unquote(sent.location.partition("next=")[2])
    hashed = await passwords.hash_new(PASSWORD)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET password_hash = $2 WHERE id = $1", account.owner_id, hashed)
    assert (await owner.post("/app/me/confirmations", {"next": back})).status == 422
    given = await owner.post("/app/me/confirmations", {"next": back, "password": PASSWORD})
    assert given.location == back
    again = (await owner.get(back)).text
    assert "Confirmed. What you typed is in the form again" in again
    assert re.search(r'value="analyst" checked', again)
    assert (await owner.post(here, {"role": "analyst"})).status == 303
    assert (await roles(services, account))[editor_id] == ("analyst", False)


@pytest.mark.req("E-30")
async def test_deleting_a_list_or_many_contacts_asks_for_the_password(services: Services, make: Make) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        contact_id = await make.contact(tx, list_id=list_id)
    chosen = await owner.post(
        f"{account.app}/contacts/selections", {"action": "delete", "ids": str(contact_id)}
    )
    assert chosen.status == 303, chosen.text
    later(minutes=11)
    for path in (chosen.location, f"{account.app}/lists/{list_id}/deletion"):
        refused = await owner.post(path, {})
        assert (refused.status, "/app/me/confirmations" in refused.text) == (403, True)
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 1
        assert await tx.value("SELECT count(*) FROM mailing_lists WHERE account_id = $1") == 1


@pytest.mark.req("E-32")
async def test_an_owner_resets_a_second_factor_but_not_across_accounts(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    editor_id, email = await make.user(account.id, "editor")
    elsewhere_id, _ = await make.user(account.id, "editor")
    other = await make.account()
    async with services.db.shared() as tx:
        await tx.run(
            "INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, 'analyst')",
            other.id,
            elsewhere_id,
        )
        for user_id in (editor_id, elsewhere_id):
            await tx.run(
                "INSERT INTO second_factors (user_id, sealed, since) VALUES ($1, $2, now())",
                user_id,
                services.sealer.seal(b"x", f"second factor {user_id}"),
            )
    owner = await make.signed_in(account.owner_id)
    await owner.post(f"{account.app}/team/people/{editor_id}/second-factor-resets")
    refused = await owner.post(f"{account.app}/team/people/{elsewhere_id}/second-factor-resets")
    assert refused.status == 403
    async with services.db.shared() as tx:
        assert not await second_factors.is_on(tx, editor_id)
        assert await second_factors.is_on(tx, elsewhere_id)
    assert [details["what"] for kind, details in await mails(email) if kind == "second_factor"] == ["reset"]
    shut_out = await owner.post(f"{account.app}/team/second-factor", {"required": "true"})
    assert (shut_out.status, "Set up your own" in shut_out.text) == (409, True)


@pytest.mark.req("A-120", "B-64")
async def test_owners_are_asked_to_look_once_a_year(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    account, alone = await make.account(), await make.account()
    _, editor_email = await make.user(account.id, "editor")
    task = Task(0, "accounts.remind_of_teams", 0, 0, 1)
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE accounts SET team_reviewed_at = now() - interval '366 days' WHERE id = ANY ($1)",
            [account.id, alone.id],
        )
    for _ in range(2):
        await jobs_team.remind_of_teams(services, task)
    assert [kind for kind, _ in await mails(account.owner_email)] == ["team_review"]
    assert await mails(editor_email) == []
    assert await mails(alone.owner_email) == []
    owner = await make.signed_in(account.owner_id)
    assert "a year has passed" in (await owner.get(account.app)).text
    assert (await owner.post(f"{account.app}/team/reviews")).status == 303
    assert "a year has passed" not in (await owner.get(account.app)).text


# ---------------------------------------------------------------- invitations


@pytest.mark.req("A-120", "B-08", "B-12")
async def test_somebody_new_joins_by_the_link_and_once(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id)
    email = f"neu.{account.id}@nouveau.test"
    form = {"email": email, "role": "editor", "can_send": "true"}
    assert (await owner.post(f"{account.app}/team/invitations", form)).status == 303
    assert email in (await owner.get(f"{account.app}/team")).text
    link = await link_of(mails, email)
    for _ in range(3):  # scanners
        assert "Odile Owner invites" in (await visitor.get(link)).text
    faults = await visitor.post(link, {"country": "FR", "password": "short"})
    assert (faults.status, 'href="#adult_business"' in faults.text) == (422, True)
    good = {"country": "FR", "password": PASSWORD, "adult_business": "true"}
    there = await visitor.post(link, good)
    assert (there.status, there.location) == (303, account.app)
    assert (await visitor.get(f"{account.app}/contacts")).status == 200
    async with services.db.shared() as tx:
        user = await users.by_address(tx, email)
    assert user is not None
    assert user.email_confirmed_at is not None
    assert (await roles(services, account))[user.id] == ("editor", True)
    visitor.cookie = ""
    assert (await visitor.get(link)).status == 410
    assert (await visitor.post(link, good)).status == 410
    assert "Open invitations" not in (await owner.get(f"{account.app}/team")).text


@pytest.mark.req("B-10")
async def test_a_known_person_signs_in_first_and_nobody_else_gets_in(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    known_id, email = await make.user((await make.account()).id)
    stranger_id, _ = await make.user((await make.account()).id)
    hashed = await passwords.hash_new(PASSWORD)
    async with services.db.shared() as tx:
        await users.set_password(tx, await users.by_id(tx, known_id), hashed)
    owner = await make.signed_in(account.owner_id)
    answers = []
    for address in (email, f"nobody.{account.id}@nouveau.test"):
        answer = await owner.post(f"{account.app}/team/invitations", {"email": address, "role": "analyst"})
        answers.append((answer.status, answer.location))
    # the same answer for both (B-10)
    assert answers[0] == answers[1] == (303, f"{account.app}/team")
    link = await link_of(mails, email)
    page = (await visitor.get(link)).text
    assert 'name="password"' not in page
    assert (await visitor.post(link, {"password": PASSWORD, "country": "FR"})).status == 403
    stranger = await make.signed_in(stranger_id)
    assert "another address" in (await stranger.get(link)).text
    assert (await stranger.post(link)).status == 403
    known = await make.signed_in(known_id)
    own = (await known.get("/app/me/data")).json()
    assert [row["role"] for row in own["invitations"]] == ["analyst"]
    assert own["second_factor"]["left"] == 0
    assert (await known.post(link)).location == account.app
    assert set(await roles(services, account)) == {account.owner_id, known_id}


@pytest.mark.req("A-120")
async def test_an_invitation_ends_after_seven_days_when_revoked_or_with_its_makers_rights(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    owner_id = account.owner_id
    manager_id, _ = await make.user(account.id, "manager", can_send=True)
    owner = await make.signed_in(owner_id)
    links = {}
    for name, by in (("late", owner_id), ("revoked", owner_id), ("taken", manager_id), ("again", owner_id)):
        new = NewInvitation(email=f"{name}.{account.id}@nouveau.test", role="editor", can_send=True)
        number = await acting(services, account, by, invitations.invite, new, public_url=URL)
        links[name] = (number, await link_of(mails, new.email))
    number, before = links["again"]
    assert (await owner.post(f"{account.app}/team/invitations/{number}/resends")).status == 303
    assert (await visitor.get(before)).status == 410
    assert (await visitor.get(await link_of(mails, f"again.{account.id}@nouveau.test"))).status == 200
    await owner.post(f"{account.app}/team/invitations/{links['revoked'][0]}/revocations")
    assert (await visitor.get(links["revoked"][1])).status == 410
    assert (await visitor.get(links["taken"][1])).status == 200
    await acting(services, account, owner_id, team.change, manager_id, role="manager", can_send=False)
    assert (await visitor.get(links["taken"][1])).status == 410
    assert (await visitor.get(links["late"][1])).status == 200
    later(days=7, minutes=1)
    assert (await visitor.get(links["late"][1])).status == 410
    async with services.db.account(account.id) as tx:
        assert {row.expired for row in await invitations.many(tx)} == {True}


@pytest.mark.req("A-120")
async def test_two_presses_on_one_invitation_make_one_place(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    known_id, email = await make.user((await make.account()).id)
    new = NewInvitation(email=email, role="editor")
    await acting(services, account, account.owner_id, invitations.invite, new, public_url=URL)
    link, known = await link_of(mails, email), await make.signed_in(known_id)
    answers = await asyncio.gather(*(known.post(link) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [303, 410, 410]
    assert (await roles(services, account))[known_id] == ("editor", False)
