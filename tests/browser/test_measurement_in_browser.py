"""Measurement as people see it: the account's choice, the request for consent, the person's own page."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page

from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.campaigns.conftest import Ready, ready
from tests.make import Make

__all__ = ["ready"]
pytestmark = pytest.mark.browser
Build = Callable[..., Awaitable[Ready]]
VARIANTS = [("fr", "light", 1280), ("en", "dark", 320)]
WORDS = {
    "fr": (
        "Un total par campagne",
        "Enregistrer la mesure",
        "Demander l’accord pour la mesure",
        "Créer le brouillon",
    ),
    "en": (
        "A total for each campaign",
        "Save the measurement",
        "Ask for consent to measurement",
        "Make the draft",
    ),
}


async def arrive(page: Page, make: Make, services: Services, found: Ready, server: str, look: tuple) -> None:
    """Signed in, in this language and theme."""
    language, theme, _ = look
    person = await make.signed_in(found.account.owner_id)
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE users SET language = $2, theme = $3 WHERE id = $1",
            found.account.owner_id,
            language,
            theme,
        )
    host = server.replace("http:", "https:")
    await page.context.add_cookies(
        [{"name": "__Host-session", "value": person.cookie, "url": host, "secure": True}]
    )


@pytest.mark.req("F-01", "A-126", "B-42", "B-38")
@pytest.mark.parametrize("look", VARIANTS)
async def test_the_pages_of_measurement(
    visit: Visit, make: Make, services: Services, server: str, ready: Build, look: tuple
) -> None:
    language, theme, width = look
    found = await ready()
    page = await visit(language=language, theme=theme, width=width)
    await arrive(page, make, services, found, server, look)
    home = f"{server}{found.account.app}"
    for path, name in (
        ("/settings/measurement", "settings"),
        ("/campaigns/consent-request", "request"),
        (f"/campaigns/{found.campaign.id}/review", "review"),
    ):
        await page.goto(home + path)
        await page.wait_for_load_state("networkidle")
        await assert_accessible(page)
        await assert_fits(page)
        await picture(page, f"measurement-{name}-{language}-{theme}-{width}")
    # a request without a list is told at its place
    await page.goto(f"{home}/campaigns/consent-request")
    await page.get_by_role("checkbox").first.uncheck()
    await page.get_by_role("button", name=WORDS[language][3]).press("Enter")
    await page.locator(".error-summary").wait_for()
    await assert_accessible(page)
    await assert_fits(page)
    async with services.db.account(found.account.id) as tx:
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", found.people[0]
        )
    who = RecipientToken(found.account.id, found.list_id, found.people[0], hashed)
    await page.goto(Links(services.tokens, server).tracking(who))
    await assert_accessible(page)
    sizes = [await one.bounding_box() for one in await page.get_by_role("button").all()]
    assert len(sizes) == 3
    assert len({round(one["height"]) for one in sizes if one}) == 1
    assert await page.locator("input:checked").count() == 0
    await picture(page, f"measurement-choice-{language}-{theme}-{width}")


@pytest.mark.req("F-09", "B-36", "B-40", "B-38")
@pytest.mark.parametrize("look", VARIANTS)
async def test_choose_ask_and_answer_without_script(
    visit: Visit, make: Make, services: Services, server: str, ready: Build, look: tuple
) -> None:
    language, theme, width = look
    total, save, ask, draft = WORDS[language]
    found = await ready()
    page = await visit(language=language, theme=theme, width=width, scripts=False)
    await arrive(page, make, services, found, server, look)
    await page.goto(f"{server}{found.account.app}/settings/measurement")
    await page.get_by_role("radio", name=total).check()
    await page.get_by_role("button", name=save).press("Enter")
    await page.locator(".callout--success").wait_for()
    assert await page.get_by_role("radio", name=total).is_checked()
    await page.get_by_role("main").get_by_role("link", name=ask).press("Enter")
    await page.get_by_role("checkbox").first.check()
    await page.get_by_role("button", name=draft).press("Enter")
    await page.wait_for_url(re.compile(r"/campaigns/\d+/audience$"))
    await assert_fits(page)
    async with services.db.account(found.account.id) as tx:
        asks = await tx.value("SELECT count(*) FROM campaigns WHERE account_id = $1 AND asks_measurement")
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", found.people[0]
        )
    assert asks == 1
    who = RecipientToken(found.account.id, found.list_id, found.people[0], hashed)
    await page.goto(Links(services.tokens, server).tracking(who))
    await page.locator("#clicks-yes").check()
    await page.locator("button[value=save]").press("Enter")
    await page.wait_for_load_state()
    await assert_fits(page)
    state = "SELECT opens, clicks FROM contacts WHERE account_id = $1 AND id = $2"
    async with services.db.account(found.account.id) as tx:
        assert await tx.rows(state, found.people[0]) == [("unknown", "granted")]
    # one press ends it
    await page.locator("button[value=refuse]").press("Enter")
    await page.wait_for_load_state()
    async with services.db.account(found.account.id) as tx:
        assert await tx.rows(state, found.people[0]) == [("denied", "denied")]
    assert_quiet(page)
