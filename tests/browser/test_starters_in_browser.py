"""The starters as a telephone shows them."""

import pytest
from playwright.async_api import Browser

from sending import preview
from sending.preview import Theme
from sending.starters import KEYS
from tests.browser.visitor import assert_accessible
from tests.campaigns.test_starters import GAUDY, received


@pytest.mark.req("F-11", "F-02")
@pytest.mark.timeout(120)
async def test_starters_can_be_read_at_320_pixels_in_light_and_dark(browser: Browser) -> None:
    """axe judges contrast, names, order; nothing is wider than the screen; buttons are 44 pixels high."""
    context = await browser.new_context(viewport={"width": 320, "height": 800})
    page = await context.new_page()
    for key in KEYS:
        for kit, theme in ((None, Theme.LIGHT), (GAUDY, Theme.DARK)):
            html = received(key, "fr", kit).html
            await page.set_content(preview.in_theme(html, theme), wait_until="domcontentloaded")
            await assert_accessible(page)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320, (key, theme)
            heights = await page.evaluate(
                "[...document.querySelectorAll('a[style*=\"display: inline-block\"]')]"
                ".map(one => Math.round(one.getBoundingClientRect().height))"
            )
            assert all(height >= 44 for height in heights), (key, heights)
    await context.close()
