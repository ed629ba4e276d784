"""A whole mail made in the visual editor, by mouse and by keyboard alone, sent by the engine and read as it arrived."""

import io
import re
from email.message import EmailMessage

import pytest
from aiohttp import ClientSession
from PIL import Image as Picture
from playwright.async_api import Locator, Page, expect

from mailer.core.services import Services
from sending import campaigns, images, sends, visual_blocks
from sending.images import Words
from sending.sends import Order
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import site
from tests.browser.test_contacts_in_browser import signed_in
from tests.browser.test_visual_editor import drawn
from tests.browser.visitor import assert_accessible, assert_quiet, picture
from tests.delivery.conftest import People, Post, people, post, sink

__all__ = ["people", "post", "sink", "site"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ALT = "Un pain de seigle sur une planche"
FIELD = '{{ contact.first_name | default("") }}'


async def begun(post: Post, people: People, *, tracked: bool) -> int:
    """A campaign with its people, sender and subject, and nothing in it yet; an image in the library."""
    campaign = await post.campaign([await people("ana@people.test", tracked=tracked)])
    out = io.BytesIO()
    Picture.new("RGB", (1200, 600), (200, 120, 40)).save(out, "PNG")
    stored = await images.store(post.services.db, post.account.id, await images.clean(out.getvalue()))
    async with post.tx() as tx:
        await images.add(tx, stored, Words(alt=ALT, label="Pain"))
        await tx.run(
            """
            UPDATE campaigns
            SET status = 'draft', subject = 'Le pain de la semaine', content_kind = 'none', source = ''
            WHERE account_id = $1 AND id = $2
            """,
            campaign,
        )
        await tx.run("UPDATE contacts SET first_name = 'Ana' WHERE account_id = $1")
        await tx.run("DELETE FROM work WHERE account_id = $1 AND ref_id = $2", campaign)
    return campaign


async def arrived(post: Post, campaign: int) -> EmailMessage:
    """What the one recipient's mail server was handed, after the checks that every send meets."""
    async with post.tx() as tx:
        await sends.schedule(tx, post.services, campaign, Order())
    await post.run()
    [mail] = post.sink.to("ana@people.test")
    return mail.message


def part(mail: EmailMessage, kind: str) -> str:
    [found] = [one for one in mail.walk() if one.get_content_type() == f"text/{kind}"]
    return str(found.get_content())


def links_of(html: str) -> dict[str, str]:
    """Words of a link → its address."""
    found = re.findall(r'<a\b[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', html, re.S)
    return {re.sub(r"<[^>]*>", "", words).strip(): address for address, words in found}


async def leads_to(http: ClientSession, address: str) -> str:
    """Where a measured link sends whoever presses it."""
    assert "/t/c/" in address
    async with http.get(address, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def saved(page: Page) -> None:
    await expect(page.locator("[data-autosave-state]")).to_contain_text("Enregistré à")


async def told_nothing_else(page: Page) -> None:
    """The one finding is true: a few words stand beside an image."""
    await expect(page.locator("[data-problems] li")).to_have_count(1)
    await expect(page.locator("[data-problems] li")).to_contain_text("Le message tient dans ses images")


# Pictures and names of the library stand each in their place, none over the next.
SPILT = """() => [...document.querySelectorAll("[data-images-list] :is(img, button)")].filter((one) => {
  const [own, place] = [one, one.closest("li")].map((each) => each.getBoundingClientRect());
  return own.right > place.right + 1 || own.bottom > place.bottom + 1;
}).map((one) => one.outerHTML)"""


class Mouse:
    """It presses what is in view, and pulls from one place to another as a hand does."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def middle(self, what: Locator, down: float = 0.5) -> tuple[float, float]:
        box = await what.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] * down

    async def press(self, what: Locator) -> None:
        await what.scroll_into_view_if_needed()
        await self.page.mouse.click(*await self.middle(what))

    async def pull(self, what: Locator, to: Locator, down: float = 0.5) -> None:
        """`down`: how far down `to` it is let go."""
        await what.scroll_into_view_if_needed()
        await to.scroll_into_view_if_needed()
        await self.page.mouse.move(*await self.middle(what))
        await self.page.mouse.down()
        await self.page.mouse.move(*await self.middle(to, down), steps=4)
        await self.page.mouse.up()


async def write(page: Page, words: str) -> None:
    """Over what stands in the field that has the focus."""
    await page.keyboard.press("Control+A")
    await page.keyboard.type(words)


async def order(page: Page) -> list[str]:
    """Names and first words of the structure, the footer left out."""
    found = await page.locator("[data-structure] [data-do=choose]").all_inner_texts()
    return found[: len(found) - 4]


@pytest.mark.req("F-10", "F-04")
async def test_a_mail_put_together_by_mouse_arrives_as_it_was_made(
    services: Services, site: str, post: Post, people: People, visit: Visit, http: ClientSession
) -> None:
    campaign = await begun(post, people, tracked=True)
    page = await visit()
    await signed_in(services, post.account, page, site, "fr")
    await page.goto(f"{site}{post.account.app}/campaigns/{campaign}/content")
    hand = Mouse(page)
    await hand.press(page.get_by_role("button", name="Page vide dans l’éditeur visuel"))
    await page.wait_for_url("**/content/visual")
    sketch = await drawn(page)
    texts, columns = sketch.locator("[data-gjs-type=mj-text]"), sketch.locator("[data-gjs-type=mj-column]")
    properties, said = page.locator("[data-properties]"), page.locator("[data-said]")

    gap = sketch.locator(".mailer-gap")
    await expect(gap).to_have_text(re.compile("^Charte graphique, à compléter.: ligne du pied de page$"))
    # a text with a merge field
    await hand.press(texts.nth(1))
    await hand.press(properties.get_by_role("textbox", name="Texte", exact=True))
    await write(page, "Bonjour ")
    await properties.locator("#p-content-pick").select_option(FIELD)
    # a heading, pulled under it
    await hand.pull(page.locator("[data-block=heading]"), texts.nth(1), 0.9)
    await expect(said).to_have_text("« Texte » ajouté.")
    await hand.press(properties.get_by_role("textbox", name="Texte", exact=True))
    await write(page, "Le seigle")
    # two columns under both; an image of the library in one, a button in the other
    await hand.pull(page.locator("[data-block=two]"), texts.nth(2), 0.9)
    await expect(columns).to_have_count(4)
    await hand.pull(page.locator("[data-block=image]"), columns.nth(1))
    bread = page.get_by_role("dialog").get_by_role("button", name="Pain")
    await bread.wait_for()
    assert await page.evaluate(SPILT) == []
    await hand.press(bread)
    await expect(properties.get_by_label("Description de l’image")).to_have_value(ALT)
    # what asks for nothing any more is not marked as a fault
    await expect(properties.locator(".field:has(#p-src)")).to_have_css("border-left-width", "0px")
    await hand.pull(page.locator("[data-block=button]"), columns.nth(2))
    await hand.press(properties.get_by_role("textbox", name="Texte", exact=True))
    await write(page, "Voir le pain")
    await hand.press(properties.get_by_label("Adresse qu’il ouvre", exact=True))
    await write(page, "https://pain.test/seigle?a=1&b=2")
    made = await order(page)
    greeting = f"Texte Bonjour {FIELD}"
    assert made == [
        "Message", "Section", "Colonne", "Texte Un titre", greeting, "Texte Le seigle",
        "Section", "Colonne", f"Image {ALT}", "Colonne", "Bouton Voir le pain",
    ]  # fmt: skip
    # the heading over the text, back, and there again
    await hand.pull(texts.nth(2), texts.nth(1), 0.1)
    await expect(said).to_have_text("« Texte » déplacé : numéro 2 sur 3 dans « Colonne ».")
    moved = await order(page)
    assert moved[3:6] == ["Texte Un titre", "Texte Le seigle", greeting]
    await hand.press(page.get_by_role("button", name="Défaire"))
    assert await order(page) == made
    await hand.press(page.get_by_role("button", name="Refaire"))
    assert await order(page) == moved
    await saved(page)
    await told_nothing_else(page)
    await assert_accessible(page)
    assert_quiet(page)
    await picture(page, "visual-editor-mouse")
    await hand.press(page.get_by_role("button", name="Continuer"))
    await page.wait_for_url("**/checks")

    mail = await arrived(post, campaign)
    html, text = part(mail, "html"), part(mail, "plain")
    assert html.index("Le seigle</h2>") < html.index("Bonjour Ana")
    assert text.index("Le seigle") < text.index("Bonjour Ana")
    await _image(post, html)
    links = links_of(html)
    assert await leads_to(http, links["Voir le pain"]) == "https://pain.test/seigle?a=1&b=2"
    assert "{{" not in html + text
    _can_be_left(mail, links, text)


async def _image(post: Post, html: str) -> None:
    async with post.tx() as tx:
        name = await tx.value("SELECT name FROM images WHERE account_id = $1")
    [image] = re.findall(r"<img\b[^>]*/t/img/[^>]*>", html)
    assert f'src="{post.services.settings.track_url}/t/img/{name}"' in image
    assert f'alt="{ALT}"' in image


def _can_be_left(mail: EmailMessage, links: dict[str, str], text: str) -> None:
    """In both parts and by the button of the mail program (RFC 8058)."""
    assert "/t/unsubscribe/" in links["Me désabonner"]
    assert "/t/unsubscribe/" in text
    assert "/t/unsubscribe/" in mail["List-Unsubscribe"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


# What stands at each stop of Tab: its focus is seen, no part of it hides all of it (WCAG 2.4.7, 2.4.11).
STOP = """async () => {
  const at = document.activeElement;
  if (at === document.body) return "";
  if (at.localName === "iframe") {
    await new Promise((done) => setTimeout(done, 50));
    const ringed = at.closest(".visual-canvas") ?? at;
    return getComputedStyle(ringed).outlineStyle === "solid" ? "" : `no focus: ${at.title}`;
  }
  const box = at.getBoundingClientRect();
  const look = getComputedStyle(at);
  const ringed = look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0;
  if (!at.matches(":focus-visible") || !(ringed || look.boxShadow !== "none")) return `no focus: ${at.outerHTML}`;
  const points = [0.1, 0.5, 0.9].flatMap((x) => [0.1, 0.5, 0.9].map((y) => [box.left + box.width * x, box.top + box.height * y]));
  const seen = points.some(([x, y]) => at.contains(document.elementFromPoint(x, y)));
  return seen ? "" : `hidden: ${at.outerHTML}`;
}"""
# Each target of the editor is 24 × 24 px at least (WCAG 2.5.8); a link in a sentence may be less.
SMALL = """() => [...document.querySelectorAll("[data-visual-page] :is(button, select, input, [contenteditable=true])")]
  .filter((one) => one.checkVisibility() && one.type !== "hidden")
  .filter((one) => { const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
  .filter((one) => one.type !== "checkbox")
  .map((one) => one.outerHTML)"""
# Whether what is sought stands before the focus in the page.
BEFORE = (
    "one => Boolean(document.activeElement.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING)"
)


class Keys:
    """Nothing but keys: Tab to what is sought, and each stop on the way is looked at."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def reach(self, what: Locator) -> None:
        await what.wait_for()
        key = "Shift+Tab" if await what.evaluate(BEFORE) else "Tab"
        for _ in range(80):
            if await what.evaluate("one => one === document.activeElement"):
                return
            await self.page.keyboard.press(key)
            assert await self.page.evaluate(STOP) == ""
        raise AssertionError(f"Tab does not lead to {what}")

    async def press(self, what: Locator) -> None:
        await self.reach(what)
        await self.page.keyboard.press("Enter")

    async def write(self, what: Locator, words: str) -> None:
        await self.reach(what)
        await write(self.page, words)


@pytest.mark.req("D-46", "F-03", "F-10", "F-04")
async def test_a_mail_put_together_by_keyboard_alone_arrives_as_it_was_made(
    services: Services, site: str, post: Post, people: People, visit: Visit
) -> None:
    campaign = await begun(post, people, tracked=False)
    page = await visit()
    await signed_in(services, post.account, page, site, "fr")
    async with post.tx() as tx:
        await campaigns.write_content(tx, campaign, "mjml", visual_blocks.blank("fr"))
    await page.goto(f"{site}{post.account.app}/campaigns/{campaign}/content/visual")
    await drawn(page)
    keys = Keys(page)
    properties, structure = page.locator("[data-properties]"), page.locator("[data-structure]")
    content = properties.get_by_role("textbox", name="Texte", exact=True)
    chosen = structure.locator("[aria-pressed=true] ~ [data-actions]")

    await keys.press(structure.get_by_role("button", name=re.compile("^Texte [ÉE]crivez|^Texte Write")))
    await keys.press(chosen.locator("[data-do=properties]"))
    await expect(content).to_be_focused()
    await write(page, "Bonjour ")
    await keys.reach(properties.locator("#p-content-pick"))
    await page.keyboard.type("Prénom")
    await expect(properties.locator(".chip")).to_have_text(FIELD)
    # two columns, an image in one and a button in the other
    await keys.press(page.locator("[data-block=two]"))
    await keys.press(structure.get_by_role("button", name="Colonne", exact=True).nth(1))
    await keys.press(page.locator("[data-block=image]"))
    await keys.press(page.get_by_role("dialog").get_by_role("button", name="Pain"))
    await keys.press(structure.get_by_role("button", name="Colonne", exact=True).nth(2))
    await keys.press(page.locator("[data-block=button]"))
    # what it lacks is told, and leads back to it
    await keys.press(page.locator("[data-problems]").get_by_role("button", name=re.compile("^Bouton")))
    await keys.press(chosen.locator("[data-do=properties]"))
    await write(page, "Voir le pain")
    await keys.write(properties.get_by_label("Adresse qu’il ouvre", exact=True), "https://pain.test/seigle")
    assert await page.evaluate(SMALL) == []
    made = await order(page)
    # the section with both over the first, back, and there again
    await keys.press(structure.get_by_role("button", name="Section", exact=True).nth(1))
    await keys.press(chosen.locator("[data-do=up]"))
    moved = await order(page)
    assert moved.index("Bouton Voir le pain") < moved.index("Texte Un titre")
    await page.keyboard.press("Control+z")
    assert await order(page) == made
    await page.keyboard.press("Control+y")
    assert await order(page) == moved
    await saved(page)
    await told_nothing_else(page)
    assert_quiet(page)
    await keys.press(page.get_by_role("button", name="Continuer"))
    await page.wait_for_url("**/checks")

    mail = await arrived(post, campaign)
    html, text = part(mail, "html"), part(mail, "plain")
    assert html.index("Voir le pain") < html.index("Bonjour Ana")
    await _image(post, html)
    assert links_of(html)["Voir le pain"] == "https://pain.test/seigle"
    assert "https://pain.test/seigle" in text
    _can_be_left(mail, links_of(html), text)
