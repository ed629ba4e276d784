"""Starters as a telephone shows them; and a design from its starter to its picture, without script."""

import io

import pytest
from playwright.async_api import Browser

from mailer.core.services import Services
from mailer.core.work import Task
from sending import preview, thumbnail_queue, thumbnails
from sending.preview import Theme
from sending.starters import KEYS
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, look, site
from tests.browser.visitor import assert_accessible, picture
from tests.campaigns.test_design_files import HTML, packed
from tests.campaigns.test_starters import GAUDY, received
from tests.make import Make
from tests.media.test_media_pages import photograph

pytestmark = pytest.mark.browser
__all__ = ["site"]


@pytest.mark.req("F-11")
@pytest.mark.timeout(120)
async def test_starters_can_be_read_at_320_pixels_in_light_and_dark(browser: Browser) -> None:
    """axe judges contrast, names, order; nothing is wider than the screen; buttons are 44 pixels high."""
    context = await browser.new_context(viewport={"width": 320, "height": 800})
    page = await context.new_page()
    for key in KEYS:
        for kit, theme in ((None, Theme.LIGHT), (GAUDY, Theme.DARK)):
            html = received(key, "fr", kit).html
            await page.set_content(preview.in_theme(html, theme), wait_until="domcontentloaded")
            await assert_accessible(page)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320, (key, theme)
            heights = await page.evaluate(
                "[...document.querySelectorAll('a[style*=\"display: inline-block\"]')]"
                ".map(one => Math.round(one.getBoundingClientRect().height))"
            )
            assert all(height >= 44 for height in heights), (key, heights)
    await context.close()


@pytest.mark.req("F-09", "E-51", "A-126")
@pytest.mark.timeout(300)
async def test_a_design_is_made_from_a_starter_and_from_a_file_without_script(
    make: Make, services: Services, site: str, visit: Visit
) -> None:
    account = await make.account()
    page = await visit(language="fr", theme="light", width=1280, scripts=False)
    await enter(services, page, site, account.owner_id, language="fr", theme="light")
    home = f"{site}{account.app}"
    await page.goto(f"{home}/brand")
    await page.get_by_label("Couleur du texte").fill("#999999")
    await page.get_by_role("button", name="Enregistrer").click()
    assert await page.get_by_text("#999999 sur #f3f4f6 a un contraste de 2,5 pour 1").count() > 0
    await page.get_by_label("Couleur du texte").fill("#33001a")
    await page.get_by_label("Couleur des boutons et des bandeaux").fill("#7a1f1f")
    await page.get_by_label("Police des titres").select_option("georgia")
    await page.get_by_role("button", name="Enregistrer").click()
    await page.goto(f"{home}/designs/new")
    await page.get_by_label("Nom du modèle").fill("Rencontre de juin")
    await page.get_by_label("Événement").check()
    await page.get_by_role("button", name="Créer ce modèle").click()
    assert "/edit" in page.url
    await page.goto(f"{home}/designs/files/new")
    data = packed({"index.html": HTML, "images/pain chaud.jpg": photograph()})
    await page.get_by_label("Fichier", exact=True).set_input_files(
        {"name": "Promotion.zip", "mimeType": "application/zip", "buffer": io.BytesIO(data).getvalue()}
    )
    await page.get_by_role("button", name="Importer").click()
    assert await page.get_by_text("Ligne 8 : une image invisible de track.example a été retirée").count() == 1
    await picture(page, "designs-imported")
    await thumbnails.draw_designs(services, Task(account.id, thumbnail_queue.JOB, 0, 0, 0))
    await page.goto(f"{home}/designs")
    for name in ("Rencontre de juin", "Promotion"):
        shown = page.get_by_role("img", name=name)
        assert await shown.count() == 1
    await page.get_by_role("button", name="Utiliser Rencontre de juin").click()
    begun = page.url.replace("/setup", "/content?start")
    # axe is a script
    page = await visit(language="fr", theme="light", width=1280)
    await enter(services, page, site, account.owner_id, language="fr", theme="light")
    for name, address in (
        ("designs-gallery", f"{home}/designs"), ("designs-table", f"{home}/designs?view=table"),
        ("designs-new", f"{home}/designs/new"), ("brand-kit", f"{home}/brand"), ("campaign-start", begun),
    ):  # fmt: skip
        await page.goto(address)
        await look(page, name)
