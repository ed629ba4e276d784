"""The dialog before a session ends: opened by the script, answered by keyboard."""

import pytest

from tests.browser.conftest import Visit
from tests.browser.visitor import assert_accessible, assert_quiet
from tests.make import Make

pytestmark = pytest.mark.browser


@pytest.mark.req("F-10")
async def test_two_minutes_before_its_end_a_session_can_be_kept(
    make: Make, visit: Visit, server: str
) -> None:
    account = await make.account()
    owner = await make.signed_in(account.owner_id, language="fr")
    page = await visit()
    host = server.replace("127.0.0.1", "localhost").replace("http:", "https:")
    await page.context.add_cookies(
        [{"name": "__Host-session", "value": owner.cookie, "url": host, "secure": True}]
    )
    await page.clock.install()
    await page.goto(server.replace("127.0.0.1", "localhost") + account.app)
    dialog = page.get_by_role("dialog")
    assert not await dialog.is_visible()
    await page.clock.fast_forward("28:30")
    await dialog.get_by_role("heading", name="Votre session se termine dans 2 minutes").wait_for()
    await assert_accessible(page)
    async with page.expect_response("**/app/session") as kept:
        await page.keyboard.press("Enter")
    assert (await kept.value).status == 200
    await dialog.wait_for(state="hidden")
    assert_quiet(page)
