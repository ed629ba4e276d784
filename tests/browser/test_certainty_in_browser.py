"""What is held after a restore, and why each person got a campaign or did not, in Chromium."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page

from mailer import worker
from mailer.core import jobs, restores
from mailer.core.services import Services
from mailer.core.work import Task
from tests.browser.conftest import Visit
from tests.browser.test_campaigns_in_browser import enter, look, site
from tests.clicks.conftest import delivered, sent_campaign
from tests.make import Account, Make

pytestmark = pytest.mark.browser
__all__ = ["site"]
VARIANTS = pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("fr", "light", 1280), pytest.param("en", "dark", 320, marks=pytest.mark.long)],
)
ENDS = ("delivered", "bounced", "failed", "skipped", "cancelled", "in_doubt", "queued")
REASONS = {"bounced": "hard", "failed": "expired", "skipped": "unsubscribed"}


@pytest.fixture
async def held(services: Services, make: Make) -> AsyncIterator[Account]:
    """An operator's own account, with two campaigns that a hold has paused."""
    account = await make.account()
    async with services.db.account(account.id) as tx:
        for status, later in (("scheduled", True), ("sending", False)):
            await tx.run(
                """
                INSERT INTO campaigns (account_id, name, status, scheduled_at)
                VALUES ($1, $2, $2, now() + CASE WHEN $3 THEN interval '1 day' ELSE interval '-1 hour' END)
                """,
                status,
                later,
            )
    async with services.db.shared() as tx:
        await tx.run("UPDATE users SET is_operator = true WHERE id = $1", account.owner_id)
    await restores.hold(services)
    await _follow(services, account)
    yield account
    async with services.db.shared() as tx:
        await tx.run("UPDATE installation SET held_since = NULL, held_reason = ''")


async def _follow(services: Services, account: Account) -> None:
    async with services.db.shared() as tx:
        task = await tx.one(
            Task,
            "SELECT account_id, job, ref_id, lane, turn FROM work WHERE account_id = $1 AND job = $2",
            account.id,
            restores.FOLLOW,
        )
    await jobs.run_turn(services, worker.JOBS, task)


@pytest.mark.req("F-01", "F-05", "A-126")
@VARIANTS
async def test_an_operator_confirms_a_restored_database(
    services: Services, held: Account, site: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    page: Page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await enter(services, page, site, held.owner_id, language=language, theme=theme)
    mark = f"{language}-{theme}-{width}"
    await page.goto(f"{site}{held.app}")
    await look(page, f"restore-home-{mark}")
    see = {"fr": "Voir ce qui est suspendu", "en": "See what is held"}[language]
    await page.get_by_role("link", name=see).click()
    await page.wait_for_url(f"{site}/app/operator/restore")
    await look(page, f"restore-held-{mark}")
    word = {"fr": "Confirmer et reprendre les envois", "en": "Confirm and resume sending"}[language]
    await page.get_by_role("button", name=word).click()
    over = {"fr": "Les envois ne sont pas suspendus.", "en": "Sending is not held."}[language]
    await page.get_by_text(over).wait_for()
    await look(page, f"restore-resumed-{mark}")
    await _follow(services, held)
    async with services.db.account(held.id) as tx:
        assert dict(
            await tx.rows("SELECT name, status || pause_reason FROM campaigns WHERE account_id = $1")
        ) == {
            "scheduled": "scheduled",
            "sending": "pausedrestored_begun",
        }


@pytest.mark.req("F-01", "F-05", "A-011", "A-126")
@VARIANTS
async def test_each_end_of_a_delivery_can_be_read(
    services: Services, make: Make, site: str, visit: Visit, language: str, theme: str, width: int
) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        campaign_id, _ = await sent_campaign(tx)
        for status in ENDS:
            contact_id = await make.contact(tx, f"{status}@ends.test", list_id=list_id)
            await delivered(
                tx, campaign_id, contact_id, list_id, status=status, reason=REASONS.get(status, "")
            )
    page: Page = await visit(language=language, theme=theme, width=width)  # type: ignore[arg-type]
    await enter(services, page, site, account.owner_id, language=language, theme=theme)
    mark = f"{language}-{theme}-{width}"
    place = f"{site}{account.app}/campaigns/{campaign_id}"
    for name, path in (
        ("campaign", place),
        ("deliveries", f"{place}/deliveries"),
        ("filtered", f"{place}/deliveries?status=bounced&reason=hard&provider=default"),
        ("none", f"{place}/deliveries?provider=gmail"),
    ):
        await page.goto(path)
        await look(page, f"certainty-{name}-{mark}")
        assert "&#39;" not in await page.inner_text("main")
