"""Pages of transactional messages as people see them: empty, a list, a doubt; languages, themes and widths."""

import pytest

from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_fits, assert_quiet, picture
from tests.smtp_server import DIE
from tests.transactional.conftest import Counter

pytestmark = pytest.mark.browser


@pytest.mark.req("A-101", "F-01", "A-126")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_the_pages(
    visit: Visit, counter: Counter, server: str, language: str, theme, width: int
) -> None:
    person = await counter.make.signed_in(counter.account.owner_id)
    async with counter.services.db.shared() as tx:
        await tx.run(
            "UPDATE users SET language = $2, theme = $3 WHERE id = $1",
            counter.account.owner_id,
            language,
            theme,
        )
    page = await visit(language=language, theme=theme, width=width)
    # `__Host-` needs Secure, which a loopback address may set without TLS
    host = server.replace("http:", "https:")
    await page.context.add_cookies(
        [{"name": "__Host-session", "value": person.cookie, "url": host, "secure": True}]
    )
    home = f"{server}{counter.account.app}/messages"

    async def look(path: str, name: str) -> None:
        await page.goto(home + path)
        await page.wait_for_load_state("networkidle")
        await assert_accessible(page)
        await assert_fits(page)
        await picture(page, f"messages-{name}-{language}-{theme}-{width}")

    await look("", "empty")
    counter.sink.rcpt = {"bo@example.test": "550 5.1.1 unknown", "cy@example.test": "451 4.7.1 later"}
    for who in ("dee", "cy", "bo"):
        await counter.ask(to={"email": f"{who}@example.test"})
    await counter.run()
    counter.sink.end = DIE
    message_id = (await counter.ask()).json()["id"]
    await counter.run()
    await look("", "list")
    await look("?status=in_doubt", "filtered")
    await look(f"/{message_id}", "doubt")
    counter.sink.end = "250 Ok"
    await page.locator("main form button").first.press("Enter")
    await page.locator(".callout--success").wait_for()
    await assert_fits(page)
    await counter.run()
    assert counter.sink.recipients.count("ana@example.test") == 1
    assert_quiet(page)
