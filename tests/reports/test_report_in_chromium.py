"""The report as people see it: chart, tables, both languages, themes and widths."""

import pytest

from mailer.core.services import Services
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import site
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.make import Make
from tests.reports.test_report import fill

pytestmark = pytest.mark.browser
__all__ = ["site"]


@pytest.mark.req("A-011")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_the_report(
    visit: Visit, make: Make, services: Services, site: str, language: str, theme, width: int
) -> None:
    acc = await make.account(language=language)
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
    person = await make.signed_in(acc.owner_id)
    # `__Host-` needs Secure, which a loopback address may set without TLS
    host = site.replace("http:", "https:")
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE users SET language = $2, theme = $3 WHERE id = $1", acc.owner_id, language, theme
        )
    page = await visit(language=language, theme=theme, width=width)
    await page.context.add_cookies(
        [{"name": "__Host-session", "value": person.cookie, "url": host, "secure": True}]
    )
    for path in (f"campaigns/{campaign_id}/report", "reports/formulas"):
        await page.goto(f"{site}{acc.app}/{path}")
        await page.wait_for_load_state("networkidle")
        await assert_accessible(page)
        await assert_fits(page)
        await picture(page, f"{path.rpartition('/')[2]}-{language}-{theme}-{width}")
    await page.goto(f"{site}{acc.app}/campaigns/{campaign_id}/report")
    await page.locator("figure.chart canvas").first.wait_for()
    assert_quiet(page)
