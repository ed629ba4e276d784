"""The report of a campaign that is being sent moves by itself, in a real browser, and stops when it is over."""

import re

import pytest

from lists import segments
from lists.segment_tree import Tree
from mailer.core.services import Services
from mailer.web.request import check
from tests.ab.test_ab_report import campaign, people, post, sink
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, site
from tests.browser.visitor import PICTURES, assert_accessible, assert_fits, assert_quiet, picture
from tests.browser.walker import words
from tests.campaigns.conftest import ready
from tests.delivery.conftest import Post
from tests.make import Account, Make
from tests.reports.test_account_reports import many
from tests.reports.test_click_map import Build, left
from tests.reports.test_live import deliver, sending
from tests.reports.test_segment_figures import FRENCH
from tracking import pages_live

pytestmark = pytest.mark.browser
__all__ = ["campaign", "people", "post", "ready", "sink", "site"]
# what is written on canvases
WRITTEN = """
window.written = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
  window.written.push(text);
  return fillText.call(this, text, ...rest);
};
"""


@pytest.mark.req("F-06", "A-011")
async def test_the_report_of_a_running_campaign_moves(
    services: Services, make: Make, site: str, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages_live, "AFTER_SECONDS", 1)
    account = await make.account(language="fr")
    campaign_id = await sending(services, make, account)
    page = await visit()
    await enter(services, page, site, account.owner_id, language="fr", theme="light")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{site}{account.app}/campaigns/{campaign_id}/report")
    await page.get_by_text(words("22 messages sur 30 sont partis", whole=False)).wait_for()
    # a detail that somebody opened stays open, and the keyboard stays where it is
    await page.get_by_role("link", name="Comment c’est compté").first.focus()
    await deliver(services, account, campaign_id)
    await page.get_by_text(words("23 messages sur 30 sont partis", whole=False)).wait_for()
    assert await page.evaluate("document.activeElement.textContent") == "Comment c’est compté"
    await left_late(services, account, campaign_id, 1)
    row = page.get_by_role("row").filter(has_text="Désabonnements").first
    await row.get_by_text("3", exact=True).wait_for()
    await assert_accessible(page)
    await assert_fits(page)
    async with services.db.account(account.id) as tx:
        await tx.run(
            "UPDATE campaigns SET status = 'sent', finished_at = now() WHERE account_id = $1 AND id = $2",
            campaign_id,
        )
    # one stream, which ended by its own word: nobody comes back, and the page asks by itself from now on
    await page.locator('#figures > [hx-trigger="every 1s"]').wait_for(state="attached")
    await page.wait_for_timeout(4000)
    assert len([url for url in asked if url.endswith("/report/events")]) == 1
    await left_late(services, account, campaign_id, 2)
    await row.get_by_text("4", exact=True).wait_for()
    assert await page.evaluate("document.activeElement.textContent") == "Comment c’est compté"
    await assert_accessible(page)
    assert_quiet(page)
    await picture(page, "report-live-fr")
    # for a day
    async with services.db.account(account.id) as tx:
        await tx.run(
            """
            UPDATE campaigns SET finished_at = now() - interval '25 hours'
            WHERE account_id = $1 AND id = $2
            """,
            campaign_id,
        )
    await page.locator("#figures > [hx-trigger]").wait_for(state="detached")
    asked.clear()
    await page.wait_for_timeout(2500)
    # the chart may ask a last time
    assert len(asked) <= 1


async def left_late(services: Services, account: Account, campaign_id: int, n: int) -> None:
    """One more unsubscribes, the n-th from the end."""
    async with services.db.account(account.id) as tx:
        await tx.run(
            """
            INSERT INTO events (account_id, id, at, campaign_id, contact_id, kind, verdict)
            SELECT $1, 'left-late-' || contact_id, now(), $2, contact_id, 'unsubscribe', 'person'
            FROM deliveries
            WHERE account_id = $1 AND campaign_id = $2
            ORDER BY contact_id DESC
            LIMIT 1 OFFSET $3::int - 1
            """,
            campaign_id,
            n,
        )


