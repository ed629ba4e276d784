"""Unrecognised replies, the operator's mail and a bounced contact in a real browser; languages, themes and widths."""

from typing import Literal

import pytest

from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.feedback.conftest import Desk
from tests.feedback.returned import LETTER, report

pytestmark = pytest.mark.browser


@pytest.mark.req("F-01", "A-126", "D-33")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_the_pages(
    visit: Visit, desk: Desk, server: str, language: str, theme: Literal["light", "dark"], width: int
) -> None:
    owner = desk.post.account.owner_id
    person = await desk.post.make.signed_in(owner)
    async with desk.services.db.shared() as tx:
        await tx.run(
            "UPDATE users SET language = $2, theme = $3, is_operator = true WHERE id = $1",
            owner,
            language,
            theme,
        )
    page = await visit(language=language, theme=theme, width=width)
    host = server.replace("http:", "https:")
    await page.context.add_cookies(
        [{"name": "__Host-session", "value": person.cookie, "url": host, "secure": True}]
    )
    home = f"{server}{desk.post.account.app}"
    titles = set()

    async def look(address: str, name: str) -> None:
        await page.goto(address)
        await page.wait_for_load_state("networkidle")
        await assert_accessible(page)
        await assert_fits(page)
        await picture(page, f"replies-{name}-{language}-{theme}-{width}")
        titles.add(await page.title())

    await look(f"{home}/senders/replies", "empty")
    _, sent = await desk.sent("ana@taken.test", "gone@taken.test")
    long = LETTER + b"Une ligne tres longue " * 60 + b"\r\n" + b"x" * 300 + b"\r\n"
    await desk.arrives(sent["ana@taken.test"].mail_from, long, "zoe@people.test")
    await desk.arrives(sent["gone@taken.test"].mail_from, report("gone@taken.test"))
    await desk.arrives("abuse@mailer.localhost", long, "zoe@people.test")
    await desk.read()
    async with desk.post.tx() as tx:
        contact = await tx.value(
            "SELECT id FROM contacts WHERE account_id = $1 AND email = 'gone@taken.test'"
        )
    await look(f"{home}/contacts/{contact}", "bounced-contact")
    for place, name in ((f"{home}/senders/replies", "tray"), (f"{server}/app/operator/mail", "operator")):
        await look(place, name)
        first = await page.locator("main tbody a").first.get_attribute("href")
        await look(f"{server}{first}", f"{name}-one")
        await page.locator("main form button").first.press("Enter")
        await page.locator(".callout--success").wait_for()
        await assert_fits(page)
    # the empty page and the list are one page
    assert len(titles) == 5
    assert_quiet(page)
