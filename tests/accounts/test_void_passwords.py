"""A password that somebody else may know: void at once, and so is what was opened with it."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mailer.accounts import audit, commands, one_time_links, passwords, sessions, sign_in_steps, users
from mailer.command_options import build
from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.core.services import Services
from tests.client import Client
from tests.make import Account, Make

OLD = "une péniche 7 bleue"
NEW = "un canal 8 paisible"


async def person(services: Services, make: Make, account: Account, role: str = "editor") -> tuple[int, str]:
    user_id, email = await make.user(account.id, role)
    hashed = await passwords.rehash(OLD)
    async with services.db.shared() as tx:
        await users.set_password(tx, await users.by_id(tx, user_id), hashed)
    return user_id, email


async def try_in(visitor: Client, email: str, password: str) -> int:
    visitor.cookie = ""
    answer = await visitor.post("/app/sign-in", {"email": email, "password": password, "next": ""})
    return answer.status


def here(account: Account, user_id: int) -> str:
    return f"{account.app}/team/people/{user_id}"


async def hash_of(services: Services, user_id: int) -> str | None:
    async with services.db.shared() as tx:
        return (await users.by_id(tx, user_id)).password_hash


@pytest.mark.req("B-14", "B-60")
async def test_an_owner_voids_a_password_and_the_person_chooses_another_by_mail(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    user_id, email = await person(services, make, account)
    inside = [await make.signed_in(user_id), await make.signed_in(user_id)]
    async with services.db.shared() as tx:
        step = await sign_in_steps.start(tx, user_id, None)
        links = [
            await one_time_links.create(tx, user_id, purpose) for purpose in ("reset_password", "sign_in")
        ]
    owner = await make.signed_in(account.owner_id)
    page = (await owner.get(here(account, user_id))).text
    assert re.search(rf'action="{here(account, user_id)}/password-voids"', page)
    told = await owner.post(f"{here(account, user_id)}/password-voids")
    assert (told.status, told.location) == (303, f"{account.app}/team")
    assert "their password is void" in (await owner.get(told.location)).text
    # sessions, steps, links and the password, at once
    for client in inside:
        assert (await client.get(account.app)).location.startswith("/app/sign-in")
    async with services.db.shared() as tx:
        assert await sign_in_steps.find(tx, step) is None
    assert [(await visitor.get(f"/app/{way}/{token}")).status for way, token in zip(
        ("reset", "sign-in-link"), links, strict=True
    )] == [410, 410]  # fmt: skip
    assert await try_in(visitor, email, OLD) == 422
    # told why and by whom, without a link
    kind, details = (await mails(email))[-1]
    assert kind == "password_void"
    assert (details["by"], "link" in details) == ("owner", False)
    async with services.db.account(account.id) as account_tx:
        (line,) = [one for one in await audit.latest(account_tx) if one.action == "voided"]
        assert details["account"] == await account_tx.value("SELECT name FROM accounts WHERE id = $1")
    assert (line.actor, line.actor_id, line.object, line.object_id) == (
        "user", account.owner_id, "password", user_id
    )  # fmt: skip
    # back by the ordinary reset; the old one does not come back
    await visitor.post("/app/reset", {"email": email})
    kind, details = (await mails(email))[-1]
    assert kind == "reset_password"
    reset = "/app/" + details["link"].partition("/app/")[2]
    again = await visitor.post(reset, {"password": OLD})
    assert (again.status, "somebody else may know" in again.text) == (422, True)
    assert (await visitor.post(reset, {"password": NEW})).status == 303
    assert (await visitor.get(account.app)).status == 200
    assert (await mails(email))[-1][0] == "password_changed"
    assert await try_in(visitor, email, OLD) == 422
    assert await try_in(visitor, email, NEW) == 303


@pytest.mark.req("B-14", "B-08")
async def test_whoever_comes_in_by_a_sign_in_link_chooses_first(services: Services, make: Make) -> None:
    account = await make.account()
    user_id, _ = await person(services, make, account)
    async with services.db.shared() as tx:
        await users.void_password(tx, user_id, "operator")
    client = await make.signed_in(user_id)
    assert (await client.get(account.app)).location == "/app/me/password"
    assert "Your former password is void" in (await client.get("/app/me/password")).text
    again = await client.post("/app/me/password", {"password": OLD})
    assert (again.status, "somebody else may know" in again.text) == (422, True)
    assert (await client.post("/app/me/password", {"password": NEW})).status == 303
    assert (await client.get(account.app)).status == 200
    async with services.db.shared() as tx:
        assert (await users.by_id(tx, user_id)).void_password_hash is None


@pytest.mark.req("B-14")
@pytest.mark.parametrize(("role", "status"), [("manager", 403), ("editor", 403), ("stranger", 404)])
async def test_nobody_but_an_owner_of_the_account_does_it(
    services: Services, make: Make, role: str, status: int
) -> None:
    account, other = await make.account(), await make.account()
    user_id, _ = await person(services, make, account, "analyst")
    before = await hash_of(services, user_id)
    if role == "stranger":
        client = await make.signed_in(other.owner_id)
        # by the door of their own account neither
        assert (await client.post(f"{here(other, user_id)}/password-voids")).status == 404
    else:
        client = await make.signed_in((await make.user(account.id, role))[0])
        assert "Require a new password" not in (await client.get(here(account, user_id))).text
    assert (await client.post(f"{here(account, user_id)}/password-voids")).status == status
    assert await hash_of(services, user_id) == before


@pytest.mark.req("B-14")
async def test_people_of_several_accounts_and_operators_are_the_operators(
    services: Services, make: Make
) -> None:
    account, other = await make.account(), await make.account()
    elsewhere, _ = await person(services, make, account)
    operator, _ = await person(services, make, account)
    async with services.db.shared() as tx:
        await tx.run(
            "INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, 'analyst')",
            other.id,
            elsewhere,
        )
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", operator)
    owner = await make.signed_in(account.owner_id)
    for user_id in (elsewhere, operator, account.owner_id):
        before = await hash_of(services, user_id)
        assert "password-voids" not in (await owner.get(here(account, user_id))).text
        assert (await owner.post(f"{here(account, user_id)}/password-voids")).status == 403
        assert await hash_of(services, user_id) == before
    # another owner is no exception
    second, _ = await person(services, make, account, "owner")
    assert (await owner.post(f"{here(account, second)}/password-voids")).status == 303
    assert await hash_of(services, second) is None


@pytest.mark.req("B-14", "E-30")
async def test_it_asks_for_the_owners_own_password_again(services: Services, make: Make) -> None:
    account = await make.account()
    user_id, _ = await person(services, make, account)
    owner = await make.signed_in(account.owner_id)
    clock.shift(clock.offset() + timedelta(minutes=11))
    refused = await owner.post(f"{here(account, user_id)}/password-voids")
    assert (refused.status, "/app/me/confirmations" in refused.text) == (403, True)
    assert await hash_of(services, user_id) is not None


@pytest.mark.req("B-14", "B-60")
async def test_the_operator_does_it_for_anybody_on_the_command_line(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    account, other = await make.account(), await make.account()
    user_id, email = await person(services, make, account)
    async with services.db.shared() as tx:
        await tx.run(
            "INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, 'analyst')",
            other.id,
            user_id,
        )
    client = await make.signed_in(user_id)
    words = ["operator", "require-new-password", "--email", email.upper(), "--json"]
    assert await commands._dispatch(services, build().parse_args(words)) == {"id": user_id, "accounts": 2}
    assert (await client.get("/app/me")).status == 303
    assert await try_in(visitor, email, OLD) == 422
    kind, details = (await mails(email))[-1]
    assert (kind, details["by"]) == ("password_void", "operator")
    for place in (account, other):
        async with services.db.account(place.id) as account_tx:
            line = (await audit.latest(account_tx))[0]
        assert (line.actor, line.action, line.object, line.object_id) == (
            "operator", "voided", "password", user_id
        )  # fmt: skip
    with pytest.raises(Invalid):
        await commands.require_new_password(services, "nobody@nowhere.test")


@pytest.mark.req("B-14")
async def test_who_signs_in_with_it_at_the_same_moment_stays_out(
    services: Services, make: Make, visitor: Client
) -> None:
    account = await make.account()
    user_id, email = await person(services, make, account)
    async with services.db.shared() as tx:
        await users.void_password(tx, user_id, "operator")
        trying = asyncio.create_task(try_in(visitor, email, OLD))
        await asyncio.sleep(2)
        assert not trying.done()
    await trying
    async with services.db.shared() as tx:
        assert await sessions.many(tx, user_id) == []


@pytest.mark.req("B-14")
@pytest.mark.parametrize("act", ["password", "email"])
async def test_what_a_session_was_about_to_change_with_it_does_not_happen(
    services: Services, make: Make, act: str
) -> None:
    account = await make.account()
    user_id, email = await person(services, make, account)
    thief = await make.signed_in(user_id)
    form = {"current_password": OLD, "password": NEW}
    if act == "email":
        form = {"current_password": OLD, "email": f"thief.{email}"}
    async with services.db.shared() as tx:
        await users.void_password(tx, user_id, "operator")
        trying = asyncio.create_task(thief.post(f"/app/me/{act}", form))
        await asyncio.sleep(2)
        assert not trying.done()
    assert (await trying).status == 401
    async with services.db.shared() as tx:
        user = await users.by_id(tx, user_id)
        assert await tx.value("SELECT count(*) FROM one_time_links WHERE user_id = $1", user_id) == 0
    assert (user.password_hash, user.must_change_password) == (None, True)


@pytest.mark.req("B-14")
async def test_the_copy_of_ones_data_holds_no_hash(services: Services, make: Make) -> None:
    account = await make.account()
    user_id, _ = await person(services, make, account)
    client = await make.signed_in(user_id)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET void_password_hash = password_hash WHERE id = $1", user_id)
    assert "argon2" not in (await client.get("/app/me/data")).text
