"""The door, the profile and the account's pages in Chromium: axe, width, console, pictures; and without script."""

import re
import secrets

import pytest
from playwright.async_api import Page

from mailer.accounts import sign_up
from mailer.core import addresses
from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.make import Account, Make

pytestmark = pytest.mark.browser
WORDS = {
    "fr": {
        "sign_in": "Se connecter",
        "identity": "Identité de l’expéditeur",
        "save": "Enregistrer",
        "agreement": "Accord de sous-traitance",
        "accept": "Accepter l’accord",
        "name": "Nom de l’organisation",
        "address": "Adresse postale",
        "contact": "Adresse e-mail pour les questions de vos contacts",
    },
    "en": {
        "sign_in": "Sign in",
        "identity": "Sender's identity",
        "save": "Save",
        "agreement": "Data processing agreement",
        "accept": "Accept the agreement",
        "name": "Name of the organisation",
        "address": "Postal address",
        "contact": "E-mail address for your contacts' questions",
    },
}


async def look(page: Page, name: str) -> None:
    await assert_accessible(page)
    await assert_fits(page)
    assert_quiet(page)
    await picture(page, name)


async def signed_in(services: Services, account: Account, page: Page, server: str, button: str) -> None:
    async with services.db.shared() as tx:
        link = await sign_up.sign_in_link(tx, account.owner_id, public_url=server)
    await page.goto(link)
    await page.get_by_role("button", name=button).click()
    await page.wait_for_url(f"{server}{account.app}")


@pytest.mark.req("F-01", "A-126", "B-09")
@pytest.mark.long  # test_every_page has them among all pages
@pytest.mark.parametrize(("language", "theme", "width"), [("fr", "light", 1280), ("en", "dark", 320)])
async def test_each_page_is_accessible_and_quiet(
    services: Services, make: Make, server: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    account = await make.account(agreed=False, identity=False, language=language)
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE users SET language = $2, theme = $3 WHERE id = $1", account.owner_id, language, theme
        )
    page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    mark = f"{language}-{theme}-{width}"
    for name in ("sign-in", "sign-up", "reset"):
        await page.goto(f"{server}/app/{name}")
        await look(page, f"accounts-{name}-{mark}")
    await page.goto(f"{server}/app/sign-up")
    await page.locator("main form button.btn-primary").click()
    await look(page, f"accounts-sign-up-faults-{mark}")
    who = addresses.parse(f"{secrets.token_hex(4)}@nouveau.test")
    async with services.db.shared() as tx:
        await sign_up.ask(tx, who, language=language, public_url=server, ip="203.0.113.7")
        details = await tx.value("SELECT details FROM outbox WHERE recipient = $1", who.email)
    await page.goto(details["link"])
    await look(page, f"accounts-confirm-{mark}")
    await page.locator("main form button.btn-primary").click()
    await look(page, f"accounts-confirm-faults-{mark}")
    await page.locator("#password").fill("une péniche 7 bleue")
    await page.locator("#adult_business").check()
    await page.locator("main form button.btn-primary").click()
    await page.wait_for_url(re.compile(r"/app/\d+$"))
    await page.context.clear_cookies()
    await signed_in(services, account, page, server, WORDS[language]["sign_in"])
    await look(page, f"accounts-home-{mark}")
    for name, path in (
        ("settings", "/settings/account"),
        ("agreement", "/privacy/agreements"),
        ("keys", "/integrations"),
        ("closing", "/settings/account/closing"),
        ("log", "/settings/log"),
    ):
        await page.goto(server + account.app + path)
        await look(page, f"accounts-{name}-{mark}")
    for name in ("", "/email", "/password", "/confirmations"):
        await page.goto(f"{server}/app/me{name}")
        await look(page, f"accounts-me{name.replace('/', '-')}-{mark}")
    for name in ("privacy", "sub-processors", "versions", "help"):
        await page.goto(f"{server}/legal/{name}")
        await look(page, f"accounts-legal-{name}-{mark}")


@pytest.mark.req("A-016", "A-062")
@pytest.mark.parametrize(("language", "scripts"), [("fr", True), ("en", False)])
async def test_identity_and_agreement_take_few_presses_from_home(
    services: Services, make: Make, server: str, visit: Visit, language: str, scripts: bool
) -> None:
    account = await make.account(agreed=False, identity=False, language=language)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET language = $2 WHERE id = $1", account.owner_id, language)
    words = WORDS[language]
    page = await visit(language=language, scripts=scripts)
    await signed_in(services, account, page, server, words["sign_in"])
    setup = page.locator("ol.setup-list")
    await setup.get_by_role("link", name=words["identity"]).click()
    await page.get_by_label(words["name"]).fill("Atelier du Pain")
    await page.get_by_label(words["address"]).fill("1 rue des Tests, 75011 Paris")
    await page.get_by_label(words["contact"]).fill(f"contact@{secrets.token_hex(3)}.test")
    await page.get_by_role("button", name=words["save"], exact=True).click()
    await page.wait_for_url(f"{server}{account.app}")
    await setup.get_by_role("link", name=words["agreement"]).click()
    for box in await page.get_by_role("checkbox").all():
        await box.check()
    await page.get_by_role("button", name=words["accept"]).click()
    await page.wait_for_url(f"{server}{account.app}")
    done = {"fr": "Fait", "en": "Done"}[language]
    assert await setup.get_by_text(done, exact=True).count() == 2
    assert_quiet(page)
