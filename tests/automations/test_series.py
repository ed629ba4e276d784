"""A welcome series from the subscription to the last mail, and whoever leaves it on the way."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lists import erasing
from lists.segment_tree import Condition, Subject
from mailer.core import clock, work
from mailer.core.errors import Conflict, Invalid
from mailer.core.work import Task
from sending import (
    automation_notices,
    automation_runs,
    automation_steps,
    automation_turns,
    automations,
    campaigns,
    sends,
)
from sending.automation_steps import Place, StepInput
from sending.automation_waits import Wait
from sending.automations import JOB, Trigger
from sending.campaigns import Filter
from sending.sends import Order
from tests.automations.conftest import Begin
from tests.delivery.conftest import MJML


@pytest.mark.req("D-22", "S4", "S6")
async def test_a_welcome_series_reaches_each_person_once_a_step(begin: Begin) -> None:
    series = await begin()
    await series.mail("Bienvenue")
    await series.wait(amount=3, unit="days")
    await series.mail("Nos pains")
    await series.subscribe("before@series.test")
    await series.start()
    await series.subscribe("ana@series.test")
    await series.turn()
    assert series.got("ana@series.test") == ["Bienvenue"]
    await series.later(days=2)
    await series.subscribe("bob@series.test")
    await series.turn()
    await series.later(days=2)
    assert series.got("ana@series.test") == ["Bienvenue", "Nos pains"]
    assert series.got("bob@series.test") == ["Bienvenue"]
    await series.later(days=40)
    await series.later(days=40)
    assert series.got("bob@series.test") == ["Bienvenue", "Nos pains"]
    assert series.got("ana@series.test") == ["Bienvenue", "Nos pains"]
    # who was there before the start takes no part
    assert series.got("before@series.test") == []
    assert await series.journeys() == {"ana@series.test": "done", "bob@series.test": "done"}
    mail = series.post.sink.accepted[0].message
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"l{series.list_id}." in str(mail["List-Id"])


@pytest.mark.req("D-45", "C-12", "C-13", "C-16")
async def test_whoever_leaves_is_out_at_once_and_gets_nothing_more(begin: Begin) -> None:
    series = await begin()
    await series.mail("Un")
    await series.wait(amount=1, unit="days")
    await series.mail("Deux")
    await series.start()
    names = ("unsubscribed", "suppressed", "restricted", "erased", "stays")
    ids = {name: await series.subscribe(f"{name}@leave.test") for name in names}
    await series.turn()
    async with series.post.tx() as tx:
        await tx.run(
            """
            UPDATE subscriptions SET status = 'unsubscribed' WHERE account_id = $1 AND contact_id = $2
            """,
            ids["unsubscribed"],
        )
        await tx.run(
            """
            INSERT INTO suppressions (account_id, address_hash, reason)
            SELECT $1, address_hash, 'complained' FROM contacts WHERE account_id = $1 AND id = $2
            """,
            ids["suppressed"],
        )
        await tx.run(
            "UPDATE contacts SET restricted_at = now() WHERE account_id = $1 AND id = $2", ids["restricted"]
        )
        await erasing.erase(tx, [ids["erased"]], erasing.Why.ASKED)
    assert await series.journeys() == {
        "unsubscribed@leave.test": "unsubscribed",
        "suppressed@leave.test": "suppressed",
        "restricted@leave.test": "restricted",
        "stays@leave.test": "",
    }
    await series.later(days=2)
    assert [series.got(f"{name}@leave.test") for name in names] == [["Un"]] * 4 + [["Un", "Deux"]]


@pytest.mark.req("D-22")
async def test_a_person_who_comes_back_does_not_get_the_series_again(begin: Begin) -> None:
    series = await begin()
    await series.mail("Un")
    await series.start()
    who = await series.subscribe("ana@again.test")
    await series.turn()
    async with series.post.tx() as tx:
        for status in ("unsubscribed", "active"):
            await tx.run(
                "UPDATE subscriptions SET status = $3 WHERE account_id = $1 AND contact_id = $2", who, status
            )
    await series.later(days=1)
    assert series.got("ana@again.test") == ["Un"]


@pytest.mark.req("E-56")
async def test_edits_reach_those_who_are_not_past_the_step(begin: Begin) -> None:
    series = await begin()
    first = await series.mail("Un")
    wait = await series.wait(amount=10, unit="days")
    await series.mail("Deux")
    await series.start()
    await series.subscribe("ana@edits.test")
    await series.turn()
    async with series.post.tx() as tx:
        shorter = StepInput(kind="wait", wait=Wait(amount=1, unit="days"))
        await automation_steps.change(tx, series.id, wait, shorter)
    await series.later(hours=23)
    assert series.got("ana@edits.test") == ["Un"]
    async with series.post.tx() as tx:
        # the mail she had moves behind her: she does not get it twice
        await automation_steps.move(tx, series.id, first, up=False)
        await automation_steps.move(tx, series.id, first, up=False)
    await series.later(hours=2)
    await series.later(days=20)
    assert series.got("ana@edits.test") == ["Un", "Deux"]
    assert await series.journeys() == {"ana@edits.test": "done"}


async def test_deleting_a_step_moves_on_who_stands_there(begin: Begin) -> None:
    series = await begin()
    await series.mail("Un")
    wait = await series.wait(amount=300, unit="days")
    await series.mail("Deux")
    await series.start()
    await series.subscribe("ana@deleted.test")
    await series.turn()
    async with series.post.tx() as tx:
        await automation_steps.delete(tx, series.id, wait)
    await series.turn()
    assert series.got("ana@deleted.test") == ["Un", "Deux"]


@pytest.mark.req("B-31")
async def test_a_condition_asks_a_rule_and_each_goes_their_way(begin: Begin) -> None:
    series = await begin()
    rule = Condition(subject=Subject.EMAIL, operator="begins", value="ana")
    asks = await series.step(StepInput(kind="condition", rule=rule))
    await series.step(StepInput(kind="tag", tag="fidèle"), Place(parent=asks, branch="yes"))
    await series.mail("Non", Place(parent=asks, branch="no"))
    await series.mail("Tous")
    await series.start()
    await series.subscribe("ana@ways.test")
    await series.subscribe("bob@ways.test")
    await series.turn()
    assert series.got("ana@ways.test") == ["Tous"]
    assert series.got("bob@ways.test") == ["Non", "Tous"]
    async with series.post.tx() as tx:
        tagged = await tx.rows(
            """
            SELECT c.email
            FROM contact_tags t
            JOIN contacts c ON c.account_id = t.account_id AND c.id = t.contact_id
            WHERE t.account_id = $1
            """
        )
        plan = await automation_steps.plan(tx, series.id)
    assert tagged == [("ana@ways.test",)]
    assert (plan.show(asks).passed, plan.show(asks).said_yes) == (2, 1)


async def test_in_quiet_hours_nothing_leaves_until_they_are_over(begin: Begin) -> None:
    series = await begin(quiet_from=21, quiet_to=8)
    await series.mail("Bonjour")
    await series.start()
    paris = ZoneInfo("Europe/Paris")
    night = (datetime.now(paris) + timedelta(days=1)).replace(hour=23, minute=30)
    clock.shift(night - datetime.now(paris))
    await series.subscribe("ana@quiet.test")
    await series.turn()
    assert series.got("ana@quiet.test") == []
    await series.later(hours=8)
    assert series.got("ana@quiet.test") == []
    await series.later(hours=1)
    assert series.got("ana@quiet.test") == ["Bonjour"]


async def test_while_it_stands_still_people_are_taken_in_and_wait(begin: Begin) -> None:
    series = await begin()
    await series.mail("Bienvenue")
    await series.start()
    async with series.post.tx() as tx:
        await automation_runs.pause(tx, series.id)
    await series.subscribe("ana@paused.test")
    await series.turn()
    assert series.got("ana@paused.test") == []
    async with series.post.tx() as tx:
        await automation_runs.resume(tx, series.post.services, series.id)
    await series.turn()
    assert series.got("ana@paused.test") == ["Bienvenue"]


@pytest.mark.req("S12")
async def test_who_waited_longer_than_content_is_kept_gets_the_mail_after_all(begin: Begin) -> None:
    series = await begin()
    await series.mail("Bienvenue")
    await series.start()
    await series.subscribe("ana@waited.test")
    task = Task(series.post.account.id, JOB, series.id, 0, 1)
    await automation_turns.advance(series.post.services, task)
    async with series.post.tx() as tx:
        await automation_runs.pause(tx, series.id)
        await tx.run(
            """
            DELETE FROM revisions r USING campaigns c
            WHERE r.account_id = $1 AND c.account_id = $1 AND c.id = r.campaign_id AND c.mailing_of IS NOT NULL
            """
        )
    await series.turn()
    assert series.got("ana@waited.test") == []
    async with series.post.tx() as tx:
        await automation_runs.resume(tx, series.post.services, series.id)
    await series.turn()
    assert series.got("ana@waited.test") == ["Bienvenue"]


@pytest.mark.req("D-54")
async def test_a_sender_who_is_withdrawn_stops_it_and_says_why(begin: Begin) -> None:
    series = await begin()
    await series.mail("Bienvenue")
    await series.start()
    await series.subscribe("ana@sender.test")
    async with series.post.tx() as tx:
        await tx.run("UPDATE senders SET status = 'revoked' WHERE account_id = $1")
    await series.turn()
    async with series.post.tx() as tx:
        found = await automations.show(tx, series.id)
    assert (found.status, found.pause_reason) == ("paused", "sender")
    assert await series.journeys() == {"ana@sender.test": ""}


async def test_a_first_mail_that_does_not_say_how_to_object_blocks_the_start(begin: Begin) -> None:
    series = await begin(trigger=Trigger(kind="subscribed", imports=True))
    step = await series.mail("Bienvenue")
    async with series.post.tx() as tx:
        draft = (await automation_steps.plan(tx, series.id)).show(step).draft_id
        assert draft is not None
        await campaigns.write_content(tx, draft, "mjml", MJML)
        with pytest.raises(Invalid) as refused:
            await automation_runs.start(tx, series.post.services, series.id)
        assert [one.code for one in refused.value.faults] == ["objection", "source"]
        await automation_notices.add(tx, draft, source=True)
        with pytest.raises(Invalid) as refused:
            await automation_runs.start(tx, series.post.services, series.id)
        assert [one.code for one in refused.value.faults] == ["gap"]
        text = (await campaigns.show(tx, draft)).source
        text = re.sub(r"\[à compléter[^]]*\]", "la société Four, le 3 mai 2026 : votre adresse", text)
        await campaigns.write_content(tx, draft, "mjml", text)
        await automation_runs.start(tx, series.post.services, series.id)


async def test_the_mail_of_a_step_cannot_be_sent_as_a_campaign(begin: Begin) -> None:
    series = await begin()
    step = await series.mail("Bienvenue")
    async with series.post.tx() as tx:
        draft = (await automation_steps.plan(tx, series.id)).show(step).draft_id
        assert draft is not None
        with pytest.raises(Conflict):
            await sends.schedule(tx, series.post.services, draft, Order())
        assert await campaigns.many(tx, Filter()) == []


@pytest.mark.req("A-092")
async def test_what_stops_an_account_stops_its_series_until_a_person_resumes(begin: Begin) -> None:
    series = await begin()
    await series.mail("Un")
    await series.wait(amount=1, unit="days")
    await series.mail("Deux")
    await series.start()
    await series.subscribe("ana@closed.test")
    await series.turn()
    async with series.post.tx() as tx:
        await work.add(tx, "sending.stop_account", 0)
    await series.post.run()
    # active again: nothing starts by itself
    await series.later(days=2)
    assert series.got("ana@closed.test") == ["Un"]
    async with series.post.tx() as tx:
        found = await automations.show(tx, series.id)
        assert (found.status, found.pause_reason) == ("paused", "account")
        await automation_runs.resume(tx, series.post.services, series.id)
    await series.turn()
    assert series.got("ana@closed.test") == ["Un", "Deux"]
