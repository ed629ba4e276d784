"""Walk of a request without a script: Ana asks for a copy, her mailbox confirms, the team answers, she fetches it."""

from typing import Literal

import pytest
from playwright.async_api import Page

from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, look, site
from tests.browser.visitor import picture
from tests.rights.desk import Desk
from tests.rights.test_requests import shown

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
__all__ = ["site"]


async def seen(page: Page, mirror: Page, name: str) -> None:
    """The page is looked at once more where scripts run: axe needs them."""
    await mirror.goto(page.url)
    await look(mirror, name)


async def press(page: Page) -> None:
    """The page's own button, by the keyboard."""
    await page.locator("main form button").first.press("Enter")


@pytest.mark.req("A-022", "A-090", "C-10", "F-01", "F-09", "A-126")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_a_copy_is_asked_for_confirmed_answered_and_fetched(
    desk: Desk,
    services: Services,
    site: str,
    visit: Visit,
    language: str,
    theme: Literal["light", "dark"],
    width: int,
) -> None:
    mark = f"{language}-{theme}-{width}"
    ana = await visit(language=language, theme=theme, width=width, scripts=False)
    mirror = await visit(language=language, theme=theme, width=width)
    await ana.goto(site + desk.form())
    await seen(ana, mirror, f"rights-form-{mark}")
    await press(ana)
    assert await ana.locator("#errors").count() == 1
    await picture(ana, f"rights-fault-{mark}")
    await ana.locator("#right-access").check()
    await ana.locator("#email").fill(desk.email)
    await press(ana)
    await ana.wait_for_url("**?asked=1*")
    await seen(ana, mirror, f"rights-asked-{mark}")
    await desk.run()
    [mail] = await desk.mails("rights_confirm")
    await ana.goto(site + mail.path(desk.links.base))
    await seen(ana, mirror, f"rights-confirm-{mark}")
    await press(ana)
    heading = await ana.locator("h1").inner_text()
    assert heading.startswith("Demande transmise" if language == "fr" else "Request passed")
    await seen(ana, mirror, f"rights-passed-{mark}")

    team = await visit(language=language, theme=theme, width=width, scripts=False)
    for page in (team, mirror):
        await enter(services, page, site, desk.account.owner_id, language=language, theme=theme)
    await team.goto(f"{site}{desk.account.app}/privacy/requests")
    await seen(team, mirror, f"requests-{mark}")
    await team.locator("main table a").first.click()
    await seen(team, mirror, f"request-{mark}")
    await team.locator("main ol form button").first.press("Enter")
    await team.wait_for_url("**/privacy/requests/*")
    await team.locator('form[action$="/answer"] button.btn-primary').press("Enter")
    await team.wait_for_load_state()
    request_id = int(team.url.rsplit("/", 1)[1])
    assert (await shown(desk, request_id)).state == "done"
    await seen(team, mirror, f"request-answered-{mark}")
    for path in (
        "new",
        "instruction",
        f"{request_id}/refusal",
        f"{request_id}/extension",
        f"{request_id}/erasure",
    ):
        await team.goto(f"{site}{desk.account.app}/privacy/requests/{path}")
        await seen(team, mirror, f"request-{path.rsplit('/', 1)[-1]}-{mark}")

    [copy] = await desk.mails("rights_copy")
    await ana.goto(site + copy.path(desk.links.base))
    await seen(ana, mirror, f"rights-file-{mark}")
    async with ana.expect_download() as fetched:
        await ana.locator('button[value="html"]').press("Enter")
    held = (await (await fetched.value).path()).read_text()
    assert desk.email in held
    assert len(await desk.mails("rights_answer")) == 1
