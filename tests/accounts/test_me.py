"""Edit my profile: fields, address, password, sessions, wishes, own data."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from mailer.accounts import passwords, users
from mailer.accounts.users import Profile
from mailer.core import clock
from mailer.core.services import Services
from tests.client import Client
from tests.make import Make

PASSWORD = "une péniche 7 bleue"
PERSONAL = {
    "title", "first_name", "last_name", "country", "vat_number", "postal_address", "telephone", "domain_name"
}  # fmt: skip


async def with_password(services: Services, make: Make) -> tuple[Client, int, str]:
    account = await make.account()
    hashed = await passwords.hash_new(PASSWORD)
    async with services.db.shared() as tx:
        await users.set_password(tx, await users.by_id(tx, account.owner_id), hashed)
    return await make.signed_in(account.owner_id), account.owner_id, account.owner_email


@pytest.mark.req("A-041")
async def test_a_person_has_the_fields_of_the_register_and_no_others(services: Services) -> None:
    async with services.db.shared() as tx:
        rows = await tx.rows(
            "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'users'"
        )
    technical = {
        "id", "email", "address_key", "password_hash", "void_password_hash", "must_change_password", "language", "theme", "is_operator",
        "disabled", "email_confirmed_at", "news_wanted_at", "partners_wanted_at", "news_wording",
        "partners_wording", "adult_business_at", "created_at", "second_factor_asked_at",
    }  # fmt: skip
    assert {name for (name,) in rows} == technical | PERSONAL
    assert set(Profile.model_fields) == PERSONAL | {"language", "theme"}
    assert [name for name, field in Profile.model_fields.items() if field.is_required()] == ["country"]


@pytest.mark.req("A-015", "A-041")
@pytest.mark.parametrize(("language", "title"), [("en", "Edit my profile"), ("fr", "Modifier mon profil")])
async def test_the_profile_page_edits_every_field(
    services: Services, make: Make, language: str, title: str
) -> None:
    account = await make.account(language=language)
    person = await make.signed_in(account.owner_id, language=language)
    home = (await person.get(f"{account.app}?lang={language}")).text
    assert re.search(rf'<a href="/app/me">{title}</a>', home)
    form = {
        "title": "Dr", "first_name": "Jean", "last_name": "Née", "country": "DE", "vat_number": "de 123 456 789",
        "postal_address": "1 rue\n75011 Paris", "telephone": "+33 1", "domain_name": "exemple.fr",
        "language": language, "theme": "dark",
    }  # fmt: skip
    assert (await person.post("/app/me", form)).status == 303
    shown = (await person.get("/app/me")).text
    assert f"<h1>{title}</h1>" in shown
    assert 'data-bs-theme="dark"' in shown
    assert ("Profile saved" in shown) == (language == "en")
    async with services.db.shared() as tx:
        user = await users.by_id(tx, account.owner_id)
    assert set(form) == PERSONAL | {"language", "theme"}
    assert {name: getattr(user, name) for name in form} == form | {"vat_number": "DE123456789"}
    for name, value in form.items():
        assert f'name="{name}"' in shown
        assert html.escape(value) in shown or name == "vat_number"


@pytest.mark.req("A-041")
@pytest.mark.parametrize("number", ["FR40303265046", "FR4030326504", "XX123", "US123456789"])
async def test_a_vat_number_of_another_form_is_refused(make: Make, number: str) -> None:
    person = await make.signed_in((await make.account()).owner_id)
    answer = await person.post("/app/me", {"country": "FR", "vat_number": number})
    assert answer.status == 422
    assert 'href="#vat_number"' in answer.text
    assert number in answer.text


@pytest.mark.req("A-044")
async def test_the_two_wishes_are_apart_and_unticked(services: Services, make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    shown = (await person.get("/app/me")).text
    assert not re.search(r'name="(news|partners)"[^>]*checked', shown)
    for form, expected in (
        ({"news": "true", "partners": "true"}, (True, True)),
        ({"partners": "true"}, (False, True)),
        ({}, (False, False)),
    ):
        assert (await person.post("/app/me/wishes", form)).status == 303
        async with services.db.shared() as tx:
            user = await users.by_id(tx, account.owner_id)
        assert (user.news_wanted_at is not None, user.partners_wanted_at is not None) == expected
        assert (user.news_wording != "", user.partners_wording != "") == expected


@pytest.mark.req("E-30")
async def test_a_new_address_is_confirmed_there_and_told_to_the_old_one(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    person, user_id, old = await with_password(services, make)
    new = f"nouvelle.{user_id}@exemple.test"
    wrong = await person.post("/app/me/email", {"email": new, "current_password": "wrong 1 password"})
    assert wrong.status == 422
    assert (await person.post("/app/me/email", {"email": new, "current_password": PASSWORD})).status == 303
    [(kind, details)] = await mails(new)
    assert kind == "change_email"
    async with services.db.shared() as tx:
        assert (await users.by_id(tx, user_id)).email == old
    link = "/app/" + details["link"].partition("/app/")[2]
    assert new in (await visitor.get(link)).text
    assert (await visitor.post(link)).location == "/app/sign-in"
    assert (await visitor.post(link)).status == 410
    assert (await person.get("/app/me")).status == 303
    kinds = [kind for kind, _ in await mails(old)]
    assert kinds == ["email_changed"]
    assert new not in str(await mails(old))
    assert (await visitor.post("/app/sign-in", {"email": new, "password": PASSWORD})).status == 303


@pytest.mark.req("E-14")
async def test_asking_for_a_new_address_fills_nobodys_mailbox(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    person, user_id, _ = await with_password(services, make)
    form = {"email": f"victime.{user_id}@exemple.test", "current_password": PASSWORD}
    statuses = [(await person.post("/app/me/email", form)).status for _ in range(6)]
    assert statuses == [303] * 5 + [422]
    assert len(await mails(form["email"])) == 5


@pytest.mark.req("B-10")
async def test_asking_for_somebody_elses_address_tells_nothing(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    other = await make.account()
    person, *_ = await with_password(services, make)
    form = {"email": other.owner_email, "current_password": PASSWORD}
    assert (await person.post("/app/me/email", form)).status == 303
    assert await mails(other.owner_email) == []


@pytest.mark.req("E-33", "B-11")
async def test_a_new_password_needs_the_current_one_and_ends_other_sessions(
    services: Services, make: Make, mails: Callable[..., Any]
) -> None:
    person, user_id, email = await with_password(services, make)
    elsewhere = await make.signed_in(user_id)
    for current, new in (
        ("wrong 1 password", "une autre péniche 8"),
        (PASSWORD, PASSWORD),
        (PASSWORD, "Password1!"),
    ):
        answer = await person.post("/app/me/password", {"current_password": current, "password": new})
        assert answer.status == 422
        assert new not in answer.text
    new = {"current_password": PASSWORD, "password": "une autre péniche 8"}
    assert (await person.post("/app/me/password", new)).status == 303
    assert (await person.get("/app/me")).status == 200
    assert (await elsewhere.get("/app/me")).status == 303
    assert [kind for kind, _ in await mails(email)] == ["password_changed"]


async def test_who_came_by_a_link_chooses_a_first_password_while_it_is_fresh(make: Make) -> None:
    account = await make.account()
    person = await make.signed_in(account.owner_id)
    assert 'name="current_password"' not in (await person.get("/app/me/password")).text
    clock.shift(timedelta(minutes=11))
    assert (await person.post("/app/me/password", {"password": PASSWORD})).status == 403
    clock.shift(timedelta(0))
    assert (await person.post("/app/me/password", {"password": PASSWORD})).status == 303
    assert 'name="current_password"' in (await person.get("/app/me/password")).text


@pytest.mark.req("E-30")
async def test_sessions_are_listed_and_ended(services: Services, make: Make) -> None:
    account = await make.account()
    person, second, third = [await make.signed_in(account.owner_id) for _ in range(3)]
    shown = (await person.get("/app/me")).text
    ids = re.findall(r'action="/app/me/sessions/(\d+)/ends"', shown)
    assert len(ids) == 2
    assert (await person.post(f"/app/me/sessions/{ids[0]}/ends")).status == 303
    open_now = [(await other.get("/app/me")).status for other in (second, third)]
    assert sorted(open_now) == [200, 303]
    stranger = await make.signed_in((await make.account()).owner_id)
    assert (await stranger.post(f"/app/me/sessions/{ids[1]}/ends")).status == 404
    assert (await person.post("/app/me/session-ends")).status == 303
    assert [(await other.get("/app/me")).status for other in (person, second, third)] == [200, 303, 303]


@pytest.mark.req("B-13", "A-042")
async def test_the_last_three_sign_ins_are_shown(services: Services, make: Make, visitor: Client) -> None:
    _, _, email = await with_password(services, make)
    for password in ("wrong 1 password", PASSWORD, PASSWORD, PASSWORD):
        visitor.cookie = ""
        await visitor.post("/app/sign-in", {"email": email, "password": password})
    shown = (await visitor.get("/app/me")).text
    assert shown.count("Signed in") == 3
    assert "Wrong password" not in shown
    visitor.cookie = ""
    await visitor.post("/app/sign-in", {"email": email, "password": "wrong 1 password"})
    await visitor.post("/app/sign-in", {"email": email, "password": PASSWORD})
    assert "Wrong password" in (await visitor.get("/app/me")).text


@pytest.mark.req("A-006", "A-043")
async def test_own_data_comes_whole_and_without_secrets(
    services: Services, make: Make, visitor: Client
) -> None:
    person, _, email = await with_password(services, make)
    await visitor.post("/app/sign-in", {"email": email, "password": PASSWORD})
    answer = await visitor.get("/app/me/data")
    assert "attachment" in answer.headers["Content-Disposition"]
    found = orjson.loads(answer.text)
    assert set(found) >= {
        "profile", "accounts", "sessions", "sign_ins", "subscriptions", "messages", "orders", "complaints",
        "incidents",
    }  # fmt: skip
    assert set(found["profile"]) >= PERSONAL | {"email"}
    assert found["profile"]["email"] == email
    assert found["sign_ins"][0]["ip"].startswith("127.")
    assert "argon2" not in answer.text
    assert person.cookie not in answer.text


@pytest.mark.req("E-30")
async def test_dangerous_acts_ask_for_the_password_again(services: Services, make: Make) -> None:
    person, user_id, _ = await with_password(services, make)
    async with services.db.shared() as tx:
        account_id = await tx.value("SELECT account_id FROM memberships WHERE user_id = $1", user_id)
    keys = f"/app/{account_id}/integrations"
    assert (await person.get(keys)).status == 200
    clock.shift(timedelta(minutes=11))
    refused = await person.get(keys)
    assert refused.status == 403
    assert f"/app/me/confirmations?next={keys}" in refused.text
    assert (await person.post(keys, {"name": "x", "scopes": "lists:read"})).status == 403
    shown = await person.get(f"/app/me/confirmations?next={keys}")
    assert shown.status == 200
    wrong = await person.post("/app/me/confirmations", {"password": "wrong 1 password", "next": keys})
    assert wrong.status == 422
    right = await person.post("/app/me/confirmations", {"password": PASSWORD, "next": keys})
    assert right.location == keys
    assert (await person.get(keys)).status == 200
    away = await person.post("/app/me/confirmations", {"password": PASSWORD, "next": "//evil.test/app/"})
    assert away.location == "/app/accounts"
