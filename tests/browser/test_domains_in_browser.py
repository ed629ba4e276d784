"""The domain pages in Chromium: accessible, quiet, narrow; the record is copied and the state turns by itself."""

from datetime import timedelta

import pytest
from playwright.async_api import Page

from mailer.core import clock
from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, look, site
from tests.browser.visitor import assert_quiet
from tests.dns_server import Zone
from tests.domains.conftest import make_place
from tests.make import Make

pytestmark = pytest.mark.browser
__all__ = ["site"]


@pytest.mark.req("F-01", "F-05", "A-126")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_a_domain_from_empty_to_verified(
    services: Services, make: Make, zone: Zone, site: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    place = await make_place(services, zone, make)
    app = place.account.app
    page: Page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await enter(services, page, site, place.account.owner_id, language=language, theme=theme)
    mark = f"{language}-{theme}-{width}"
    await place.look()
    for name, path in (("list", "domains"), ("new", "domains/new"), ("waiting", f"domains/{place.id}")):
        await page.goto(f"{site}{app}/{path}")
        await look(page, f"domains-{name}-{mark}")
    label = {"fr": "Copier la valeur", "en": "Copy the value"}[language]
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name=label).first.click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == (await place.key("pending")).record
    await place.publish()
    clock.shift(timedelta(seconds=10))
    again = {"fr": "Regarder de nouveau maintenant", "en": "Look again now"}[language]
    await page.get_by_role("button", name=again).click()
    words = {"fr": "Domaine vérifié le", "en": "Domain verified on"}[language]
    await page.get_by_text(words).wait_for()
    await look(page, f"domains-verified-{mark}")
    key = await place.key("active", "ed25519-sha256")
    zone.text(f"{key.selector}._domainkey.{place.name}", "v=DKIM1; k=ed25519; p=AAAA")
    await place.look()
    await page.reload()
    await look(page, f"domains-different-{mark}")


async def test_the_open_page_shows_by_itself_what_was_found(
    services: Services, make: Make, zone: Zone, site: str, visit: Visit
) -> None:
    place = await make_place(services, zone, make)
    page = await visit(language="en")
    await enter(services, page, site, place.account.owner_id, language="en", theme="light")
    await page.clock.install()
    await page.goto(f"{site}{place.account.app}/domains/{place.id}")
    await page.get_by_text("Copy the records below").wait_for()
    await place.publish()
    await place.look()
    await page.clock.run_for(31_000)
    await page.get_by_text("Domain verified on").wait_for()
    assert_quiet(page)
