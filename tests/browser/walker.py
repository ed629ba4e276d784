"""One walk through the product by keyboard: counts its presses, and looks at every stop (ui 5)."""

import re
from dataclasses import dataclass, field

from playwright.async_api import Locator, Page, Route

from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture

# The words of ui.md are written with plain spaces; pages and catalogues hold no-break ones.
_SPACE = r"[\s\u00a0\u202f]"


def words(text: str, *, whole: bool = True) -> re.Pattern[str]:
    """`text` as a page may set it: any space, either apostrophe, a space or comma between thousands."""
    pattern = re.escape(text).replace(r"\ ", f"{_SPACE}+").replace("'", "['’]")
    pattern = re.sub(r"(?<=\d),(?=\d{3})", ",", pattern)
    return re.compile(rf"^{_SPACE}*{pattern}{_SPACE}*$" if whole else pattern)


@dataclass
class Walk:
    """`presses`: Enter, Space, a file or a select; typing is free.

    `mirror`: where a page without scripts is looked at, because axe is a script itself.
    """

    page: Page
    name: str
    mirror: Page | None = None
    presses: int = 0
    stops: list[str] = field(default_factory=list)

    def link(self, text: str) -> Locator:
        return self.page.get_by_role("link", name=words(text)).filter(visible=True).first

    def button(self, text: str) -> Locator:
        return self.page.get_by_role("button", name=words(text)).filter(visible=True).first

    def labelled(self, text: str) -> Locator:
        return self.page.get_by_label(words(text, whole=False)).first

    async def press(self, control: Locator, key: str = "Enter") -> None:
        """Reaches the control as Tab does, and presses it."""
        await control.focus()
        self.presses += 1
        await control.press(key)

    async def go(self, control: Locator, address: str) -> None:
        """Presses what leads to a page whose path ends like the pattern `address`."""
        await self.press(control)
        await self.page.wait_for_url(re.compile(rf"{address}(\?|#|$)"))

    async def tick(self, text: str) -> None:
        await self.press(self.labelled(text), "Space")

    async def write(self, text: str, value: str) -> None:
        await self.labelled(text).fill(value)

    async def says(self, text: str) -> None:
        """Waits until the page shows it."""
        await self.page.get_by_text(words(text, whole=False)).filter(visible=True).first.wait_for()

    async def shows(self, text: str) -> None:
        """The text of `main` holds it, across tags."""
        main = " ".join((await self.page.locator("main").inner_text()).split())
        assert words(text, whole=False).search(main), f"{self.page.url}: no “{text}” in\n{main}"

    async def stop(self, name: str) -> None:
        """axe finds nothing, nothing is too wide, the console is quiet, and the keyboard is somewhere."""
        self.stops.append(name)
        for _ in range(3):
            # a page just opened: Tab has to lead into it
            if await _nowhere(self.page):
                await self.page.keyboard.press("Tab")
        assert not await _nowhere(self.page), f"{self.page.url}: focus is on body"
        await picture(self.page, f"{self.name}-{len(self.stops):02d}-{name}")
        await self._assert_accessible()
        await assert_fits(self.page)
        assert_quiet(self.page)

    async def _assert_accessible(self) -> None:
        if self.mirror is None:
            await assert_accessible(self.page)
            return
        shown = re.sub(r"<script\b.*?</script>", "", await self.page.content(), flags=re.DOTALL)
        address = self.page.url.partition("#")[0]

        async def answer(route: Route) -> None:
            await route.fulfill(body=shown, content_type="text/html; charset=utf-8")

        await self.mirror.route(address, answer)
        await self.mirror.goto(address)
        await assert_accessible(self.mirror)
        await self.mirror.unroute(address)


async def _nowhere(page: Page) -> bool:
    found: bool = await page.evaluate("document.activeElement === document.body")
    return found
