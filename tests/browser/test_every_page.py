"""Every page with the demonstration's data: both languages, both themes, wide and narrow; axe finds nothing."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from mailer.core.settings import RUN_FILE
from mailer.demo import OWNER
from tests.browser.conftest import Visit
from tests.browser.product import Product
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.feedback.conftest import connected
from tests.feedback.returned import LETTER
from tests.importing import files

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]
# variants of S20: the two that differ most
# the other one is in the tests of each page, and here with the long ones
VARIANTS = [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)]
# not pages to look at: they end the session, or are files
LEAVE_OUT = re.compile(
    r"/(sign-out|download|file|rejects|raw|source)\b|\.(csv|json|ndjson|html|txt|md)$|/events$|openapi\.json|/me/data"
)
MOST_PAGES = 150


async def sign_in(page: Page, link: str) -> None:
    await page.goto(link)
    await page.locator("main form button").first.click()
    await page.wait_for_url(lambda address: "/sign-in-link/" not in address)


def _shape(path: str) -> str:
    """Pages of one kind: numbers and tokens left out."""
    return re.sub(r"[A-Za-z0-9_-]{24,}", "…", re.sub(r"\d+", "0", path))


async def _links(page: Page, base: str) -> list[str]:
    found = await page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    return [urlsplit(link)._replace(fragment="").geturl() for link in found if link.startswith(base)]


async def leave_things_half_done(page: Page, home: str) -> None:
    """A campaign and an import that wait for their next step, a form, a segment and a tag: pages to look at."""
    await page.goto(f"{home}/campaigns")
    await page.locator("form[action$='/copies'] button").first.press("Enter")
    await page.wait_for_url(re.compile(r"/campaigns/\d+/setup"))
    await page.goto(f"{home}/senders/servers/new")
    await page.locator("#host").fill("localhost")
    await page.locator("main .btn-primary").first.press("Enter")
    await page.wait_for_url(re.compile(r"/senders/servers(/\d+)?$"))
    await page.goto(f"{home}/segments/new")
    await page.locator("#name").fill("Fidèles")
    await page.locator("main .btn-primary").first.press("Enter")
    await page.wait_for_url(re.compile(r"/segments/\d+$"))
    await page.goto(f"{home}/tags")
    await page.locator("#name").fill("Presse")
    await page.locator("main .btn-primary").first.press("Enter")
    await page.get_by_role("link", name="Presse", exact=True).wait_for()
    for address in ("zoe.martin@gmail.com", "zoemartin+lettre@gmail.com"):
        await page.goto(f"{home}/contacts/new")
        await page.fill("#email", address)
        await page.locator("main .btn-primary").first.press("Enter")
        await page.wait_for_load_state()
    await page.goto(f"{home}/fields")
    await page.fill("#label", f"Formule {await page.locator('main tbody tr').count()}")
    await page.select_option("#type", "choices")
    await page.fill("#options", "Découverte\nFamille")
    await page.locator("main .btn-primary").first.press("Enter")
    await page.wait_for_load_state()
    # found by the worker before the pages are walked to
    await page.goto(f"{home}/contacts/duplicates")
    await page.locator("a[href*='/merges?']").first.wait_for(timeout=30_000)
    await page.goto(f"{home}/imports/new")
    await page.locator("#file").set_input_files(
        {"name": "suite.csv", "mimeType": "text/csv", "buffer": files.people("ana@exemple.test")}
    )
    await page.locator("main .btn-primary").first.press("Enter")
    await page.wait_for_url(re.compile(r"/imports/\d+/mapping"))
    await page.locator("main .btn-primary").first.press("Enter")
    await page.wait_for_url(re.compile(r"/imports/\d+/options"))
    # a webhook that reaches nobody, and its log once the worker has tried
    await page.goto(f"{home}/integrations/webhooks/new")
    await page.locator("#url").fill("http://127.0.0.1:9/hooks")
    await page.locator("input[value='campaign.sent']").check()
    await page.locator("main .btn-primary").first.press("Enter")
    await page.locator("main a.btn-primary").press("Enter")
    await page.locator("form[action$='/tests'] button").press("Enter")
    await page.wait_for_load_state()
    await page.goto(f"{home}/forms/new")
    await page.locator("#name").fill(f"Site {page.viewport_size}")
    await page.locator("#list_id").select_option(index=1)
    await page.locator("main .btn-primary").first.press("Enter")
    await page.wait_for_url(re.compile(r"/forms/\d+$"))
    await page.locator("#privacy_url").fill("https://exemple.test/confidentialite")
    await page.locator("button[value=publish]").press("Enter")
    await page.wait_for_selector("#embed")


async def let_somebody_answer(page: Page, product: Product) -> None:
    """A letter to a return path of the demonstration: a reply that nobody recognises, to look at."""
    port = json.loads((Path(product.environment["MAILER_DATA_DIR"]) / RUN_FILE).read_text())["inbound"]
    await page.goto(f"{product.base}/app/inbox")
    for link in await page.locator("main tbody a").evaluate_all("links => links.map(link => link.href)"):
        await page.goto(link)
        found = re.search(r"bounces\+[a-z2-7]+@mailer\.localhost", await page.locator("main").inner_text())
        if found:
            client = await connected(int(port.rpartition(":")[2]))
            assert (await client.send(found[0], LETTER, "zoe@people.test")).startswith("250")
            await client.close()
            break
    home = f"{product.base}/app/1/senders/replies"
    async with asyncio.timeout(60):
        while True:
            await page.goto(home)
            if await page.locator("main tbody a").count():
                return
            await asyncio.sleep(0.5)


async def walk(page: Page, base: str, start: str, language: str) -> AsyncIterator[str]:
    """Follows links from page to page; one page of each kind, whatever its numbers and query."""
    waiting, seen = [start], set()
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        parts = urlsplit(address)
        shape = _shape(parts.path)
        if shape in seen or LEAVE_OUT.search(parts.path):
            continue
        seen.add(shape)
        query = "&".join(part for part in (parts.query, f"lang={language}") if part)
        answer = await page.goto(parts._replace(query=query).geturl())
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        arrived = _shape(urlsplit(page.url).path)
        if arrived == shape or arrived not in seen:
            seen.add(arrived)
            yield arrived
        waiting += await _links(page, base)


@pytest.mark.req("F-01", "F-04", "F-08", "A-028", "A-126")
@pytest.mark.parametrize(("language", "theme", "width"), VARIANTS)
async def test_each_page_is_accessible_and_fits(
    product: Product, visit: Visit, language: str, theme: Literal["light", "dark"], width: int
) -> None:
    await product.demonstrated()
    page = await visit(language=language, theme=theme, width=width)
    # the printed link works once; a second account of the same person prints another
    _, link = await product.account(f"Atelier {language}", OWNER, language=language)
    await sign_in(page, link)
    home = f"{product.base}/app/1"
    await leave_things_half_done(page, home)
    await let_somebody_answer(page, product)
    titles: dict[str, str] = {}
    faults = []
    async for shape in walk(page, product.base, home, language):
        name = re.sub(r"\W+", "-", shape).strip("-")
        await picture(page, f"{language}-{theme}-{width}-{name}")
        title = await page.title()
        if await page.locator("h1").count() != 1:
            faults.append(f"{shape}: {await page.locator('h1').count()} h1")
        if title in titles.values() and "/app/" in shape:
            faults.append(f"{shape}: title of another page: {title}")
        titles[shape] = title
        for check in (assert_accessible, assert_fits):
            try:
                await check(page)
            except AssertionError as error:
                faults.append(f"{shape}: {error}")
    assert_quiet(page)
    assert len(titles) > 30, sorted(titles)
    assert faults == [], "\n\n".join(faults)
