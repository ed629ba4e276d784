"""Passwords of those who operate the service: 80 bits by themselves, wherever one is chosen or used."""

import re

import pytest

from mailer.accounts import commands, one_time_links, passwords, sessions, users
from mailer.core.errors import Invalid
from mailer.core.services import Services
from tests.client import Client
from tests.make import Make

EVERYBODYS = "rue 7 nord"
STRONG = "Une péniche 7 bleue"


@pytest.mark.req("B-01", "B-05")
@pytest.mark.parametrize(
    "password",
    [
        "kX7!vB2?mQ9;",
        "kXvBtmQzLwpR74",
        "marteau nuage écluse violon pollen truelle sardine",
    ],
)
def test_each_of_the_three_forms_of_80_bits_is_enough(password: str) -> None:
    assert passwords.fault(password, operator=True) is None


@pytest.mark.req("B-01", "B-05")
@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("kX7!vB2?mQ9", passwords.OPERATORS_SHORT),
        ("kx7!vb2?mq9", passwords.OPERATORS_SHORT),
        ("kx7!vb2?mq9;t", passwords.OPERATORS_MISS["capital"]),
        ("KX7!VB2?MQ9;T", passwords.OPERATORS_MISS["small"]),
        ("kX!vB?mQ;zLwp", passwords.OPERATORS_MISS["digit"]),
        ("kX7vB2mQ9zLwp", passwords.OPERATORS_MISS["other"]),
        ("kxvbmqzlwp74293", passwords.OPERATORS_KINDS),
        ("漢字漢字漢字漢字漢字漢字漢字 1"[:14], passwords.OPERATORS_KINDS),
        ("marteau nuage écluse violon pollen truelle", passwords.OPERATORS_KINDS),
        ("marteau nuage écluse violon pollen truelle nuage", passwords.OPERATORS_KINDS),
        ("marteau nuage écluse violon pollen truelle or", passwords.OPERATORS_KINDS),
        ("Soleil123456!", passwords.OPERATORS_EASY),
        ("Mailer-2026-2027", passwords.NEAR),
    ],
)
def test_what_is_missing_is_said(password: str, fault: str) -> None:
    assert passwords.fault(password, operator=True) == fault


async def has_password(services: Services, user_id: int, password: str) -> None:
    hashed = await passwords.rehash(password)
    async with services.db.shared() as tx:
        await users.set_password(tx, await users.by_id(tx, user_id), hashed)


async def operator(services: Services, make: Make, password: str) -> tuple[int, str]:
    """Whose password is as old as the time before the rule."""
    user_id, email = await make.user(None)
    await has_password(services, user_id, password)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", user_id)
    return user_id, email


async def sign_in(services: Services, visitor: Client, email: str, password: str) -> None:
    visitor.cookie = ""
    answer = await visitor.post("/app/sign-in", {"email": email, "password": password, "next": ""})
    assert answer.status == 303
    async with services.db.shared() as tx:
        found = await sessions.find(tx, visitor.cookie)
    assert found is not None
    visitor.csrf = found.csrf.hex()


@pytest.mark.req("B-05")
async def test_a_page_asks_operators_for_more_than_others(services: Services, make: Make) -> None:
    account = await make.account()
    for user_id, taken in ((account.owner_id, True), ((await operator(services, make, STRONG))[0], False)):
        await has_password(services, user_id, "mot de passe d’hier 9 Z")
        client = await make.signed_in(user_id)
        shown = (await client.get("/app/me/password")).text
        assert ("At least 8 characters" in shown, "At least 12 characters" in shown) == (taken, not taken)
        form = {"current_password": "mot de passe d’hier 9 Z", "password": EVERYBODYS}
        answer = await client.post("/app/me/password", form)
        assert answer.status == (303 if taken else 422)
        if not taken:
            assert re.search(r'id="password-error"[^>]*>.*Too short for an operator', answer.text, re.S)
            in_french = (await client.post("/app/me/password?lang=fr", form)).text
            assert "Trop court pour un exploitant" in in_french
            form["password"] = STRONG
            assert (await client.post("/app/me/password", form)).status == 303


@pytest.mark.req("B-05")
@pytest.mark.parametrize("purpose", ["reset_password", "confirm_email"])
async def test_a_mailed_link_asks_operators_for_as_much(
    services: Services, make: Make, visitor: Client, purpose: one_time_links.Purpose
) -> None:
    user_id, email = await operator(services, make, STRONG)
    async with services.db.shared() as tx:
        token = await one_time_links.create(tx, user_id, purpose)
    path = f"/app/{'reset' if purpose == 'reset_password' else 'confirm'}/{token}"
    assert "At least 12 characters" in (await visitor.get(path)).text
    form = {"password": "kx7!vb2?mq9;t", "country": "FR", "adult_business": "true"}
    if purpose == "reset_password":
        form = {"password": form["password"]}
    refused = await visitor.post(path, form)
    assert (refused.status, "needs a capital too" in refused.text) == (422, True)
    assert "At least 12 characters" in refused.text
    assert (await visitor.post(path, form | {"password": "kX7!vB2?mQ9;t"})).status == 303
    await sign_in(services, visitor, email, "kX7!vB2?mQ9;t")


@pytest.mark.req("B-05")
async def test_a_password_older_than_the_rule_is_replaced_at_the_next_sign_in(
    services: Services, make: Make, visitor: Client
) -> None:
    _, email = await operator(services, make, EVERYBODYS)
    await sign_in(services, visitor, email, EVERYBODYS)
    for path in ("/app/accounts", "/app/operator", "/app/me"):
        assert (await visitor.get(path)).location == "/app/me/password"
    assert "Operators need a stronger password" in (await visitor.get("/app/me/password")).text
    new = {"current_password": EVERYBODYS, "password": STRONG}
    assert (await visitor.post("/app/me/password", new)).status == 303
    await sign_in(services, visitor, email, STRONG)
    assert (await visitor.get("/app/me")).location != "/app/me/password"


@pytest.mark.req("B-05")
async def test_others_keep_a_password_that_fits_the_ordinary_rule(
    services: Services, make: Make, visitor: Client
) -> None:
    user_id, email = await make.user((await make.account()).id, "owner")
    await has_password(services, user_id, EVERYBODYS)
    await sign_in(services, visitor, email, EVERYBODYS)
    assert (await visitor.get("/app/me")).status == 200


@pytest.mark.req("B-05")
async def test_becoming_an_operator_asks_for_a_new_password_once(services: Services, make: Make) -> None:
    user_id, email = await make.user((await make.account()).id, "owner")
    await has_password(services, user_id, EVERYBODYS)
    await commands.create_operator(services, email)
    client = await make.signed_in(user_id)
    assert (await client.get("/app/operator")).location == "/app/me/password"
    refused = await client.post(
        "/app/me/password", {"current_password": EVERYBODYS, "password": "rue 8 nord"}
    )
    assert refused.status == 422
    await client.post("/app/me/password", {"current_password": EVERYBODYS, "password": STRONG})
    assert (await client.get("/app/operator")).status == 200
    # once more for another link: what was chosen as an operator stays
    await commands.create_operator(services, email)
    assert (await (await make.signed_in(user_id)).get("/app/operator")).status == 200


@pytest.mark.req("B-05")
async def test_the_hash_of_an_operators_password_is_refused_at_its_field() -> None:
    with pytest.raises(Invalid) as caught:
        await passwords.hash_new(EVERYBODYS, operator=True)
    [fault] = caught.value.faults
    assert (fault.field, fault.code) == ("password", "password")
