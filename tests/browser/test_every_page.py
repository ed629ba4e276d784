"""Every page with the demonstration's data: both languages, both themes, wide and narrow; axe finds nothing."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Visit
from tests.browser.product import Product, running
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]
# variants of S20: the two that differ most
VARIANTS = [("fr", "light", 1280), ("en", "dark", 320)]
# not pages to look at: they end the session, or are files
LEAVE_OUT = re.compile(
    r"/(sign-out|download|file|rejects|raw|source)\b|\.(csv|json|ndjson)$|/events$|openapi\.json|/me/data"
)
MOST_PAGES = 140


@pytest.fixture(scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with running(tmp_path_factory.mktemp("product")) as found:
        yield found


async def sign_in(page: Page, link: str) -> None:
    await page.goto(link)
    await page.locator("main form button").first.click()
    await page.wait_for_url(re.compile(r"/app/\d+"))


def _shape(path: str) -> str:
    """Pages of one kind: numbers and tokens left out."""
    return re.sub(r"[A-Za-z0-9_-]{24,}", "…", re.sub(r"\d+", "0", path))


async def _links(page: Page, base: str) -> list[str]:
    found = await page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    return [urlsplit(link)._replace(fragment="").geturl() for link in found if link.startswith(base)]


async def walk(page: Page, base: str, start: str) -> AsyncIterator[str]:
    """Follows links from page to page; one page of each kind, by path and first query name."""
    waiting, seen = [start], set()
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        parts = urlsplit(address)
        shape = _shape(parts.path)
        if shape in seen or LEAVE_OUT.search(parts.path):
            continue
        seen.add(shape)
        answer = await page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"
        yield shape
        waiting += await _links(page, base)


@pytest.mark.req("F-01", "F-04", "F-08", "A-028", "A-126")
@pytest.mark.parametrize(("language", "theme", "width"), VARIANTS)
async def test_each_page_is_accessible_and_fits(
    product: Product, visit: Visit, language: str, theme: str, width: int
) -> None:
    page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    if language == "fr":
        await sign_in(page, product.sign_in_link)
    else:
        _, email = "", f"reader-{language}@people.test"
        made = await product.command("operator", "create", "--email", email, "--json")
        await sign_in_operator(page, made)
    titles: dict[str, str] = {}
    faults = []
    async for shape in walk(page, product.base, page.url):
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


async def sign_in_operator(page: Page, made: str) -> None:
    import json

    await sign_in(page, json.loads(made)["link"])
