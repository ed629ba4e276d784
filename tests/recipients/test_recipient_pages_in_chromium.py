"""W4: a recipient leaves and comes back, without script; every page in both languages, themes and widths."""

import pytest

from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.make import Make
from tests.recipients.scene import make_scene

pytestmark = pytest.mark.browser


@pytest.mark.req("F-09", "D-44")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_leave_and_come_back_without_script(
    visit: Visit, make: Make, services: Services, settings, language: str, theme, width: int
) -> None:
    scene = await make_scene(make, services, settings)
    words = {
        "fr": ("Me désabonner", "Me réabonner", "Confirmer mon abonnement", "Désabonnement enregistré"),
        "en": ("Unsubscribe", "Subscribe again", "Confirm my subscription", "Unsubscribed on"),
    }[language]
    page = await visit(language=language, theme=theme, width=width, scripts=False)
    await page.goto(scene.links.unsubscribe(scene.who))
    await assert_fits(page)
    assert await page.get_by_role("button").count() == 1
    await page.get_by_role("button", name=words[0]).press("Enter")
    assert words[3] in await page.get_by_role("heading", level=1).inner_text()
    await picture(page, f"recipient-left-{language}-{theme}-{width}")
    await assert_fits(page)
    await page.get_by_role("button", name=words[1]).press("Enter")
    assert "a•••@example.test" in await page.get_by_role("heading", level=1).inner_text()
    async with services.db.shared() as tx:
        link = await tx.value(
            "SELECT details ->> 'link' FROM outbox WHERE account_id = $1 ORDER BY id DESC", scene.account_id
        )
    await page.goto(link)
    await page.get_by_role("button", name=words[2]).press("Enter")
    await assert_fits(page)
    assert await page.get_by_role("button").count() == 0
    assert not await page.context.cookies()
    assert_quiet(page)
    async with services.db.account(scene.account_id) as tx:
        assert await tx.value("SELECT status FROM subscriptions WHERE account_id = $1") == "active"


@pytest.mark.req("F-09")
@pytest.mark.parametrize(("language", "theme", "width"), [("fr", "dark", 320), ("en", "light", 1280)])
async def test_every_page_is_accessible(
    visit: Visit, make: Make, services: Services, settings, language: str, theme, width: int
) -> None:
    scene = await make_scene(make, services, settings)
    links = scene.links.all_of(scene.who)
    page = await visit(language=language, theme=theme, width=width)
    addresses = {
        "unsubscribe": links.unsubscribe,
        "preferences": links.preferences,
        "tracking": links.tracking,
        "rights": links.rights,
        "stay": scene.links.stay(scene.who),
        "stays": scene.links.stay(scene.who) + "?stays=1",
        "damaged": links.unsubscribe[:-3],
    }
    for name, address in addresses.items():
        await page.goto(address)
        await assert_accessible(page)
        await assert_fits(page)
        await picture(page, f"recipient-{name}-{language}-{theme}-{width}")
    await page.goto(links.unsubscribe)
    await page.get_by_role("button").press("Enter")
    await assert_accessible(page)
    assert_quiet(page)
