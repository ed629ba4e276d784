"""Sign-up, confirmation and reset, as a visitor and a mailbox see them."""

import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mailer.accounts import sign_up, users
from mailer.core import addresses, clock
from mailer.core.services import Services
from tests.client import Answer, Client
from tests.make import Make

PASSWORD = "une péniche 7 bleue"


def fresh() -> str:
    return f"nouvelle.{secrets.token_hex(4)}@exemple-{secrets.token_hex(3)}.test"


async def ask(visitor: Client, email: str, **more: str) -> Answer:
    form = {"email": email, "password": PASSWORD, "country": "BE", "adult_business": "true", **more}
    return await visitor.post("/app/sign-up", {key: value for key, value in form.items() if value})


def path(link: str) -> str:
    return "/app/" + link.partition("/app/")[2]


@pytest.mark.req("B-10", "A-126")
async def test_sign_up_leads_by_mail_to_an_account(
    services: Services, visitor: Client, mails: Callable[..., Any]
) -> None:
    email = fresh()
    visitor.language = "fr"
    answer = await ask(visitor, email)
    assert answer.status == 200
    [(kind, details)] = await mails(email)
    assert kind == "confirm_email"
    link = path(details["link"])
    for _ in range(2):
        assert (await visitor.get(link)).status == 200
    async with services.db.shared() as tx:
        user = await users.by_address(tx, email)
        assert user is not None
        assert (user.email_confirmed_at, user.country, user.language) == (None, "BE", "fr")
        assert await tx.value("SELECT count(*) FROM memberships WHERE user_id = $1", user.id) == 0
    done = await visitor.post(link)
    assert (done.status, done.location) == (303, "/app/accounts")
    home = await visitor.get((await visitor.get("/app/accounts")).location)
    assert home.status == 200
    assert (await visitor.post(link)).status in (403, 410)
    async with services.db.shared() as tx:
        row = (
            await tx.rows(
                """
            SELECT a.name, a.status, a.language, m.role, m.can_send
            FROM memberships m JOIN accounts a ON a.id = m.account_id
            WHERE m.user_id = $1
            """,
                user.id,
            )
        )[0]
    assert row == (addresses.domain_of(email), "active", "fr", "owner", True)


