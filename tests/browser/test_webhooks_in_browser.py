"""The pages of webhooks in Chromium, from the first to the log: axe, width, console, pictures; and without script."""

from datetime import timedelta

import pytest
from playwright.async_api import Page

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.work import Task
from mailer.web.outgoing import wall_of
from mailer.webhooks import collect, endpoints, turns
from tests.browser.conftest import Visit
from tests.browser.test_accounts_in_browser import look, signed_in
from tests.make import Account, Make
from tests.webhooks.receiver import Receiver, receiving

pytestmark = pytest.mark.browser
SIGN_IN = {"fr": "Se connecter", "en": "Sign in"}


async def _turn(services: Services, account: Account) -> None:
    """Collects, and lets every webhook of the account have its turn."""
    task = Task(account.id, collect.COLLECT, 0, 0, 1)
    while await collect.collect(services, task) is not None:
        pass
    async with services.db.account(account.id) as tx:
        known = [one.id for one in await endpoints.many(tx)]
    for endpoint in known:
        task = Task(account.id, turns.SEND, endpoint, 0, 1)
        await turns.send_through(services, task, wall_of(services.settings))


async def _happens(tx: AccountTx) -> None:
    await tx.run(
        """
        INSERT INTO webhook_events (account_id, type, data)
        SELECT $1, 'contact.created', jsonb_build_object('contact_ids', jsonb_build_array(n))
        FROM generate_series(1, 3) AS g (n)
        """
    )


async def _add(page: Page, here: str, url: str) -> None:
    await page.goto(f"{here}/new")
    await page.locator("#url").fill(url)
    await page.locator("#name").fill("Boutique en ligne")
    await page.locator("input[value='contact.created']").check()
    await page.locator("main form button.btn-primary").click()
    await page.wait_for_selector("#secret")


@pytest.mark.req("F-01", "A-126", "A-109")
@pytest.mark.long  # test_every_page has them among all pages
@pytest.mark.parametrize(("language", "theme", "width"), [("fr", "light", 1280), ("en", "dark", 320)])
async def test_each_page_of_webhooks_is_accessible_and_quiet(
    services: Services, make: Make, server: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    account = await make.account(language=language)
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE users SET language = $2, theme = $3 WHERE id = $1", account.owner_id, language, theme
        )
    page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    mark = f"{language}-{theme}-{width}"
    await signed_in(services, account, page, server, SIGN_IN[language])
    here = f"{server}{account.app}/integrations/webhooks"
    async with receiving() as receiver:
        await page.goto(here)
        await look(page, f"webhooks-none-{mark}")
        await page.goto(f"{here}/new")
        await page.locator("main form button.btn-primary").click()
        await look(page, f"webhooks-faults-{mark}")
        await _add(page, here, receiver.url)
        await look(page, f"webhooks-secret-{mark}")
        await page.locator("main a.btn-primary").click()
        await look(page, f"webhooks-new-{mark}")
        await _shown_in_each_state(services, account, page, (here, mark), receiver)


async def _shown_in_each_state(
    services: Services, account: Account, page: Page, place: tuple[str, str], receiver: Receiver
) -> None:
    here, mark = place
    shown = page.url
    await page.locator("form[action$='/tests'] button").click()
    await _turn(services, account)
    async with services.db.account(account.id) as tx:
        await _happens(tx)
    await _turn(services, account)
    receiver.status = 500
    async with services.db.account(account.id) as tx:
        await _happens(tx)
    await _turn(services, account)
    await page.goto(shown)
    await look(page, f"webhooks-failing-{mark}")
    await page.locator("main td a[href*='/attempts/'], main th a[href*='/attempts/']").first.click()
    await look(page, f"webhooks-attempt-{mark}")
    for name in ("settings", "secrets", "deletion"):
        await page.goto(f"{shown}/{name}")
        await look(page, f"webhooks-{name}-{mark}")
    receiver.status = 410
    clock.shift(timedelta(hours=1))
    await _turn(services, account)
    clock.shift(timedelta(0))
    for name, address in (("given-up", shown), ("list", here), ("keys", here.removesuffix("/webhooks"))):
        await page.goto(address)
        await look(page, f"webhooks-{name}-{mark}")


@pytest.mark.req("E-63", "E-64")
async def test_a_webhook_is_mended_and_sends_again_without_a_script(
    services: Services, make: Make, server: str, visit: Visit
) -> None:
    account = await make.account()
    page = await visit(language="fr", scripts=False)
    await signed_in(services, account, page, server, SIGN_IN["fr"])
    here = f"{server}{account.app}/integrations/webhooks"
    async with receiving() as receiver:
        await _add(page, here, receiver.url)
        secret = await page.locator("#secret").inner_text()
        assert secret.startswith("whsec_")
        await page.locator("main a.btn-primary").click()
        receiver.status = 410
        async with services.db.account(account.id) as tx:
            await _happens(tx)
        await _turn(services, account)
        await page.reload()
        await page.get_by_text("Abandonné par Mailer").first.wait_for()
        receiver.status = 200
        await page.get_by_role("button", name="Activer").click()
        await page.get_by_role("button", name="Renvoyer ces événements").click()
        await page.get_by_text("Événements renvoyés").wait_for()
        heard = len(receiver.heard)
        await _turn(services, account)
        assert len(receiver.heard) == heard + 3
        await page.reload()
        await page.get_by_text("Fonctionne").first.wait_for()
