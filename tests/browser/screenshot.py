"""Makes the README's picture: python -m tests.browser.screenshot FILE

Starts the product on an empty folder, waits for its demonstration, signs in by the link it prints, and pictures the
report of the campaign that the demonstration sent.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from playwright.async_api import async_playwright

from tests.browser import chromium

SECONDS = 300
WINDOW = {"width": 1280, "height": 900}


async def sign_in_link(process: Process, address: str) -> str:
    """The one-time link among what the product prints."""
    pattern = re.compile(re.escape(address) + r"/app/\S+")
    assert process.stdout is not None
    link = ""
    async with asyncio.timeout(SECONDS):
        while line := (await process.stdout.readline()).decode():
            if found := pattern.search(line):
                link = found[0]
            # the last line of the demonstration: opens and clicks are in the report by now
            if link and "time taken" in line:
                return link
    raise SystemExit("The product ended without printing a sign-in link.")


async def take(address: str, link: str, file: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.executable_path(),
            args=chromium.launch_args(),
            env=dict(chromium.environment()),
        )
        page = await browser.new_page(locale="en-GB", viewport=WINDOW, color_scheme="light")
        await page.goto(link)
        # Opening the link changes nothing (a scanner opens it too): its button signs in.
        await page.locator("main button").first.click()
        await page.wait_for_url(re.compile(r"/app/\d+"))
        home = page.url.partition("?")[0]
        await page.goto(f"{home}/campaigns?lang=en")
        report = page.locator('main tbody a[href$="/report"]').first
        if await report.count():
            await report.click()
            await page.wait_for_load_state()
        await page.screenshot(path=file, animations="disabled")
        await browser.close()


async def main(file: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="mailer-picture-"))
    settings = {"MAILER_DATA_DIR": str(folder), "MAILER_LISTEN": f"127.0.0.1:{port}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mailer", "run", stdout=PIPE, env=os.environ | settings
    )
    try:
        address = f"http://localhost:{port}"
        await take(address, await sign_in_link(process, address), file)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()
        shutil.rmtree(folder)
    print(f"wrote {file}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
