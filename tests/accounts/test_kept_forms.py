"""A form that arrives after its session: kept for its person, filled in again, sent by nobody else."""

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import FormData

from mailer.accounts import kept_forms, passwords, users
from mailer.core import clock
from mailer.core.services import Services
from retention_jobs import platform
from tests.client import Answer, Client
from tests.make import Account, Make

PASSWORD = "une péniche 7 bleue"
CONTACT = {"email": "zoé@pain.test", "first_name": 'Zoé "la" <b>', "last_name": "Née", "language": "fr"}


async def with_password(services: Services, make: Make) -> Account:
    account = await make.account()
    hashed = await passwords.hash_new(PASSWORD)
    async with services.db.shared() as tx:
        await users.set_password(tx, await users.by_id(tx, account.owner_id), hashed)
    return account


def token_in(page: Answer) -> str:
    return re.findall(r'name="csrf" value="(\w+)"', page.text)[0]


async def end_sessions(services: Services, user_id: int) -> None:
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM sessions WHERE user_id = $1", user_id)


async def typed(services: Services, make: Make, account: Account) -> Client:
    """A person with the form of a contact open, whose session has ended meanwhile."""
    person = await make.signed_in(account.owner_id)
    person.csrf = token_in(await person.get(f"{account.app}/contacts/new"))
    await end_sessions(services, account.owner_id)
    return person


async def sign_in(person: Client, email: str, door: str) -> Answer:
    person.cookie, person.csrf = "", ""
    shown = await person.get(door)
    names = dict(re.findall(r'type="hidden" name="(next|kept)" value="([^"]*)"', shown.text))
    fields = {name: html.unescape(value) for name, value in names.items()}
    return await person.post("/app/sign-in", {"email": email, "password": PASSWORD, **fields})


async def kept(services: Services, user_id: int) -> int:
    async with services.db.shared() as tx:
        count: int = await tx.value("SELECT count(*) FROM kept_forms WHERE user_id = $1", user_id)
    return count


@pytest.mark.req("E-08", "E-30")
@pytest.mark.parametrize(
    ("language", "ended", "again"),
    [
        ("en", "Your session has ended", "Nothing was sent yet"),
        ("fr", "Votre session est terminée", "Rien n’est encore parti"),
    ],
)
async def test_what_was_typed_comes_back_after_signing_in_and_is_not_sent(
    services: Services, make: Make, language: str, ended: str, again: str
) -> None:
    account = await with_password(services, make)
    person = await typed(services, make, account)
    person.language = language
    sent = await person.post(f"{account.app}/contacts", CONTACT)
    assert sent.status == 303
    assert urlsplit(sent.location).path == "/app/sign-in"
    door = html.unescape((await person.get(sent.location)).text)
    assert ended in door
    assert "zoé@pain.test" not in door
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET language = $2 WHERE id = $1", account.owner_id, language)
    back = await sign_in(person, account.owner_email, sent.location)
    assert back.location.startswith(f"{account.app}/contacts/new?kept=")
    form = await person.get(back.location)
    assert again in html.unescape(form.text)
    assert 'value="zoé@pain.test"' in form.text
    assert 'value="Zoé &quot;la&quot; &lt;b&gt;"' in form.text
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT count(*) FROM contacts WHERE account_id = $1") == 0
    person.csrf = token_in(form)
    assert (await person.post(f"{account.app}/contacts", CONTACT)).status == 303
    async with services.db.account(account.id) as tx:
        assert await tx.value("SELECT email FROM contacts WHERE account_id = $1") == "zoé@pain.test"


@pytest.mark.req("E-30")
async def test_an_idle_session_keeps_the_form_too_and_so_does_a_browser_without_its_cookie(
    services: Services, make: Make
) -> None:
    account = await with_password(services, make)
    person = await make.signed_in(account.owner_id)
    person.csrf = token_in(await person.get(f"{account.app}/contacts/new"))
    clock.shift(timedelta(minutes=31))
    assert "kept=" in (await person.post(f"{account.app}/contacts", CONTACT)).location
    person.cookie = ""
    assert "kept=" in (await person.post(f"{account.app}/contacts", CONTACT)).location


