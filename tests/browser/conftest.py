"""Browser fixtures. `visit(...)` opens a fresh visitor's page; several visitors may be open in one test."""

from collections.abc import AsyncIterator
from typing import Literal, Protocol

import pytest
from playwright.async_api import Browser, Page, async_playwright

from mailer.core import settings as configuration
from mailer.core.services import Services, open_services
from tests.browser import chromium, visitor
from tests.browser.product import Product, running

LOCALES = {"fr": "fr-FR", "en": "en-GB"}


class Visit(Protocol):
    async def __call__(
        self,
        *,
        language: str = "fr",
        theme: Literal["light", "dark"] = "light",
        width: int = 1280,
        scripts: bool = True,
    ) -> Page:
        """A page without cookies: language `fr` or `en`, system theme, width in px, JavaScript on or off."""
        ...


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        program = await playwright.chromium.launch(
            executable_path=chromium.executable_path(),
            args=chromium.launch_args(),
            env=dict(chromium.environment()),
        )
        yield program
        await program.close()


@pytest.fixture(scope="session")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """The whole product with its demonstration; tests make accounts of their own in it."""
    async with running(tmp_path_factory.mktemp("product")) as found:
        yield found


@pytest.fixture(scope="session")
async def stores(product: Product) -> AsyncIterator[Services]:
    """What the product keeps, to look at what it left there."""
    async with open_services(configuration.load(product.environment), pool_size=2) as found:
        yield found


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    contexts = []

    async def open_page(
        *,
        language: str = "fr",
        theme: Literal["light", "dark"] = "light",
        width: int = 1280,
        scripts: bool = True,
    ) -> Page:
        context = await browser.new_context(
            locale=LOCALES[language],
            timezone_id="Europe/Paris",
            color_scheme=theme,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(30_000)
        page = await context.new_page()
        visitor.listen(page)
        return page

    yield open_page
    for context in contexts:
        await context.close()
