"""The visual editor in Chromium: it loses nothing of a mail, and works in a narrow page."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import FrameLocator, Locator, Page

from mailer.core.services import Services
from sending import campaigns, content
from tests.browser import mails
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import site
from tests.browser.test_contacts_in_browser import signed_in
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.delivery.conftest import People, Post, people, post, sink

__all__ = ["people", "post", "sink", "site"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TOUR = (Path(__file__).parent / "visual_tour.js").read_text().partition("\n// (source")[2].partition("\n")[2]
SOURCE = "textarea[name=source]"


async def draft(post: Post, people: People, source: str = "") -> int:
    """With that source, or none."""
    campaign = await post.campaign([await people("ana@people.test")])
    async with post.tx() as tx:
        await tx.run("UPDATE campaigns SET status = 'draft' WHERE account_id = $1 AND id = $2", campaign)
        await campaigns.write_content(tx, campaign, "mjml", source or mails.mail("", ""))
    return campaign


async def opened(page: Page, address: str) -> FrameLocator:
    """The sketch, once it is drawn."""
    await page.goto(address)
    return await drawn(page)


async def drawn(page: Page) -> FrameLocator:
    await page.locator("[data-canvas][data-ready]").wait_for()
    return page.frame_locator("iframe.gjs-frame")


def packed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def compiled(source: str) -> str:
    """The HTML that the server makes of it, white space left out."""
    icons = "https://mail.example/static/social/"
    made = content.compile_mjml(source, icon_origin=icons, fields=frozenset({"interests"}))
    assert not isinstance(made, list), made
    return packed(made.html)


def everything() -> str:
    """All components in one mail."""
    column = "\n".join(mails.IN_COLUMN.values())
    return mails.mail(
        "\n".join(mails.IN_BODY.values()) + f"<mj-section><mj-column>{column}</mj-column></mj-section>"
    )


@pytest.mark.parametrize("by_chance", [8, pytest.param(60, marks=pytest.mark.long)])
async def test_a_mail_that_is_opened_written_in_and_moved_about_stays_what_it_was(
    services: Services, site: str, post: Post, people: People, visit: Visit, by_chance: int
) -> None:
    campaign = await draft(post, people)
    page = await visit()
    await signed_in(services, post.account, page, site, "fr")
    await opened(page, f"{site}{post.account.app}/campaigns/{campaign}/content/visual")
    written = mails.by_component() | {f"seed {seed}": mails.by_chance(seed) for seed in range(by_chance)}
    for name, source in [("everything", everything()), *written.items()]:
        after = await page.evaluate(TOUR, [source, name == "everything"])
        assert after["opened"] == source, name
        assert after["read"] == source, f"{name}: the sketch changed it"
        assert packed(after["written"]) == packed(source), f"{name}: writing in it changed it"
        assert packed(after["moved"]) == packed(source), f"{name}: moving changed it"
        made = compiled(source)
        assert {compiled(after[step]) for step in ("written", "moved")} == {made}, name
    assert_quiet(page)


async def press(page: Page, control: Locator) -> None:
    await control.focus()
    await page.keyboard.press("Enter")


@pytest.mark.req("F-04")
async def test_a_narrow_page_has_the_structure_and_one_without_a_script_the_way_to_the_code(
    services: Services, site: str, post: Post, people: People, visit: Visit
) -> None:
    campaign = await draft(post, people, everything())
    address = f"{site}{post.account.app}/campaigns/{campaign}/content/visual"
    page = await visit(theme="dark", width=320)
    await signed_in(services, post.account, page, site, "fr")
    await page.goto(address)
    await page.get_by_text("demande une fenêtre de 992 pixels").wait_for()
    structure = page.locator("[data-structure]")
    await press(page, structure.get_by_role("button", name=re.compile("^Texte Bonjour")).first)
    await press(page, structure.get_by_role("button", name=re.compile("^Descendre")))
    await page.get_by_text("« Texte » déplacé").wait_for()
    assert await page.locator("iframe.gjs-frame").count() == 0
    await assert_accessible(page)
    await assert_fits(page)
    assert_quiet(page)
    await picture(page, "visual-editor-narrow")
    plain = await visit(language="fr", scripts=False)
    await plain.context.add_cookies(await page.context.cookies())
    await plain.goto(address)
    await asyncio.gather(
        plain.get_by_role("link", name="L’éditeur de code fonctionne sans.").wait_for(),
        plain.locator("[data-visual-page]").wait_for(state="hidden"),
    )
