"""Webhooks of providers and the mailbox of reports in Chromium: accessible, narrow, and without a script."""

import re
from datetime import timedelta
from typing import Literal

import pytest
from playwright.async_api import Page

from mailer.core import clock
from mailer.core.services import Services
from sending import report_mailboxes, servers, soft_bounces
from sending.feedback import Reason
from sending.imap import Access
from sending.servers import NewServer
from sending.soft_bounces import SoftBounce
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, look, site
from tests.make import Make
from tests.providers.amazon import TOPIC

pytestmark = pytest.mark.browser
__all__ = ["site"]


@pytest.mark.req("F-01", "F-05", "F-09", "A-126")
@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
async def test_a_webhook_and_a_mailbox_from_empty_to_set_up(
    services: Services,
    make: Make,
    site: str,
    visit: Visit,
    language: str,
    theme: Literal["light", "dark"],
    width: int,
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        server = await servers.create(tx, services.sealer, NewServer(host="smtp.provider.test"))
        contact = await make.contact(tx, "full@example.test")
        at = clock.now() - timedelta(days=1)
        await soft_bounces.add(tx, [SoftBounce(contact_id=contact, reason=Reason.MAILBOX_FULL, at=at)])
    page: Page = await visit(language=language, theme=theme, width=width)
    await enter(services, page, site, account.owner_id, language=language, theme=theme)
    mark = f"{language}-{theme}-{width}"
    place = f"{site}{account.app}/senders/servers/{server.id}"
    await page.goto(f"{place}/webhook")
    await look(page, f"hook-new-{mark}")
    await page.locator("input[name=provider][value=ses]").check()
    await page.locator("main .btn-primary").first.press("Enter")
    await page.locator("#topic-error").wait_for()
    await look(page, f"hook-fault-{mark}")
    await page.locator("#topic").fill(TOPIC)
    await page.locator("main .btn-primary").first.press("Enter")
    await page.wait_for_selector("main ol")
    await look(page, f"hook-waiting-{mark}")
    await page.goto(place)
    await look(page, f"hook-server-{mark}")
    await page.goto(f"{place}/webhook/deletion")
    await look(page, f"hook-delete-{mark}")
    await page.locator("main .btn-danger").press("Enter")
    await page.wait_for_url(re.compile(r"/servers/\d+$"))
    await page.goto(f"{place}/webhook")
    await page.locator("input[name=provider][value=postmark]").check()
    await page.locator("main .btn-primary").first.press("Enter")
    await page.get_by_text("postmark:").wait_for()
    await look(page, f"hook-made-{mark}")
    await page.goto(f"{site}{account.app}/senders/mailbox")
    await look(page, f"mailbox-new-{mark}")
    async with services.db.account(account.id) as tx:
        given = Access("imap.provider.test", 993, "implicit", "retours@boulangerie.test", "s3cret")
        made = await report_mailboxes.save(tx, services.sealer, given)
        await report_mailboxes.note_error(
            tx, report_mailboxes.Place(id=made.id, uid_validity=0, last_uid=0, failures=0), "sign_in"
        )
    await page.reload()
    await look(page, f"mailbox-failing-{mark}")
    await page.goto(f"{site}{account.app}/senders/mailbox/deletion")
    await look(page, f"mailbox-delete-{mark}")
    await page.goto(f"{site}{account.app}/contacts/{contact}")
    await look(page, f"contact-failing-{mark}")
