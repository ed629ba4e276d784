"""A breach from its record to the account's own file, an access and a request of an authority, in Chromium."""

import pytest
from playwright.async_api import Page

from mailer.accounts import breaches
from mailer.core.services import Services
from tests.accounts.test_breaches import run
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, look, site
from tests.make import Make

pytestmark = pytest.mark.browser
__all__ = ["site"]
VARIANTS = pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)


@pytest.mark.req("F-01", "F-05", "A-035", "A-018", "A-037", "A-126")
@VARIANTS
async def test_an_operator_tells_of_a_breach_and_the_account_opens_its_file(
    services: Services, make: Make, site: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    account = await make.account(language=language)
    async with services.db.account(account.id) as tx:
        await make.contact(tx)
    operator_id, _ = await make.user(None, language=language)
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", operator_id)
    mark = f"{language}-{theme}-{width}"
    page: Page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await enter(services, page, site, operator_id, language=language, theme=theme)

    await page.goto(f"{site}/app/operator/breaches/new")
    await look(page, f"operations-breach-form-{mark}")
    await page.fill("#title", "Sauvegarde lisible par un tiers")
    await page.locator("input[name='data'][value='contacts']").check()
    await page.fill("#nature", "Un fichier était accessible.")
    await page.locator("main .btn-primary").press("Enter")
    await page.locator("#accounts").fill(str(account.id))
    breach_id = int(page.url.rpartition("/")[2])
    await page.locator("form[action$='/accounts'] .btn-primary").press("Enter")
    await page.wait_for_load_state()
    assert await run(services, breaches.COUNT, account.id, breach_id)
    await page.locator("form[action$='/notices'] button").press("Enter")
    await page.wait_for_load_state()
    await look(page, f"operations-breach-{mark}")
    assert await run(services, breaches.TELL, account.id, breach_id)

    await page.goto(f"{site}/app/operator/accesses?account={account.id}")
    await page.locator("input[name='purpose'][value='support']").check()
    await page.fill("#ticket", "T-17")
    await page.locator("main .btn-primary").press("Enter")
    await page.wait_for_load_state()
    await look(page, f"operations-accesses-{mark}")
    await page.goto(f"{site}{account.app}/contacts")
    await look(page, f"operations-reading-{mark}")
    await page.goto(f"{site}/app/operator/authority-requests/new")
    await look(page, f"operations-request-form-{mark}")
    for name, text in (
        ("authority", "Tribunal"),
        ("account", str(account.id)),
        ("basis", "[texte]"),
        ("scope", "Journal"),
    ):
        await page.fill(f"#{name}", text)
    await page.locator("main .btn-primary").press("Enter")
    await page.wait_for_load_state()
    await look(page, f"operations-request-{mark}")
    for path in ("", "/accounts", "/holds", "/breaches", "/authority-requests"):
        await page.goto(f"{site}/app/operator{path}")
        await look(page, f"operations{path.replace('/', '-')}-{mark}")

    owner: Page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await enter(services, owner, site, account.owner_id, language=language, theme=theme)
    await owner.goto(f"{site}{account.app}/privacy/breaches")
    await look(owner, f"operations-account-breaches-{mark}")
    await owner.locator("main tbody a").click()
    await look(owner, f"operations-account-breach-{mark}")
    assert "Sauvegarde lisible par un tiers" in await owner.inner_text("main")
    await owner.goto(f"{owner.url}/letter")
    await look(owner, f"operations-letter-{mark}")
    for path in ("settings/staff-access", "privacy/authority-requests", "settings/log?who=operator"):
        await owner.goto(f"{site}{account.app}/{path}")
        await look(owner, f"operations-{path.partition('?')[0].replace('/', '-')}-{mark}")
    await owner.goto(f"{site}/legal/authority-requests?lang={language}")
    await look(owner, f"operations-legal-{mark}")
