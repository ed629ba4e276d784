"""Sign-up, confirmation and reset, as a visitor and a mailbox see them."""

import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mailer.accounts import sign_up, users
from mailer.core import addresses, clock, migrate
from mailer.core.services import Services
from tests.client import Answer, Client
from tests.make import Make

PASSWORD = "une péniche 7 bleue"


def fresh() -> str:
    return f"nouvelle.{secrets.token_hex(4)}@exemple-{secrets.token_hex(3)}.test"


async def ask(visitor: Client, email: str) -> Answer:
    return await visitor.post("/app/sign-up", {"email": email})


async def go_on(visitor: Client, link: str, **more: str) -> Answer:
    """The form behind the link of the mail; a field given as "" is left out."""
    form = {"password": PASSWORD, "country": "BE", "adult_business": "true", **more}
    return await visitor.post(link, {key: value for key, value in form.items() if value})


async def sign_in(visitor: Client, email: str, password: str) -> Answer:
    visitor.cookie = ""
    return await visitor.post("/app/sign-in", {"email": email, "password": password})


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
        shown = await visitor.get(link)
        assert shown.status == 200
        assert email in shown.text
        assert 'autocomplete="new-password"' in shown.text
    async with services.db.shared() as tx:
        user = await users.by_address(tx, email)
        assert user is not None
        assert (user.email_confirmed_at, user.password_hash, user.language) == (None, None, "fr")
        assert await tx.value("SELECT count(*) FROM memberships WHERE user_id = $1", user.id) == 0
    done = await go_on(visitor, link)
    assert (done.status, done.location) == (303, "/app/accounts")
    home = await visitor.get((await visitor.get("/app/accounts")).location)
    assert home.status == 200
    visitor.cookie = ""
    assert (await go_on(visitor, link, password="une autre 8 péniche")).status == 410
    assert (await sign_in(visitor, email, PASSWORD)).status == 303
    async with services.db.shared() as tx:
        joined = await users.by_id(tx, user.id)
        assert (joined.country, joined.must_change_password) == ("BE", False)
        assert None not in (joined.adult_business_at, joined.email_confirmed_at)
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
async def test_news_come_only_to_those_who_ticked(
    services: Services, visitor: Client, mails: Callable[..., Any]
) -> None:
    found = []
    for tick in ("", "true"):
        email = fresh()
        await ask(visitor, email)
        link = path((await mails(email))[0][1]["link"])
        form = (await visitor.get(link)).text
        assert 'name="news"' in form
        assert "checked" not in form
        await go_on(visitor, link, news=tick)
        visitor.cookie = ""
        async with services.db.shared() as tx:
            found.append(await users.by_address(tx, email))
    without, ticked = found
    assert without is not None
    assert ticked is not None
    assert (without.news_wanted_at, without.partners_wanted_at, without.news_wording) == (None, None, "")
    assert ticked.news_wanted_at is not None
    assert (ticked.partners_wanted_at, ticked.news_wording) == (None, users.WORDING)


@pytest.mark.req("A-038", "F-06")
async def test_faults_of_the_forms_keep_the_input_but_the_password_and_the_link(
    visitor: Client, mails: Callable[..., Any]
) -> None:
    answer = await ask(visitor, "jean@exemple")
    assert answer.status == 422
    assert "jean@exemple" in answer.text
    assert "Write the e-mail address." in (await ask(visitor, "")).text
    email = fresh()
    await ask(visitor, email)
    link = path((await mails(email))[0][1]["link"])
    common = await go_on(visitor, link, password="Password1!", news="true")
    assert common.status == 422
    assert "public lists" in common.text
    assert "Password1!" not in common.text
    assert re.search(r'name="news"[^>]* checked', common.text)
    assert '<option value="BE" selected>' in common.text
    empty = await visitor.post(link, {"country": "FR"})
    for text in ("Error:", "There are 2 things to fix", "Write the password.", 'href="#adult_business"'):
        assert text in empty.text
    near = await go_on(visitor, link, password=email.partition(".")[0] + ".7")
    assert near.status == 422
    assert (await go_on(visitor, link)).status == 303