@pytest.mark.req("E-30", "E-50")
async def test_nobody_else_sees_it(services: Services, make: Make) -> None:
    account, other = await with_password(services, make), await with_password(services, make)
    async with services.db.shared() as tx:
        await tx.run(
            "INSERT INTO memberships (account_id, user_id, role) VALUES ($1, $2, 'editor')",
            account.id,
            other.owner_id,
        )
    person = await typed(services, make, account)
    sent = await person.post(f"{account.app}/contacts", CONTACT)
    back = await sign_in(person, other.owner_email, sent.location)
    shown = await person.get(back.location)
    assert shown.status == 200
    assert "zoé@pain.test" not in shown.text
    assert "session had ended" not in shown.text
    async with services.db.shared() as tx:
        sealed = await tx.value("SELECT sealed FROM kept_forms WHERE user_id = $1", account.owner_id)
    assert "zoé".encode() not in bytes(sealed)


@pytest.mark.req("E-08")
async def test_only_the_token_of_one_of_our_forms_has_anything_kept(services: Services, make: Make) -> None:
    account, other = await with_password(services, make), await make.account()
    person = await typed(services, make, account)
    good, path = person.csrf, f"{account.app}/contacts"
    stranger = await make.signed_in(other.owner_id)
    theirs = token_in(await stranger.get(other.app))
    forged = good[:128] + f"{other.owner_id} {account.app}".encode().hex()
    for csrf in ("", "00", good[:64], forged, good[:-2] + "00", "é" * 200, good + "zz"):
        person.csrf = csrf
        assert (await person.post(path, CONTACT)).status == 401
    person.csrf = good
    for headers in ({"Origin": "https://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Mode": "cors"}):
        assert (await person.post(path, CONTACT, headers=headers)).status == 401
    assert (await person.post(path, CONTACT, headers={"Accept": "application/json"})).status == 401
    assert await kept(services, account.owner_id) == await kept(services, other.owner_id) == 0
    # somebody else's form, sent by whoever is signed in: as before
    stranger.csrf = good
    assert (await stranger.post(f"{other.app}/contacts", CONTACT)).status == 403
    # one's own token in a stranger's browser keeps it for oneself alone
    person.csrf = theirs
    assert (await person.post(path, CONTACT)).status == 303
    assert await kept(services, account.owner_id) == 0


@pytest.mark.req("E-30", "B-11")
async def test_passwords_are_not_kept(services: Services, make: Make) -> None:
    account = await with_password(services, make)
    person = await make.signed_in(account.owner_id)
    person.csrf = token_in(await person.get("/app/me/email"))
    await end_sessions(services, account.owner_id)
    sent = await person.post(
        "/app/me/email", {"email": "neu@pain.test", "current_password": PASSWORD, "form_id": "1"}
    )
    token = parse_qs(urlsplit(sent.location).query)["kept"][0]
    async with services.db.shared() as tx:
        found = await kept_forms.find(tx, services.sealer, token)
    assert found is not None
    assert found.values == {"email": ["neu@pain.test"]}
    shown = await person.get((await sign_in(person, account.owner_email, sent.location)).location)
    assert 'value="neu@pain.test"' in shown.text
    assert PASSWORD not in shown.text


@pytest.mark.req("E-30")
async def test_a_file_is_to_be_chosen_again_and_the_rest_comes_back(services: Services, make: Make) -> None:
    account = await with_password(services, make)
    person = await make.signed_in(account.owner_id)
    csrf = token_in(await person.get(f"{account.app}/media/new"))
    await end_sessions(services, account.owner_id)
    form = FormData(default_to_multipart=True)
    for name, value in {"csrf": csrf, "alt": "Un pain rond"}.items():
        form.add_field(name, value)
    form.add_field("file", b"x" * 300_000, filename="pain.png", content_type="image/png")
    form.add_field("label", "Pain d'été")
    sent = await person.ask("POST", f"{account.app}/media", data=form)
    assert "A file cannot be kept" in (await person.get(sent.location)).text
    shown = await person.get((await sign_in(person, account.owner_email, sent.location)).location)
    text = html.unescape(shown.text)
    assert "choose it again" in text
    assert 'value="Un pain rond"' in text
    assert 'value="Pain d\'été"' in text


