"""The end of a session: the dialog before it, and what was typed comes back after signing in again."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from mailer.accounts import passwords, users
from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet
from tests.campaigns.conftest import Ready, ready
from tests.make import Make

pytestmark = pytest.mark.browser
__all__ = ["ready"]
PASSWORD = "une péniche 7 bleue"
WORDS = {
    "fr": {
        "ended": "Votre session est terminée",
        "password": "Mot de passe",
        "sign_in": "Se connecter",
        "again": "Votre session était terminée.",
        "source": "Source du message (MJML)",
        "continue": "Continuer",
        "address": "Adresse e-mail",
        "add": "Ajouter le contact",
    },
    "en": {
        "ended": "Your session has ended",
        "password": "Password",
        "sign_in": "Sign in",
        "again": "Your session had ended.",
        "source": "Source of the message (MJML)",
        "continue": "Continue",
        "address": "E-mail address",
        "add": "Add the contact",
    },
}


@pytest.mark.req("F-10")
async def test_two_minutes_before_its_end_a_session_can_be_kept(
    make: Make, visit: Visit, server: str
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id, language="fr")
    page = await visit()
    host = server.replace("127.0.0.1", "localhost").replace("http:", "https:")
    await page.context.add_cookies(
        [{"name": "__Host-session", "value": owner.cookie, "url": host, "secure": True}]
    )
    await page.clock.install()
    await page.goto(server.replace("127.0.0.1", "localhost") + account.app)
    dialog = page.get_by_role("dialog")
    assert not await dialog.is_visible()
    await page.clock.fast_forward("28:30")
    await dialog.get_by_role("heading", name="Votre session se termine dans 2 minutes").wait_for()
    await assert_accessible(page)
    async with page.expect_response("**/app/session") as kept:
        await page.keyboard.press("Enter")
    assert (await kept.value).status == 200
    await dialog.wait_for(state="hidden")
    assert_quiet(page)


async def look(page: Page, *, scripts: bool) -> None:
    await assert_fits(page)
    # axe is a script of the page
    if scripts:
        await assert_accessible(page)


async def sign_in_again(page: Page, email: str, words: dict[str, str], *, scripts: bool) -> None:
    await page.get_by_text(words["ended"]).first.wait_for()
    await look(page, scripts=scripts)
    await page.locator("#email").fill(email)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("main form button.btn-primary").click()
    await page.get_by_text(words["again"]).wait_for()
    await look(page, scripts=scripts)


@pytest.mark.req("E-30", "E-08", "F-01")
@pytest.mark.parametrize(
    ("language", "scripts", "width"),
    [("fr", True, 1280), ("en", True, 320), ("en", False, 1280), ("fr", False, 320)],
)
async def test_what_was_typed_outlives_the_session(
    services: Services,
    ready: Callable[..., Awaitable[Ready]],
    server: str,
    visit: Visit,
    language: str,
    scripts: bool,
    width: int,
) -> None:
    site, words = server.replace("127.0.0.1", "localhost"), WORDS[language]
    found = await ready(people=1)
    account = found.account
    hashed = await passwords.hash_new(PASSWORD)
    async with services.db.shared() as tx:
        await users.set_password(tx, await users.by_id(tx, account.owner_id), hashed)
    page = await visit(language=language, scripts=scripts, width=width)
    await enter(services, page, site, account.owner_id, language=language, theme="light")

    async def end_session() -> None:
        async with services.db.shared() as tx:
            await tx.run("DELETE FROM sessions WHERE user_id = $1", account.owner_id)

    added = "<!-- froment & <b>é</b> -->"
    mine = found.campaign.source + added
    await page.goto(f"{site}{found.page}/content")
    editor = page.get_by_role("textbox", name=words["source"])
    await editor.click()
    await page.keyboard.press("Control+End")
    await page.keyboard.insert_text(added)
    await end_session()
    await page.get_by_role("button", name=words["continue"]).click()
    await sign_in_again(page, account.owner_email, words, scripts=scripts)
    assert (await page.locator("textarea[name=source]").input_value()).split() == mine.split()
    async with services.db.account(account.id) as tx:
        assert "froment" not in await tx.value("SELECT source FROM campaigns WHERE account_id = $1")
    await page.get_by_role("button", name=words["continue"]).click()
    await page.wait_for_url(f"{site}{found.page}/checks")
    async with services.db.account(account.id) as tx:
        stored = await tx.value("SELECT source FROM campaigns WHERE account_id = $1")
    assert stored.split() == mine.split()

    await page.goto(f"{site}{account.app}/contacts/new")
    await page.get_by_label(words["address"]).fill("zoe@pain.test")
    await page.locator("input[name=lists]").first.check()
    await page.locator("select[name=legal_basis]").select_option(index=1)
    basis = await page.locator("select[name=legal_basis]").input_value()
    await page.locator("[name=source]").fill("Salon, 12 mars 2026")
    await end_session()
    await page.get_by_role("button", name=words["add"]).click()
    await sign_in_again(page, account.owner_email, words, scripts=scripts)
    await expect(page.get_by_label(words["address"])).to_have_value("zoe@pain.test")
    await expect(page.locator("input[name=lists]").first).to_be_checked()
    await expect(page.locator("select[name=legal_basis]")).to_have_value(basis)
    await page.get_by_role("button", name=words["add"]).click()
    await page.wait_for_url(re.compile(r"/contacts/\d+$"))
    async with services.db.account(account.id) as tx:
        known = "SELECT count(*) FROM contacts WHERE account_id = $1 AND email = 'zoe@pain.test'"
        assert await tx.value(known) == 1
    assert_quiet(page)
