"""The library of images in Chromium: added, described, cut by drawing, put in place, inserted; without script."""

import io
from pathlib import Path

import pytest
from PIL import Image as Picture
from playwright.async_api import expect

from mailer.core.services import Services
from sending import campaigns, image_library
from sending.image_library import Looking
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, look, site
from tests.make import Account, Make

pytestmark = pytest.mark.browser
__all__ = ["site"]


def photograph(folder: Path, name: str, width: int) -> Path:
    out = io.BytesIO()
    image = Picture.new("RGB", (width, width // 2), (60, 110, 160))
    image.paste((200, 120, 40), (width // 2, 0, width, width // 2))
    image.save(out, "JPEG")
    path = folder / name
    path.write_bytes(out.getvalue())
    return path


async def _drafts(services: Services, account: Account, source: str) -> tuple[int, int]:
    """A draft in code and a letter with an empty image."""
    async with services.db.account(account.id) as tx:
        code = await campaigns.create(tx, campaigns.NewCampaign(name="Fournée"))
        await campaigns.write_content(tx, code.id, "mjml", f"<mjml><mj-body>{source}</mj-body></mjml>")
        letter = await campaigns.create(tx, campaigns.NewCampaign(name="Lettre"))
        empty = '{"blocks":[{"kind":"image","src":"","alt":""}],"footer":true}'
        await campaigns.write_content(tx, letter.id, "letter", empty)
    return code.id, letter.id


@pytest.mark.req("F-01", "F-05")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_images_from_the_upload_to_the_mail(
    services: Services,
    make: Make,
    site: str,
    visit: Visit,
    tmp_path: Path,
    language: str,
    theme: str,
    width: int,
) -> None:
    account = await make.account()
    page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await enter(services, page, site, account.owner_id, language=language, theme=theme)
    mark, app = f"{language}-{theme}-{width}", site + account.app
    await page.goto(f"{app}/media/new")
    await page.set_input_files("#file", [photograph(tmp_path, f"{n}.jpg", 1600) for n in "ab"])
    await look(page, f"images-new-{mark}")
    await page.click("main form button.btn-primary")
    await page.wait_for_url("**/media/descriptions")
    for field in await page.query_selector_all("input[name^=alt-]"):
        await field.fill("Deux pains sur une planche")
    await look(page, f"images-words-{mark}")
    await page.click("main form button.btn-primary")
    await page.wait_for_url("**/media")
    await look(page, f"images-{mark}")
    async with services.db.account(account.id) as tx:
        one, other = await image_library.many(tx, Looking())
    assert {one.alt, other.alt} == {"Deux pains sur une planche"}
    assert (one.width, one.shown_width) == (1200, 600)

    code, letter = await _drafts(services, account, f'<mj-image src="{site}/t/img/{one.name}" alt="x" />')
    # the right half, drawn with the mouse
    await page.goto(f"{app}/media/{one.id}/cuts")
    box = await page.locator("[data-crop-view] img").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 1)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] + 5, box["y"] + box["height"] + 5)
    await page.mouse.up()
    assert abs(int(await page.input_value("#left")) - 600) < 8
    await page.fill("#shown", "280")
    await look(page, f"images-cut-{mark}")
    await page.click("main form button.btn-primary")
    await page.wait_for_url("**of=*")
    await look(page, f"images-made-{mark}")
    await page.click("main .callout a")
    await look(page, f"images-replace-{mark}")
    await page.click("main form[method=post] button.btn-primary")
    await page.wait_for_url(f"**/media/{one.id}")
    async with services.db.account(account.id) as tx:
        made = (await image_library.many(tx, Looking()))[0]
        assert made.name in (await campaigns.show(tx, code)).source
    assert (made.width, made.shown_width) == (560, 280)
    await page.goto(f"{app}/media/{made.id}/deletion")
    await look(page, f"images-delete-{mark}")

    await page.goto(f"{app}/campaigns/{code}/content")
    await page.click("details[data-images] summary")
    await page.fill("[data-images-words]", "planche")
    await expect(page.locator("[data-images-list] button")).to_have_count(3)
    await look(page, f"images-code-{mark}")
    await page.click("[data-images-list] li:last-child button")
    inserted = await page.input_value("#source")
    assert 'alt="Deux pains sur une planche" width="600px" />' in inserted

    await page.goto(f"{app}/campaigns/{letter}/content")
    await page.click("button[value=image-0]")
    await page.wait_for_url("**/media/choice**")
    await look(page, f"images-choice-{mark}")
    await page.click("ul.images li:first-child button")
    await page.wait_for_url("**/content#b0")
    assert await page.input_value("#b0-alt") == "Deux pains sur une planche"
    await look(page, f"images-letter-{mark}")


@pytest.mark.req("F-05")
async def test_without_script_an_image_is_added_cut_and_chosen(
    services: Services, make: Make, site: str, visit: Visit, tmp_path: Path
) -> None:
    account = await make.account()
    page = await visit(scripts=False)
    await enter(services, page, site, account.owner_id, language="fr", theme="light")
    app = site + account.app
    await page.goto(f"{app}/media/new")
    await page.set_input_files("#file", photograph(tmp_path, "a.jpg", 1000))
    await page.fill("#alt", "Un pain")
    await page.click("main form button.btn-primary")
    await page.wait_for_url("**/media")
    async with services.db.account(account.id) as tx:
        (image,) = await image_library.many(tx, Looking())
    await page.goto(f"{app}/media/{image.id}/cuts")
    await page.check("input[name=shape][value='1:1']")
    await page.fill("#shown", "120")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**of=*")
    _, letter = await _drafts(services, account, "")
    await page.goto(f"{app}/campaigns/{letter}/content")
    await page.click("button[value=image-0]")
    await page.click("ul.images li:first-child button")
    await page.wait_for_url("**/content#b0")
    assert await page.input_value("#b0-width") == "120"
    async with services.db.account(account.id) as tx:
        made = (await image_library.many(tx, Looking()))[0]
        assert (made.width, made.height) == (240, 240)
        assert made.name in (await campaigns.show(tx, letter)).source