@pytest.mark.req("E-30")
async def test_signing_in_from_another_tab_is_enough(services: Services, make: Make) -> None:
    account = await with_password(services, make)
    person = await typed(services, make, account)
    door = (await person.post(f"{account.app}/contacts", CONTACT)).location
    old = person.csrf
    again = await make.signed_in(account.owner_id)
    again.csrf = old
    straight = await again.post(f"{account.app}/contacts", CONTACT)
    assert straight.location.startswith(f"{account.app}/contacts/new?kept=")
    assert 'value="zoé@pain.test"' in (await again.get(straight.location)).text
    again.csrf = ""
    waiting = await again.post(door, {"email": account.owner_email, "password": PASSWORD})
    assert waiting.location == door
    assert 'value="zoé@pain.test"' in (await again.get((await again.get(door)).location)).text


async def test_a_form_that_is_shown_with_faults_knows_its_page(services: Services, make: Make) -> None:
    """The answer to POST /contacts is the form of /contacts/new."""
    account = await with_password(services, make)
    person = await make.signed_in(account.owner_id)
    person.csrf = token_in(await person.get(f"{account.app}/contacts/new?lang=en"))
    faulty = await person.post(f"{account.app}/contacts", {**CONTACT, "email": "nobody"})
    assert faulty.status == 422
    person.csrf = token_in(faulty)
    await end_sessions(services, account.owner_id)
    sent = await person.post(f"{account.app}/contacts", CONTACT)
    assert parse_qs(urlsplit(sent.location).query)["next"] == [f"{account.app}/contacts/new"]


async def test_what_has_no_form_any_more_is_listed(services: Services, make: Make) -> None:
    account = await with_password(services, make)
    async with services.db.account(account.id) as tx:
        contact = await make.contact(tx)
    person = await make.signed_in(account.owner_id)
    page = f"{account.app}/contacts/{contact}/edit"
    person.csrf = token_in(await person.get(page))
    await end_sessions(services, account.owner_id)
    sent = await person.post(page, CONTACT)
    async with services.db.account(account.id) as tx:
        await tx.run("DELETE FROM contacts WHERE account_id = $1 AND id = $2", contact)
    shown = await person.get((await sign_in(person, account.owner_email, sent.location)).location)
    assert shown.status == 200
    assert "Its form is no longer there" in shown.text
    assert "zoé@pain.test" in shown.text


@pytest.mark.req("E-30", "A-007")
async def test_it_is_gone_after_a_quarter_of_an_hour_and_one_person_has_few(
    services: Services, make: Make
) -> None:
    account = await with_password(services, make)
    person = await typed(services, make, account)
    for _ in range(kept_forms.MOST_OF_ONE + 2):
        sent = await person.post(f"{account.app}/contacts", CONTACT)
    assert await kept(services, account.owner_id) == kept_forms.MOST_OF_ONE
    clock.shift(timedelta(minutes=kept_forms.MINUTES, seconds=1))
    assert "is kept" not in (await person.get(sent.location)).text
    shown = await person.get((await sign_in(person, account.owner_email, sent.location)).location)
    assert "zoé@pain.test" not in shown.text
    async with services.db.shared() as tx:
        await platform.purge(tx, clock.now())
    assert await kept(services, account.owner_id) == 0


async def test_a_form_beyond_the_bound_is_not_kept(services: Services, make: Make) -> None:
    account = await make.account()
    values: dict[str, Any] = {"source": ["x" * kept_forms.MOST_BYTES]}
    form = kept_forms.KeptForm(user_id=account.owner_id, action="/", page="/", values=values, files=False)
    async with services.db.shared() as tx:
        assert await kept_forms.keep(tx, services.sealer, form) is None


async def test_the_other_language_of_the_door_leads_to_the_same_form(services: Services, make: Make) -> None:
    account = await with_password(services, make)
    person = await typed(services, make, account)
    sent = await person.post(f"{account.app}/contacts", CONTACT)
    shown = await person.get(sent.location)
    link = html.unescape(re.findall(r'href="([^"]*lang=fr[^"]*)"', shown.text)[0])
    assert "Votre session est terminée" in html.unescape((await person.get(link)).text)
    assert "kept=" in (await sign_in(person, account.owner_email, link)).location