@pytest.mark.req("B-12", "A-038")
async def test_a_stranger_who_types_an_address_chooses_nothing_for_its_owner(
    services: Services, visitor: Client, mails: Callable[..., Any]
) -> None:
    """The stranger is alone in signing up; the owner just uses the link of the mail."""
    email, theirs = fresh(), "le mot 7 du voleur"
    early = await visitor.post("/app/sign-up", {"email": email, "password": theirs, "country": "FR"})
    assert early.status == 422
    await ask(visitor, email)
    assert (await sign_in(visitor, email, theirs)).status == 422
    [(_, details)] = await mails(email)
    assert details["ip"].startswith("127.")
    assert (await go_on(visitor, path(details["link"]))).status == 303
    assert (await sign_in(visitor, email, theirs)).status == 422
    assert (await sign_in(visitor, email, PASSWORD)).status == 303


@pytest.mark.req("B-12")
async def test_the_database_keeps_no_password_for_an_address_nobody_proved(
    services: Services, visitor: Client
) -> None:
    email = fresh()
    await ask(visitor, email)
    with pytest.raises(Exception, match="users_password_after_proof"):
        async with services.db.shared() as tx:
            await tx.run("UPDATE users SET password_hash = 'x' WHERE address_key = $1", email)


@pytest.mark.req("B-12")
async def test_the_migration_drops_what_strangers_may_have_chosen_and_keeps_the_links(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    account, email = await make.account(), fresh()
    await ask(visitor, email)
    async with services.db.connection() as connection:
        undone = connection.transaction()
        await undone.start()
        await connection.execute("ALTER TABLE users DROP CONSTRAINT users_password_after_proof")
        await connection.execute(
            """
            UPDATE users
            SET password_hash = 'x', news_wanted_at = now(), news_wording = '1', must_change_password = true
            WHERE address_key = ANY ($1)
            """,
            [email, account.owner_email],
        )
        await connection.execute((migrate.FOLDER / "0052_password_after_proof.sql").read_text())
        rows = await connection.fetch(
            """
            SELECT address_key, password_hash, news_wanted_at IS NOT NULL, must_change_password
            FROM users
            WHERE address_key = ANY ($1)
            """,
            [email, account.owner_email],
        )
        await undone.rollback()
    assert {tuple(row) for row in rows} == {
        (email, None, False, False),
        (account.owner_email, "x", True, True),
    }
    assert (await visitor.get(path((await mails(email))[0][1]["link"]))).status == 200


@pytest.mark.req("B-11", "B-12")
async def test_only_the_latest_link_works(visitor: Client, mails: Callable[..., Any]) -> None:
    email = fresh()
    await ask(visitor, email)
    await ask(visitor, email)
    (_, first), (_, second) = await mails(email)
    assert (await visitor.get(path(first["link"]))).status == 410
    assert (await go_on(visitor, path(first["link"]))).status == 410
    assert (await go_on(visitor, path(second["link"]))).status == 303


@pytest.mark.req("B-10", "E-14")
async def test_signing_in_before_confirming_tells_nothing_and_fills_no_mailbox(
    visitor: Client, mails: Callable[..., Any]
) -> None:
    email = fresh()
    await ask(visitor, email)
    waiting, unknown = await sign_in(visitor, email, PASSWORD), fresh()
    assert waiting.status == 422
    plain = re.compile(r'value="[^"]*"')
    other = await sign_in(visitor, unknown, PASSWORD)
    assert plain.sub("", waiting.text.replace(email, "X")) == plain.sub("", other.text.replace(unknown, "X"))
    assert visitor.cookie == ""
    assert len(await mails(email)) == 1


@pytest.mark.req("B-10", "B-11")
async def test_a_reset_before_confirming_sends_the_link_of_sign_up_again(
    visitor: Client, mails: Callable[..., Any]
) -> None:
    email, unknown = fresh(), fresh()
    await ask(visitor, email)
    answer = await visitor.post("/app/reset", {"email": email})
    other = await visitor.post("/app/reset", {"email": unknown})
    assert answer.text.replace(email, "X") == other.text.replace(unknown, "X")
    found = await mails(email)
    assert [kind for kind, _ in found] == ["confirm_email", "confirm_email"]
    assert (await go_on(visitor, path(found[1][1]["link"]))).status == 303


async def test_sign_up_by_approval_and_closed(
    services: Services, make: Make, visitor: Client, mails: Callable[..., Any]
) -> None:
    email = fresh()
    await ask(visitor, email)
    token = (await mails(email))[0][1]["link"].rpartition("/")[2]
    async with services.db.shared() as tx:
        new = sign_up.NewPerson(password_hash="x", country="FR", language="fr", news=False)
        user = await sign_up.confirm(tx, token, new, mode="approval")
        status = await tx.value(
            "SELECT a.status FROM memberships m JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1",
            user.id,
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