@pytest.mark.req("F-01", "F-06")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_the_click_map_and_the_pages_beside_the_report(
    services: Services, make: Make, site: str, visit: Visit, ready: Build, language: str, theme, width: int
) -> None:
    found = await left(ready, services, make)
    page = await visit(language=language, theme=theme, width=width)
    await page.add_init_script(WRITTEN)
    await enter(services, page, site, found.account.owner_id, language=language, theme=theme)
    await page.goto(f"{site}{found.page}/report")
    frame = page.locator("iframe.click-map")
    await frame.scroll_into_view_if_needed()
    await page.frame_locator("iframe.click-map").get_by_text("1 · 1").wait_for()
    await assert_accessible(page)
    await assert_fits(page)
    # a frame is blank in the picture of a whole page
    await frame.screenshot(path=PICTURES / f"click-map-{language}-{width}.png")
    home = f"{site}{found.account.app}"
    async with services.db.account(found.account.id) as tx:
        await many(tx, make, 6)
        tree = check(Tree, {"match": "all", "rules": [FRENCH]})
        segment = segments.NewSegment(name="Tous", tree=tree)
        segment_id = (await segments.create(tx, segment)).id
    for path in (
        f"{site}{found.page}/report/segments?segment_id={segment_id}",
        f"{home}/reports",
        f"{home}/lists/{found.list_id}/health",
    ):
        await page.goto(path)
        await page.wait_for_load_state("networkidle")
        await assert_accessible(page)
        await assert_fits(page)
        name = path.partition("?")[0].rpartition("/")[2]
        await picture(page, f"{name}-{language}-{width}")
    # the charts of the list's health: people are whole, and names leave room to what they name
    written = await page.evaluate("window.written")
    assert {"0", "1", "3"} <= set(written)
    assert [text for text in written if re.fullmatch(r"\d+[.,]\d+", text)] == []
    for share in await page.locator(".u-over").evaluate_all(
        "all => all.map(one => one.clientWidth / one.closest('.chart-canvas').clientWidth)"
    ):
        assert share > 0.5
    assert_quiet(page)


@pytest.mark.req("F-06")
async def test_on_paper_the_report_has_its_tables_and_says_who_printed_it(
    services: Services, make: Make, site: str, visit: Visit, ready: Build
) -> None:
    found = await left(ready, services, make)
    page = await visit()
    await enter(services, page, site, found.account.owner_id, language="fr", theme="dark")
    await page.goto(f"{site}{found.page}/report")
    assert await page.get_by_role("button", name="Imprimer").is_visible()
    assert not await page.get_by_text(words("Imprimé par", whole=False)).is_visible()
    await page.emulate_media(media="print")
    assert await page.get_by_text(words("Imprimé par", whole=False)).is_visible()
    for hidden in (".sidebar", ".app-header", "iframe.click-map", ".chart-canvas", ".app-footer"):
        assert not await page.locator(hidden).first.is_visible(), hidden
    for title in ("Bilan de l’envoi", "Taux", "Clics par lien", "Par fournisseur"):
        assert await page.get_by_role("heading", name=title).is_visible()
    # the data of the chart is there without its button
    assert await page.locator("figure.chart table").first.is_visible()
    await picture(page, "report-print-fr")


@pytest.mark.req("F-01", "F-06", "A-011")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), ("fr", "dark", 320), pytest.param("en", "light", 320, marks=pytest.mark.long)],
)
async def test_each_content_of_an_ab_test_has_its_own_map(
    post: Post, campaign: int, site: str, visit: Visit, language: str, theme, width: int
) -> None:
    page = await visit(language=language, theme=theme, width=width)
    await enter(post.services, page, site, post.account.owner_id, language=language, theme=theme)
    await page.goto(f"{site}{post.account.app}/campaigns/{campaign}/report")
    mail = page.frame_locator("iframe.click-map")
    await page.locator("iframe.click-map").scroll_into_view_if_needed()
    await mail.get_by_text("1 · 11").wait_for()
    variant = "Variante" if language == "fr" else "Variant"
    assert await page.get_by_role("link", name=f"{variant} A").get_attribute("aria-current") == "page"
    await page.get_by_role("link", name=f"{variant} B").focus()
    await page.keyboard.press("Enter")
    await mail.get_by_text("1 · 10").wait_for()
    assert await mail.get_by_text("Au four").is_visible()
    assert await page.get_by_role("link", name=f"{variant} B").get_attribute("aria-current") == "page"
    await assert_accessible(page)
    await assert_fits(page)
    assert_quiet(page)
    await page.locator("section", has=page.locator("#click-map")).screenshot(
        path=PICTURES / f"click-map-variants-{language}-{width}.png"
    )
    await picture(page, f"report-variants-{language}-{width}")
