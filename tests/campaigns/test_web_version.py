"""The web version of a mail that left: as the contact is now, measured by nothing, and gone after six days (S12)."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from mailer.core import clock, jobs
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.tokens import CampaignToken
from mailer.core.work import Task
from mailer.worker import JOBS
from sending import sends
from sending.sends import Order
from tests.campaigns.conftest import Ready
from tests.make import Make

Build = Callable[..., Awaitable[Ready]]


@pytest.mark.req("A-002", "E-04")
async def test_a_web_version_lives_six_days(ready: Build, services: Services, make: Make, client) -> None:
    found = await ready()
    account_id, campaign_id, contact_id = found.account.id, found.campaign.id, found.people[0]
    async with services.db.account(account_id) as tx:
        await tx.run("UPDATE contacts SET opens = 'granted', clicks = 'granted' WHERE account_id = $1")
        await sends.schedule(tx, services, campaign_id, Order())
    await jobs.run_turn(services, JOBS, Task(account_id, sends.PREPARE, campaign_id, 0, 1))
    async with services.db.account(account_id) as tx:
        await make.moved(tx, contact_id, "claimed", "handing", "delivered")
    path = Links(services.tokens, "").view(CampaignToken(account_id, campaign_id, contact_id))
    shown = await client.get(path)
    assert shown.status == 200
    assert "Bonjour Ana" in shown.text
    assert "https://pain.example/seigle?a=1" in shown.text
    assert "/t/o/" not in shown.text
    assert "/t/c/" not in shown.text
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert "script-src" not in shown.headers["Content-Security-Policy"]
    assert shown.headers["Cache-Control"] == "no-store"
    waiting = Links(services.tokens, "").view(CampaignToken(account_id, campaign_id, found.people[1]))
    assert (await client.get(waiting)).status == 410
    clock.shift(timedelta(days=6, minutes=1))
    gone = await client.get(path)
    assert gone.status == 410
    assert "The content of e-mails is erased from our servers 6 days after sending." in gone.text
    assert len(re.findall(r"/t/(preferences|unsubscribe)/[\w-]+", gone.text)) == 2
    async with services.db.account(account_id) as tx:
        assert await tx.value("SELECT count(*) FROM events WHERE account_id = $1") == 0


@pytest.mark.req("A-005")
async def test_a_closed_account_shows_no_mail_and_still_lets_people_leave(
    ready: Build, services: Services, make: Make, client
) -> None:
    found = await ready()
    account_id, campaign_id, contact_id = found.account.id, found.campaign.id, found.people[0]
    async with services.db.account(account_id) as tx:
        await sends.schedule(tx, services, campaign_id, Order())
    await jobs.run_turn(services, JOBS, Task(account_id, sends.PREPARE, campaign_id, 0, 1))
    async with services.db.account(account_id) as tx:
        await make.moved(tx, contact_id, "claimed", "handing", "delivered")
    path = Links(services.tokens, "").view(CampaignToken(account_id, campaign_id, contact_id))
    assert (await client.get(path)).status == 200
    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE accounts SET status = 'closed', closed_at = now(), erase_at = now() + interval '90 days'"
            " WHERE id = $1",
            account_id,
        )
    gone = await client.get(path)
    assert gone.status == 410
    [leave] = re.findall(r"/t/unsubscribe/[\w-]+", gone.text)
    answer = await client.ask("POST", leave, data={"List-Unsubscribe": "One-Click"})
    assert answer.status == 200
    async with services.db.account(account_id) as tx:
        assert await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1") == 1
