"""Editions: each time becomes one campaign, whatever happens meanwhile."""

from datetime import date, datetime, timedelta

import pytest

from mailer.core import clock, work
from mailer.core.errors import Conflict, Invalid
from sending import campaigns, editions, recurrences, sends
from sending.campaigns import Changes
from sending.recurrences import Plan
from tests.recurring.conftest import PARIS, Begin, Trial

DAY = timedelta(days=1)


async def content(trial: Trial, campaign_id: int | None) -> tuple[str, str, str]:
    async with trial.post.tx() as tx:
        found = await campaigns.show(tx, campaign_id or 0)
    return found.status, found.name, found.subject


async def test_each_time_makes_one_numbered_edition_that_is_held_as_any_campaign(begin: Begin) -> None:
    trial = await begin()
    plan = await trial.plan()
    first = plan.next_at
    assert first is not None
    assert first.astimezone(PARIS).hour == 9
    await trial.turn()
    assert await trial.editions() == []
    await trial.at(first + timedelta(seconds=1))
    await trial.turn()
    [edition] = await trial.editions()
    assert (edition.due_at, edition.result, edition.number) == (first, "scheduled", 1)
    status, name, subject = await content(trial, edition.campaign_id)
    assert (status, subject) == ("scheduled", trial.ready.campaign.subject)
    assert name.startswith("Pain – Édition du ")
    async with trial.post.tx() as tx:
        made = await campaigns.show(tx, edition.campaign_id or 0)
        assert await editions.origin(tx, made.id) == editions.Origin(
            campaign_id=trial.campaign_id, name="Pain", number=1
        )
    assert made.scheduled_at is not None
    held = (made.scheduled_at - clock.now()).total_seconds()
    assert 0 < held <= sends.HOLD_SECONDS
    assert not made.keep_source
    assert (await trial.show()).next_at == (first.astimezone(PARIS) + DAY)
    await trial.at((await trial.show()).next_at or first)
    assert [one.number for one in await trial.editions()] == [2, 1]


async def test_an_edition_reaches_whoever_is_on_the_list_by_then(begin: Begin) -> None:
    trial = await begin(people=1)
    plan = await trial.plan()
    async with trial.post.tx() as tx:
        await trial.post.make.contact(tx, "later@pain.test", list_id=trial.ready.list_id)
    await trial.at(plan.next_at or clock.now())
    [edition] = await trial.editions()
    clock.shift(timedelta(0))
    async with trial.post.tx() as tx:
        await sends.leave_now(tx, edition.campaign_id or 0)
    await trial.post.run()
    assert await trial.post.status(edition.campaign_id or 0) == "sent"
    assert "later@pain.test" in await trial.post.states(edition.campaign_id or 0)
    assert len(trial.post.sink.accepted) == 2
    assert (await trial.editions())[0].audience == 2


async def test_what_is_changed_in_the_draft_goes_into_the_next_edition(begin: Begin) -> None:
    trial = await begin()
    plan = await trial.plan(skip_unchanged=True)
    due = plan.next_at
    assert due is not None
    await trial.at(due)
    await trial.at(due + DAY + timedelta(hours=1))
    async with trial.post.tx() as tx:
        await campaigns.change(tx, trial.campaign_id, Changes(subject="Le pain suivant"))
    await trial.at(due + 2 * DAY + timedelta(hours=1))
    found = await trial.editions()
    assert [(one.result, one.number) for one in found] == [
        ("scheduled", 2),
        ("unchanged", None),
        ("scheduled", 1),
    ]
    assert (await content(trial, found[0].campaign_id))[2] == "Le pain suivant"


async def test_checks_that_refuse_an_edition_pause_the_plan_and_say_why(begin: Begin) -> None:
    trial = await begin()
    plan = await trial.plan()
    async with trial.post.tx() as tx:
        await tx.run("UPDATE senders SET status = 'revoked' WHERE account_id = $1")
    await trial.at(plan.next_at or clock.now())
    [edition] = await trial.editions()
    assert (edition.result, edition.number, edition.campaign_id) == ("blocked", None, None)
    assert [one["code"] for one in edition.faults] == ["sender"]
    stopped = await trial.show()
    assert (stopped.status, stopped.next_at) == ("paused", None)
    assert stopped.pause_faults == edition.faults
    async with trial.post.tx() as tx:
        assert await tx.value("SELECT count(*) FROM campaigns WHERE account_id = $1") == 1
        with pytest.raises(Invalid):
            await recurrences.resume(tx, trial.post.services, trial.campaign_id)
    async with trial.post.tx() as tx:
        await tx.run("UPDATE senders SET status = 'confirmed' WHERE account_id = $1")
        again = await recurrences.resume(tx, trial.post.services, trial.campaign_id)
    assert (again.status, again.pause_faults) == ("active", [])
    assert again.next_at is not None
    assert again.next_at > clock.now()
    await trial.at(again.next_at)
    assert [one.number for one in await trial.editions()] == [1, None]
    assert (await trial.show()).number == 1


