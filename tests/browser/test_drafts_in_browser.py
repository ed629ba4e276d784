"""Two people on one draft in Chromium: what the linter says while one types, and nothing that is lost."""

from collections.abc import Awaitable, Callable

import pytest

from mailer.core.services import Services
from sending import campaigns
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, look, ready, site
from tests.campaigns.conftest import Ready
from tests.make import Make

pytestmark = pytest.mark.browser
__all__ = ["ready", "site"]
Build = Callable[..., Awaitable[Ready]]


@pytest.mark.req("F-12")
async def test_two_people_write_one_draft_and_lose_nothing(
    services: Services, ready: Build, make: Make, site: str, visit: Visit
) -> None:
    found = await ready()
    second, _ = await make.user(found.account.id, "editor")
    async with services.db.shared() as shared:
        for user_id, name in ((found.account.owner_id, "Ana"), (second, "Claire")):
            await shared.run(
                "UPDATE users SET first_name = $2, last_name = 'Petit' WHERE id = $1", user_id, name
            )
    ana, claire = await visit(), await visit()
    for page, user_id in ((ana, found.account.owner_id), (claire, second)):
        await enter(services, page, site, user_id, language="fr", theme="light")
        await page.goto(f"{site}{found.page}/content")
    await claire.get_by_text("Ana Petit a aussi ce brouillon ouvert.").wait_for()
    await ana.get_by_text("Claire Petit a aussi ce brouillon ouvert.").wait_for()

    editor = ana.get_by_role("textbox", name="Source du message (MJML)")
    await editor.click()
    await ana.keyboard.press("Control+Home")
    await ana.keyboard.press("ArrowDown")
    await ana.keyboard.press("End")
    await ana.keyboard.type('<mj-section><mj-column><mj-image src="https://a.fr/x.png" />')
    await ana.get_by_text("Cette image n’a pas de description.").first.wait_for()
    await ana.get_by_text("Enregistré à").wait_for()

    await claire.get_by_role("textbox", name="Source du message (MJML)").click()
    await claire.keyboard.press("Control+End")
    await claire.keyboard.type("<!-- de Claire -->")
    await claire.get_by_text("Ana Petit a enregistré entre-temps").first.wait_for()
    await claire.get_by_role("link", name="Comparer les deux").click()
    await claire.get_by_role("heading", name="Comparer des versions").wait_for()
    assert any("de Claire" in line for line in await claire.locator("del").all_inner_texts())
    await look(claire, "drafts-comparison-fr-light-1280")
    await claire.get_by_role("button", name="Prendre mon texte").click()
    await claire.get_by_text("Version restaurée.").wait_for()
    async with services.db.account(found.account.id) as tx:
        assert "de Claire" in (await campaigns.show(tx, found.campaign.id)).source

    # Ana's text is a version, and comes back with one press
    await ana.get_by_role("link", name="Versions").first.click()
    await look(ana, "drafts-versions-fr-light-1280")
    await ana.get_by_role("link", name="Comparer et restaurer").nth(1).click()
    await ana.get_by_role("button", name="Restaurer cette version").click()
    await ana.get_by_text("Version restaurée.").wait_for()
    async with services.db.account(found.account.id) as tx:
        assert "https://a.fr/x.png" in (await campaigns.show(tx, found.campaign.id)).source
