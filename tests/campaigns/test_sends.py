"""When a campaign may leave, and that it leaves once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from mailer.core import clock, jobs, work
from mailer.core.errors import Conflict, Invalid
from mailer.core.services import Services
from mailer.core.work import Task
from mailer.worker import JOBS
from sending import campaigns, deliveries, outcomes, schedules, senders, sends
from sending.schedules import WallClock
from sending.sends import Order
from tests.campaigns.conftest import MJML, Ready
from tests.make import Make

Build = Callable[..., Awaitable[Ready]]


async def refused(services: Services, found: Ready, order: Order = Order()) -> set[str]:  # noqa: B008
    """The codes of what refuses this send."""
    with pytest.raises(Invalid) as error:
        async with services.db.account(found.account.id) as tx:
            await sends.schedule(tx, services, found.campaign.id, order)
    async with services.db.account(found.account.id) as tx:
        assert (await campaigns.show(tx, found.campaign.id)).status == "draft"
        assert (
            await tx.shared().value(
                "SELECT count(*) FROM work WHERE account_id = $1 AND job = 'sending.prepare'", tx.account_id
            )
            == 0
        )
    return {fault.code for fault in error.value.faults}


@pytest.mark.req("E-56")
async def test_fifty_presses_at_once_make_one_send(ready: Build, make: Make) -> None:
    found = await ready()
    program = await make.program(found.account.id)
    path = f"/api/v1/campaigns/{found.campaign.id}/sends"
    answers = await asyncio.gather(*(program.post(path, json={}) for _ in range(50)))
    assert sorted(answer.status for answer in answers) == [202] + [409] * 49
    async with make.services.db.account(found.account.id) as tx:
        assert (
            await tx.shared().value(
                "SELECT count(*) FROM work WHERE account_id = $1 AND job = 'sending.prepare'", tx.account_id
            )
            == 1
        )


@pytest.mark.req("A-008", "B-24", "D-46")
@pytest.mark.parametrize(
    "hidden",
    [
        "",
        '<p style="display:none"><a href="{{ unsubscribe_url }}">stop</a></p>',
        '<p style="font-size:1px"><a href="{{ unsubscribe_url }}">stop</a></p>',
        '<!-- <a href="{{ unsubscribe_url }}">stop</a> -->',
        '<p style="color:#ffffff;background:#ffffff"><a href="{{ unsubscribe_url }}" style="color:#ffffff">stop</a></p>',
        '{% if contact.first_name %}<p><a href="{{ unsubscribe_url }}">stop</a></p>{% endif %}',
    ],
)
async def test_sending_is_refused_without_a_visible_unsubscribe_link(
    ready: Build, services: Services, hidden: str
) -> None:
    identity = "<p>{{ account.name }}, {{ account.address }}</p>"
    source = MJML.replace("</mj-text>", f"{identity}{hidden}</mj-text>")
    assert "unsubscribe" in await refused(services, await ready(source=source))


@pytest.mark.req("A-062", "B-24")
async def test_sending_is_refused_without_identity_in_the_account_or_in_the_mail(
    ready: Build, services: Services
) -> None:
    source = MJML.replace("</mj-text>", '<p><a href="{{ unsubscribe_url }}">Stop</a></p></mj-text>')
    assert "identity" in await refused(services, await ready(source=source))
    found = await ready()
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET postal_address = '' WHERE id = $1", found.account.id)
    assert await refused(services, found) == {"identity"}


@pytest.mark.req("A-016", "A-019")
async def test_sending_is_refused_without_what_it_needs(ready: Build, services: Services) -> None:
    """Agreement and responsibilities, list, people, subject, content, an honest subject (B-24)."""
    found = await ready(people=0)
    assert await refused(services, found) == {"audience"}
    assert await refused(services, await ready(subject="")) == {"subject"}
    assert await refused(services, await ready(subject="Re: votre commande")) == {"subject"}
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        await tx.run("DELETE FROM agreement_acceptances WHERE account_id = $1")
        await tx.run("DELETE FROM campaign_lists WHERE account_id = $1")
        await campaigns.write_content(tx, found.campaign.id, "none", "")
    assert await refused(services, found) == {"agreement", "responsibilities", "audience", "no_content"}


@pytest.mark.req("D-54")
@pytest.mark.parametrize("status", ["pending", "revoked"])
async def test_sending_is_refused_from_an_address_that_is_not_confirmed(
    ready: Build, services: Services, status: str
) -> None:
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        await tx.run("UPDATE senders SET status = $2 WHERE account_id = $1", status)
    assert await refused(services, found) == {"sender"}


@pytest.mark.req("E-20")
async def test_sending_is_refused_with_a_merge_tag_that_is_none(ready: Build, services: Services) -> None:
    for wrong in ("contact.prenom", "contact.__class__", "(1).real", "contact.first_name | attr('x')"):
        source = MJML.replace("contact.first_name", wrong)
        codes = await refused(services, await ready(source=source))
        assert codes, wrong
        assert not codes & {"sender", "audience", "agreement"}, wrong


async def test_an_audience_that_changed_is_shown_before_it_is_sent(ready: Build, services: Services) -> None:
    found = await ready(people=3)
    assert await refused(services, found, Order(expected=4)) == {"count"}


@pytest.mark.req("F-05")
async def test_large_sends_are_confirmed_by_their_number(
    ready: Build, services: Services, make: Make
) -> None:
    found = await ready(people=1)
    async with services.db.account(found.account.id) as tx:
        for people, wanted in ((99, False), (100, True), (1000, True)):
            assert await sends.needs_typing(tx, people) is wanted
        for _ in range(99):
            await make.contact(tx, list_id=found.list_id)
    owner = await make.signed_in(found.account.owner_id)
    review = await owner.get(f"{found.page}/review")
    assert "write the number of recipients: 100" in review.text
    form = {"when": "now", "expected": 100, "keep_source": "true"}
    wrong = await owner.post(f"{found.page}/sends", form | {"typed": "10"})
    assert wrong.status == 422
    assert "You wrote 10; this send goes to 100 contacts." in wrong.text
    none = await owner.post(f"{found.page}/sends", form | {"typed": ""})
    assert none.status == 422
    right = await owner.post(f"{found.page}/sends", form | {"typed": " 1 00 "})
    assert right.status == 303
    async with services.db.account(found.account.id) as tx:
        assert (await campaigns.show(tx, found.campaign.id)).status == "scheduled"


async def run_due(services: Services, account_id: int, job: str) -> None:
    async with services.db.shared() as tx:
        rows = await tx.rows(
            """
            SELECT job, ref_id, lane, turn FROM work
            WHERE account_id = $1 AND job = $2 AND run_at <= now() AND leased_until IS NULL
            """,
            account_id,
            job,
        )
    for name, ref_id, lane, turn in rows:
        await jobs.run_turn(services, JOBS, Task(account_id, name, ref_id, lane, turn))


async def test_the_hold_is_true(ready: Build, services: Services) -> None:
    """Called back before its time, nothing left; released, it is prepared; cancelled, nothing is open."""
    found = await ready()
    account_id, campaign_id = found.account.id, found.campaign.id
    async with services.db.account(account_id) as tx:
        held = await sends.schedule(tx, services, campaign_id, Order(hold_seconds=60))
        assert held.scheduled_at is not None
        assert held.scheduled_at - clock.now() > timedelta(seconds=55)
    await run_due(services, account_id, sends.PREPARE)
    async with services.db.account(account_id) as tx:
        assert (await campaigns.show(tx, campaign_id)).status == "scheduled"
        assert (await sends.recall(tx, campaign_id)).status == "draft"
        await sends.schedule(tx, services, campaign_id, Order(hold_seconds=60))
        await sends.leave_now(tx, campaign_id)
    await run_due(services, account_id, sends.PREPARE)
    async with services.db.account(account_id) as tx:
        assert (await campaigns.show(tx, campaign_id)).status == "sending"
        assert (await outcomes.balance(tx, campaign_id)).audience == 3
        with pytest.raises(Conflict):
            await sends.recall(tx, campaign_id)
        assert (await sends.pause(tx, campaign_id)).status == "paused"
        assert (await sends.resume(tx, services, campaign_id)).status == "sending"
        assert (await sends.cancel(tx, campaign_id)).status == "cancelled"
        balance = await outcomes.balance(tx, campaign_id)
        assert (balance.cancelled, balance.audience) == (3, 3)
        listed = await deliveries.many(tx, campaign_id, deliveries.Filter(limit=2))
        assert len(listed) == 3
        assert [one.status for one in listed] == ["cancelled"] * 3
        with pytest.raises(Conflict):
            await sends.resume(tx, services, campaign_id)


async def test_a_draft_that_left_cannot_be_changed_or_deleted(ready: Build, services: Services) -> None:
    found = await ready()
    async with services.db.account(found.account.id) as tx:
        await sends.schedule(tx, services, found.campaign.id, Order(hold_seconds=60))
    for act in (
        lambda tx: campaigns.change(tx, found.campaign.id, campaigns.Changes(subject="Autre")),
        lambda tx: campaigns.write_content(tx, found.campaign.id, "mjml", "<mjml/>"),
        lambda tx: campaigns.delete(tx, found.campaign.id),
        lambda tx: campaigns.archive(tx, found.campaign.id, archived=True),
        lambda tx: senders.revoke(tx, found.sender_id),
    ):
        with pytest.raises(Conflict):
            async with services.db.account(found.account.id) as tx:
                await act(tx)
    async with services.db.account(found.account.id) as tx:
        shown = await campaigns.show(tx, found.campaign.id)
    assert shown.subject == found.campaign.subject
    assert shown.source == (await ready()).campaign.source


@pytest.mark.parametrize(
    ("day", "hour", "zone", "words"),
    [
        ("2027-03-28", "02:30", "Europe/Paris", "does not exist in Paris (clocks go forward). Choose 01:59 or 03:00."),
        ("2027-10-31", "02:30", "Europe/Paris", "exists twice in Paris (clocks go back). Choose a time before 02:00 or from 03:00 on."),
    ],
)  # fmt: skip
def test_times_that_do_not_exist_or_exist_twice_are_asked_again(day, hour, zone, words) -> None:
    clock.shift(datetime(2027, 1, 1, tzinfo=UTC) - datetime.now(UTC))
    with pytest.raises(Invalid) as error:
        schedules.instant(WallClock(date=day, time=hour, zone=zone))
    fault = error.value.faults[0]
    assert fault.field == "time"
    assert words in fault.message.format(**fault.params)


def test_a_wall_clock_time_becomes_an_instant() -> None:
    clock.shift(datetime(2027, 1, 1, tzinfo=UTC) - datetime.now(UTC))
    summer = schedules.instant(WallClock(date="2027-06-01", time="09:30", zone="Europe/Paris"))
    assert summer == datetime(2027, 6, 1, 7, 30, tzinfo=UTC)
    for wall in (
        WallClock(date="2026-12-31", time="09:30", zone="Europe/Paris"),
        WallClock(date="2029-06-01", time="09:30", zone="Europe/Paris"),
        WallClock(date="2027-02-30", time="09:30", zone="Europe/Paris"),
        WallClock(date="2027-06-01", time="09:30", zone="Mars/Base"),
    ):
        with pytest.raises(Invalid):
            schedules.instant(wall)


async def test_a_scheduled_campaign_names_its_time_and_zone(ready: Build, make: Make) -> None:
    found = await ready()
    owner = await make.signed_in(found.account.owner_id)
    day = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-15")
    form = {"when": "later", "expected": 3, "date": day, "time": "09:30", "zone": "Europe/Paris"}
    lost = await owner.post(f"{found.page}/sends", form | {"time": ""})
    assert lost.status == 422
    sent = await owner.post(f"{found.page}/sends", form)
    assert sent.status == 303
    page = await owner.get(found.page)
    assert "at 09:30 (Paris)" in page.text
    async with make.services.db.account(found.account.id) as tx:
        campaign = await campaigns.show(tx, found.campaign.id)
        run_at = await tx.shared().value(
            "SELECT run_at FROM work WHERE account_id = $1 AND job = $2", tx.account_id, sends.PREPARE
        )
        assert campaign.scheduled_at == run_at
        await work.cancel(tx, sends.PREPARE, campaign.id)


async def test_only_people_who_may_send_make_mail_leave(ready: Build, make: Make) -> None:
    found = await ready()
    user_id, _ = await make.user(found.account.id, "editor")
    editor = await make.signed_in(user_id)
    review = await editor.get(f"{found.page}/review")
    assert "Only people who may send can do this: Odile Owner" in review.text
    assert (await editor.post(f"{found.page}/sends", {"when": "now", "expected": 3})).status == 403
    program = await make.program(found.account.id, ["campaigns:read", "campaigns:write"])
    assert (await program.post(f"/api/v1/campaigns/{found.campaign.id}/sends", json={})).status == 403
    async with make.services.db.account(found.account.id) as tx:
        assert (await campaigns.show(tx, found.campaign.id)).status == "draft"


@pytest.mark.req("A-092")
async def test_what_waited_for_its_day_when_the_account_closed_waits_again(
    ready: Build, services: Services
) -> None:
    found = await ready()
    account_id, campaign_id = found.account.id, found.campaign.id
    at = clock.now() + timedelta(days=30)
    async with services.db.account(account_id) as tx:
        await sends.schedule(tx, services, campaign_id, Order(at=at))
        await work.add(tx, "sending.stop_account", account_id)
    await jobs.run_turn(services, JOBS, Task(account_id, "sending.stop_account", account_id, 0, 1))
    async with services.db.account(account_id) as tx:
        stopped = await campaigns.show(tx, campaign_id)
        assert (stopped.status, stopped.pause_reason) == ("paused", "account")
        assert (await sends.resume(tx, services, campaign_id)).status == "scheduled"
    await jobs.run_turn(services, JOBS, Task(account_id, sends.PREPARE, campaign_id, 0, 1))
    async with services.db.account(account_id) as tx:
        assert (await campaigns.show(tx, campaign_id)).status == "scheduled"
        assert await tx.value("SELECT count(*) FROM deliveries WHERE account_id = $1") == 0