@pytest.mark.req("B-10")
async def test_a_known_address_gets_the_same_page_and_another_mail(
    make: Make, services: Services, visitor: Client, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    new = fresh()
    known_page, new_page = await ask(visitor, account.owner_email), await ask(visitor, new)
    assert known_page.status == new_page.status == 200
    assert known_page.text.replace(account.owner_email, "X") == new_page.text.replace(new, "X")
    assert [kind for kind, _ in await mails(account.owner_email)] == ["already_registered"]
    assert [kind for kind, _ in await mails(new)] == ["confirm_email"]
    async with services.db.shared() as tx:
        assert (await users.by_id(tx, account.owner_id)).password_hash is None


@pytest.mark.req("A-010", "A-044", "A-127")
async def test_news_come_only_to_those_who_ticked(services: Services, visitor: Client) -> None:
    form = (await visitor.get("/app/sign-up")).text
    assert 'name="news"' in form
    assert "checked" not in form
    without, ticked = fresh(), fresh()
    await ask(visitor, without)
    await ask(visitor, ticked, news="true")
    async with services.db.shared() as tx:
        one, two = await users.by_address(tx, without), await users.by_address(tx, ticked)
    assert one is not None
    assert two is not None
    assert (one.news_wanted_at, one.partners_wanted_at, one.news_wording) == (None, None, "")
    assert two.news_wanted_at is not None
    assert (two.partners_wanted_at, two.news_wording) == (None, users.WORDING)


@pytest.mark.req("A-038", "F-06")
async def test_faults_of_the_form_keep_the_input_but_the_password(visitor: Client) -> None:
    answer = await ask(visitor, "jean@exemple", password="Password1!", adult_business="")
    assert answer.status == 422
    assert "jean@exemple" in answer.text
    assert "Password1!" not in answer.text
    assert "Error:" in answer.text
    common = await ask(visitor, fresh(), password="Password1!")
    assert common.status == 422
    assert "public lists" in common.text
    empty = await visitor.post("/app/sign-up", {"country": "FR"})
    for text in (
        "There are 3 things to fix",
        "Write the e-mail address.",
        "Write the password.",
        "Tick this box",
    ):
        assert text in empty.text
    minor = await ask(visitor, fresh(), adult_business="")
    assert 'href="#adult_business"' in minor.text


@pytest.mark.req("B-12")
async def test_two_forms_for_an_address_leave_the_password_to_whoever_opens_the_mail(
    visitor: Client, mails: Callable[..., Any]
) -> None:
    """A stranger may have filled in one of them, before the owner of the address or after."""
    email = fresh()
    await ask(visitor, email, password="la première 7 fois")
    await ask(visitor, email, password="la seconde 8 fois")
    (_, first), (_, second) = await mails(email)
    assert (await visitor.get(path(first["link"]))).status == 410
    assert (await visitor.post(path(second["link"]))).status == 303
    owner = visitor.cookie
    for password in ("la première 7 fois", "la seconde 8 fois"):
        visitor.cookie = ""
        answer = await visitor.post("/app/sign-in", {"email": email, "password": password})
        assert answer.status == 422
    visitor.cookie = owner
    assert (await visitor.get("/app/accounts")).location == "/app/me/password"
    form = await visitor.get("/app/me/password")
    assert "Somebody else" not in form.text
    visitor.csrf = re.findall(r'name="csrf" value="(\w+)"', form.text)[0]
    assert (await visitor.post("/app/me/password", {"password": "la troisième 9 fois"})).status == 303
    visitor.cookie = ""
    answer = await visitor.post("/app/sign-in", {"email": email, "password": "la troisième 9 fois"})
    assert answer.status == 303


@pytest.mark.req("E-14")
async def test_signing_in_before_confirming_fills_no_mailbox(
    visitor: Client, mails: Callable[..., Any]
) -> None:
    email = fresh()
    await ask(visitor, email)
    for _ in range(7):
        answer = await visitor.post("/app/sign-in", {"email": email, "password": PASSWORD})
        assert answer.status == 200
    assert len(await mails(email)) == 5


async def test_signing_in_before_confirming_sends_another_link(
    visitor: Client, mails: Callable[..., Any]
) -> None:
    email = fresh()
    await ask(visitor, email)
    answer = await visitor.post("/app/sign-in", {"email": email, "password": PASSWORD})
    assert answer.status == 200
    assert visitor.cookie == ""
    assert [kind for kind, _ in await mails(email)] == ["confirm_email", "confirm_email"]


async def test_sign_up_by_approval_and_closed(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    email = fresh()
    await ask(visitor, email)
    token = (await mails(email))[0][1]["link"].rpartition("/")[2]
    async with services.db.shared() as tx:
        user_id = await sign_up.confirm(tx, token, mode="approval")
        status = await tx.value(
            "SELECT a.status FROM memberships m JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1",
            user_id,
        )
    assert status == "pending"


@pytest.mark.req("B-11")
async def test_reset_sets_a_new_password_ends_sessions_and_tells(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    elsewhere = await make.signed_in(account.owner_id)
    unknown = fresh()
    known_page = await visitor.post("/app/reset", {"email": account.owner_email})
    unknown_page = await visitor.post("/app/reset", {"email": unknown})
    assert known_page.text.replace(account.owner_email, "X") == unknown_page.text.replace(unknown, "X")
    assert await mails(unknown) == []
    [(kind, details)] = await mails(account.owner_email)
    assert kind == "reset_password"
    assert PASSWORD not in str(details)
    link = path(details["link"])
    assert (await visitor.post(link, {"password": "abcdefg1"})).status == 422
    assert (await visitor.post(link, {"password": PASSWORD})).status == 303
    assert (await visitor.get("/app/me")).status == 200
    assert (await elsewhere.get("/app/me")).status == 303
    visitor.cookie = ""
    assert (await visitor.post(link, {"password": "une autre 8 péniche"})).status == 410
    assert (
        await visitor.post("/app/sign-in", {"email": account.owner_email, "password": PASSWORD})
    ).status == 303


@pytest.mark.req("B-11")
async def test_a_reset_link_is_dead_after_61_minutes(
    make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    await visitor.post("/app/reset", {"email": account.owner_email})
    link = path((await mails(account.owner_email))[0][1]["link"])
    clock.shift(timedelta(minutes=61))
    assert (await visitor.get(link)).status == 410
    assert (await visitor.post(link, {"password": PASSWORD})).status == 410


@pytest.mark.req("A-101")
async def test_reset_reaches_who_wants_no_news(
    make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    await person.post("/app/me/wishes", {})
    await visitor.post("/app/reset", {"email": account.owner_email})
    assert [kind for kind, _ in await mails(account.owner_email)] == ["reset_password"]


async def test_one_address_gets_five_mails_an_hour(
    visitor: Client, mails: Callable[..., Any], make: Make
) -> None:
    account = await make.account()
    statuses = [(await visitor.post("/app/reset", {"email": account.owner_email})).status for _ in range(6)]
    assert statuses == [200, 200, 200, 200, 200, 429]
    assert len(await mails(account.owner_email)) == 5
