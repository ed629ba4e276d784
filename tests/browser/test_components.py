"""The components of ui.md 3 under the strictest policy a page can have: their colours, sizes and scripts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Page

from mailer import web as mailer_web
from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture

pytestmark = pytest.mark.browser

PAGE = Path(__file__).with_name("components.html").read_text(encoding="utf-8")
DIST = Path(str(mailer_web.__path__[0])) / "static" / "dist"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
SAVED = web.AppKey("saved", list[str])
PART = '<section class="card" id="part"><h2>Partie nouvelle</h2><p>Autre chose.</p></section>'


REFERENCE = """<!doctype html><html lang="en"><head><title>Reference</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/dist/reference.css">
<script defer src="/static/dist/reference.js"></script></head>
<body><main><h1>Reference</h1><div id="reference" data-url="/openapi.json"></div></main></body></html>"""
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "Mailer", "version": "1"},
    "paths": {
        "/lists": {
            "get": {"summary": "The lists", "tags": ["lists"], "responses": {"200": {"description": "ok"}}}
        }
    },
}


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    saved: list[str] = []

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def part(_: web.Request) -> web.Response:
        return web.Response(text=PART, content_type="text/html")

    async def boom(_: web.Request) -> web.Response:
        return web.Response(status=500, text="<p>traceback</p>", headers={"X-Request-ID": "r-77"})

    async def save(request: web.Request) -> web.Response:
        saved.append(str((await request.post())["source"]))
        return web.json_response({"version": 2})

    async def check(request: web.Request) -> web.Response:
        source = str((await request.post())["source"])
        problem = {
            "line": 2,
            "column": 3,
            "severity": "error",
            "message": "Le corps est vide.",
            "fix": "",
            "place": "Ligne 2",
        }
        problems = [] if "mj-text" in source else [problem]
        return web.json_response({"problems": problems, "summary": f"{len(problems)} point à corriger"})

    async def reference(_: web.Request) -> web.Response:
        return web.Response(
            text=REFERENCE, content_type="text/html", headers={"Content-Security-Policy": POLICY}
        )

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(OPENAPI)

    app = web.Application()
    app[SAVED] = saved
    app.add_routes([web.get("/", page), web.get("/part", part), web.get("/boom", boom)])
    app.add_routes([web.get("/reference", reference), web.get("/openapi.json", openapi)])
    app.add_routes([web.post("/save", save), web.post("/check", check), web.static("/static/dist", DIST)])
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


async def opened(visit: Visit, server: TestServer, **how: object) -> Page:
    page = await visit(**how)  # type: ignore[arg-type]
    await page.goto(str(server.make_url("/")))
    return page


@pytest.mark.req("F-04")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
async def test_components_are_accessible_and_fit(
    visit: Visit, server: TestServer, theme: str, width: int
) -> None:
    page = await opened(visit, server, theme=theme, width=width)
    await page.locator(".chart-canvas canvas").wait_for()
    await page.get_by_role("textbox", name="Contenu MJML").wait_for()
    await picture(page, f"components-{theme}-{width}")
    await assert_accessible(page)
    await assert_fits(page)
    assert_quiet(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_theme_follows_the_system_without_script(visit: Visit, server: TestServer, theme: str) -> None:
    page = await opened(visit, server, theme=theme, scripts=False)
    await picture(page, f"components-{theme}-noscript")
    colour = await page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert colour == {"light": "rgb(246, 247, 249)", "dark": "rgb(20, 24, 29)"}[theme]
    assert await page.get_by_label("Contenu MJML").is_visible()
    assert await page.get_by_role("link", name="Accueil").is_visible()


async def test_menu_is_a_disclosure_on_a_small_screen(visit: Visit, server: TestServer) -> None:
    page = await opened(visit, server, width=320)
    link = page.get_by_role("link", name="Accueil")
    assert not await link.is_visible()
    await page.get_by_text("Menu", exact=True).click()
    assert await link.is_visible()


async def test_focus_moves_to_the_heading_of_what_was_replaced(visit: Visit, server: TestServer) -> None:
    page = await opened(visit, server)
    await page.locator("#swap").press("Enter")
    await page.get_by_role("heading", name="Partie nouvelle").wait_for()
    assert await page.evaluate("document.activeElement.textContent") == "Partie nouvelle"
    assert await page.locator("#part").get_attribute("aria-busy") is None
    assert_quiet(page)


async def test_fault_of_ours_keeps_the_page_and_tells_its_number(visit: Visit, server: TestServer) -> None:
    page = await opened(visit, server)
    await page.locator("#boom").click()
    await page.get_by_text("r-77").wait_for()
    assert await page.get_by_role("heading", name="Partie vivante").is_visible()
    assert await page.evaluate("document.activeElement.id") == "fault"


async def test_editor_writes_into_its_field_checks_and_saves(visit: Visit, server: TestServer) -> None:
    page = await opened(visit, server)
    editor = page.get_by_role("textbox", name="Contenu MJML")
    await page.get_by_role("button", name="Ligne 2").click()
    await page.keyboard.type("<mj-text>")
    await page.get_by_role("button", name="Prénom").click()
    await page.get_by_text("Enregistré à").wait_for()
    assert "{{ contact.first_name }}" in await page.locator("#source").input_value()
    assert "mj-text" in server.app[SAVED][-1]
    assert await page.locator("input[name=version]").input_value() == "2"
    await page.get_by_text("0 point à corriger").wait_for()
    await editor.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Prénom"
    assert_quiet(page)


async def test_ticked_rows_are_counted(visit: Visit, server: TestServer) -> None:
    page = await opened(visit, server)
    await page.get_by_label("Choisir j@exemple.fr").check()
    assert await page.get_by_text("1 contact choisi", exact=True).is_visible()
    await page.get_by_label("Choisir k@exemple.fr").check()
    assert await page.get_by_text("2 contacts choisis", exact=True).is_visible()


async def test_api_reference_is_drawn_from_our_own_files_alone(visit: Visit, server: TestServer) -> None:
    page = await visit(language="en")
    await page.goto(str(server.make_url("/reference")))
    assert_quiet(page)
    await page.get_by_text("The lists").click()
    await page.get_by_text("Responses").wait_for()
    assert await page.locator("h1").all_text_contents() == ["Reference"]
    await picture(page, "reference-en")
    await assert_accessible(page)
    assert_quiet(page)