async def test_times_that_passed_while_nothing_ran_are_missed_but_for_a_recent_one(begin: Begin) -> None:
    trial = await begin()
    due = (await trial.plan()).next_at
    assert due is not None
    local = due.astimezone(PARIS)
    await trial.at(local + 3 * DAY + editions.LATE - timedelta(minutes=1))
    assert [(one.due_at, one.result) for one in await trial.editions()] == [
        (local + 3 * DAY, "scheduled"),
        (local + 2 * DAY, "missed"),
        (local + DAY, "missed"),
        (local, "missed"),
    ]
    await trial.at(local + 5 * DAY - timedelta(minutes=1))
    found = await trial.editions()
    assert (found[0].due_at, found[0].result) == (local + 4 * DAY, "missed")
    assert (await trial.show()).next_at == local + 5 * DAY


async def test_a_plan_ends_after_its_last_day(begin: Begin) -> None:
    trial = await begin()
    tomorrow = clock.now().astimezone(PARIS).date() + DAY
    plan = await trial.plan(ends_on=tomorrow)
    while plan.next_at:
        await trial.at(plan.next_at)
        plan = await trial.show()
    assert plan.status == "ended"
    assert (await trial.editions())[0].due_at.astimezone(PARIS).date() == tomorrow
    await trial.at(datetime.combine(tomorrow, datetime.min.time(), PARIS) + 3 * DAY)
    assert (await trial.editions())[0].due_at.astimezone(PARIS).date() == tomorrow


async def test_a_paused_plan_makes_nothing_and_makes_nothing_up(begin: Begin) -> None:
    trial = await begin()
    plan = await trial.plan()
    async with trial.post.tx() as tx:
        await recurrences.pause(tx, trial.campaign_id)
        with pytest.raises(Conflict):
            await recurrences.pause(tx, trial.campaign_id)
    await trial.at((plan.next_at or clock.now()) + DAY)
    assert await trial.editions() == []
    async with trial.post.tx() as tx:
        resumed = await recurrences.resume(tx, trial.post.services, trial.campaign_id)
    assert resumed.next_at is not None
    assert resumed.next_at > clock.now()
    assert await trial.editions() == []


@pytest.mark.req("S3")
async def test_a_worker_that_dies_between_copy_and_schedule_makes_neither_two_nor_none(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = await begin()
    plan = await trial.plan()

    class Killed(BaseException):
        pass

    async def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(editions.sends, "schedule", dies)
        with pytest.raises(Killed):
            await trial.at(plan.next_at or clock.now())
    [edition] = await trial.editions()
    assert (edition.result, edition.status) == ("made", "draft")
    async with trial.post.tx() as tx:
        await tx.shared().run(
            "UPDATE work SET leased_until = now() - interval '1 s' WHERE account_id = $1",
            trial.post.account.id,
        )
    await trial.turn()
    await trial.turn()
    [again] = await trial.editions()
    assert (again.result, again.status, again.campaign_id) == ("scheduled", "scheduled", edition.campaign_id)
    async with trial.post.tx() as tx:
        assert await tx.value("SELECT count(*) FROM campaigns WHERE account_id = $1") == 2


async def test_the_model_itself_is_not_sent_while_it_is_repeated(begin: Begin) -> None:
    trial = await begin()
    await trial.plan()
    async with trial.post.tx() as tx:
        with pytest.raises(Conflict, match="model"):
            await sends.schedule(tx, trial.post.services, trial.campaign_id, sends.Order())
        await recurrences.remove(tx, trial.campaign_id)
        sent = await sends.schedule(tx, trial.post.services, trial.campaign_id, sends.Order())
        assert sent.status == "scheduled"
        with pytest.raises(Conflict, match="draft"):
            await recurrences.put(
                tx,
                trial.post.services,
                trial.campaign_id,
                Plan.model_validate({"every": "day", "at": "09:00"}),
            )


@pytest.mark.req("A-092")
@pytest.mark.parametrize(("reason", "words"), [("account", "suspended or closed"), ("restored", "put back")])
async def test_what_stops_an_account_stops_its_plans_until_a_person_resumes(
    begin: Begin, reason: str, words: str
) -> None:
    trial = await begin()
    due = (await trial.plan()).next_at
    assert due
    async with trial.post.tx() as tx:
        if reason == "account":
            await work.add(tx, "sending.stop_account", 0)
        else:
            await recurrences.stop_all(tx, reason)
    await trial.post.run()
    stopped = await trial.show()
    assert (stopped.status, words in stopped.pause_faults[0]["message"]) == ("paused", True)
    await trial.at(due)
    assert await trial.editions() == []


async def test_a_draft_that_is_repeated_is_not_deleted(begin: Begin) -> None:
    trial = await begin()
    await trial.plan()
    async with trial.post.tx() as tx:
        with pytest.raises(Conflict, match="model"):
            await campaigns.delete(tx, trial.campaign_id)
        await recurrences.remove(tx, trial.campaign_id)
        await campaigns.delete(tx, trial.campaign_id)


async def test_a_plan_whose_last_day_is_past_is_refused(begin: Begin) -> None:
    trial = await begin()
    with pytest.raises(Invalid) as refused:
        await trial.plan(ends_on=date(2020, 1, 1))
    assert [one.field for one in refused.value.faults] == ["ends_on"]
