"""Makes the README's picture: python -m tests.browser.screenshot FILE

Starts the product on an empty folder, waits for its demonstration, signs in by the link it prints, and pictures the
report of the campaign that the demonstration sent.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser import chromium
from tests.browser.product import running

WINDOW = {"width": 1280, "height": 900}


async def take(link: str, file: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.executable_path(),
            args=chromium.launch_args(),
            env=dict(chromium.environment()),
        )
        page = await browser.new_page(locale="en-GB", viewport=WINDOW, color_scheme="light")
        await page.goto(link)
        # Opening the link changes nothing (a scanner opens it too): its button signs in.
        await page.locator("main form button").first.click()
        await page.wait_for_url(lambda address: "/sign-in-link/" not in address)
        address = await page.locator("main a[href*='/campaigns/'][href$='/report']").first.get_attribute(
            "href"
        )
        await page.goto(f"{link.partition('/app/')[0]}{address}?lang=en")
        await page.screenshot(path=file, animations="disabled")
        await browser.close()


async def main(file: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="mailer-picture-") as folder:
        async with running(Path(folder)) as product:
            await product.demonstrated()
            await take(product.sign_in_link, file)
    print(f"wrote {file}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
