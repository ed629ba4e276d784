"""What a browser test asks of a page: nothing foreign, a quiet console, nothing that axe finds serious."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Page, Request

PICTURES = Path(__file__).resolve().parents[2] / ".build" / "pictures"
SERIOUS = ("serious", "critical")
# Chromium reports each 4xx answer as an error of its own; a page that shows a 422 form is not at fault.
EXPECTED_CONSOLE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@dataclass
class Noise:
    """What went wrong on a page since it was opened."""

    messages: list[str] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)

    def heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED_CONSOLE.match(message.text):
            self.messages.append(f"{message.type}: {message.text}")

    def thrown(self, error: Exception) -> None:
        self.messages.append(f"exception: {error}")

    def asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https"):
            self.origins.add(f"{parts.scheme}://{parts.netloc}")


_noise: dict[Page, Noise] = {}


def listen(page: Page) -> None:
    noise = _noise[page] = Noise()
    page.on("console", noise.heard)
    page.on("pageerror", noise.thrown)
    page.on("request", noise.asked)


def assert_quiet(page: Page) -> None:
    """No console error or warning (a broken CSP is one), no exception, one origin only."""
    noise = _noise[page]
    assert not noise.messages, "\n".join(noise.messages)
    assert len(noise.origins) <= 1, f"foreign origins: {sorted(noise.origins)}"


async def assert_accessible(page: Page) -> None:
    """axe-core finds nothing serious or critical (WCAG 2.2 AA and best practices)."""
    # A mail's preview is sandboxed and answers nobody: axe would only fill the console asking it.
    # Nothing but violations is told, which takes a third of the time.
    options = {"iframes": False, "preload": False, "resultTypes": ["violations"]}
    results = await Axe().run(page, options=options)
    found = [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}\n    {node['failureSummary']}"
        for violation in results.response["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
    assert not found, f"{page.url}\n" + "\n".join(found)


async def assert_fits(page: Page) -> None:
    """No sideways scroll of the page."""
    overflow = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0, f"{page.url} is {overflow} px too wide"


async def picture(page: Page, name: str) -> Path:
    """Save the whole page as .build/pictures/{name}.png, but where nobody looks (CI)."""
    path = PICTURES / f"{name}.png"
    if os.environ.get("CI"):
        return path
    PICTURES.mkdir(parents=True, exist_ok=True)
    # A sticky header stands where the page was scrolled to.
    await page.evaluate("scrollTo(0, 0)")
    await page.screenshot(path=path, full_page=True, animations="disabled")
    return path
