"""A worker dies in the middle of making an edition: one is made, none twice, and it reaches everybody once."""

import asyncio
from collections import Counter
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from mailer.core import work
from sending import editions, recurrences
from sending.editions import Edition
from sending.recurrences import Plan
from tests.faults.conftest import Begin, Trial

pytestmark = pytest.mark.timeout(300)
PEOPLE = 20


async def _due(trial: Trial) -> int:
    """The campaign is a draft that is repeated each day, and its time came a moment ago. The plan's id."""
    at = datetime.now(ZoneInfo("Europe/Paris"))
    async with trial.post.tx() as tx:
        await tx.run("DELETE FROM work WHERE account_id = $1 AND job = 'sending.prepare'")
        await tx.run(
            "UPDATE campaigns SET status = 'draft' WHERE account_id = $1 AND id = $2", trial.campaign
        )
        plan = await recurrences.put(
            tx, trial.post.services, trial.campaign, Plan(every="day", at=time(at.hour, at.minute))
        )
        await tx.run(
            "UPDATE recurrences SET next_at = next_at - interval '1 day' WHERE account_id = $1 AND id = $2",
            plan.id,
        )
        await work.add(tx, recurrences.JOB, plan.id)
    return plan.id


async def _editions(trial: Trial, plan_id: int) -> list[Edition]:
    async with trial.post.tx() as tx:
        return await editions.many(tx, plan_id)


async def _waiting(trial: Trial, count: int) -> bool:
    """Do so many wait for a lock of somebody's?"""
    async with trial.post.services.db.connection() as connection:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
    return found == count


async def _kill_while_it_copies(trial: Trial) -> None:
    """The copy stops before its lists, in the transaction that holds the plan."""
    machine = trial.machine
    async with machine.services.db.connection() as connection:
        async with connection.transaction():
            await connection.execute("LOCK TABLE campaign_lists IN SHARE MODE")
            await machine.start_worker()
            await machine.until(lambda: _waiting(trial, 1))
            await machine.kill_workers()


async def _kill_while_it_schedules(trial: Trial, plan_id: int) -> None:
    """The copy is there; the transaction that schedules it stops at the plan's row, which we have by then."""
    machine = trial.machine

    async def take(taken: asyncio.Event, over: asyncio.Event) -> None:
        async with trial.post.tx() as tx:
            await tx.value("SELECT 1 FROM recurrences WHERE account_id = $1 AND id = $2 FOR UPDATE", plan_id)
            taken.set()
            await over.wait()

    taken, over = asyncio.Event(), asyncio.Event()
    async with machine.services.db.connection() as connection:
        async with connection.transaction():
            await connection.execute("LOCK TABLE campaign_lists IN SHARE MODE")
            await machine.start_worker()
            await machine.until(lambda: _waiting(trial, 1))
            taking = asyncio.create_task(take(taken, over))
            await machine.until(lambda: _waiting(trial, 2))
    await taken.wait()
    await machine.until(lambda: _waiting(trial, 1))
    await machine.kill_workers()
    over.set()
    await taking


@pytest.mark.req("S3")
@pytest.mark.parametrize("place", [pytest.param("copying", marks=pytest.mark.long), "scheduling"])
async def test_a_worker_killed_while_it_makes_an_edition(begin: Begin, place: str) -> None:
    trial = await begin(PEOPLE)
    machine = trial.machine
    plan_id = await _due(trial)
    if place == "copying":
        await _kill_while_it_copies(trial)
        assert await _editions(trial, plan_id) == []
    else:
        await _kill_while_it_schedules(trial, plan_id)
        [edition] = await _editions(trial, plan_id)
        assert (edition.result, edition.status) == ("made", "draft")
    await machine.start_worker()

    async def scheduled() -> bool:
        return [one.result for one in await _editions(trial, plan_id)] == ["scheduled"]

    await machine.until(scheduled)
    [edition] = await _editions(trial, plan_id)
    assert edition.campaign_id is not None
    trial.campaign = edition.campaign_id
    async with trial.post.tx() as tx:
        # the minute in which it can be called back is over
        await tx.run(
            "UPDATE campaigns SET scheduled_at = now() WHERE account_id = $1 AND id = $2", trial.campaign
        )
        await tx.run("UPDATE work SET run_at = now() WHERE account_id = $1 AND job <> $2", recurrences.JOB)
    await trial.finish()
    await trial.check()
    assert Counter(machine.sink.recipients).total() == PEOPLE
    async with trial.post.tx() as tx:
        assert await tx.value("SELECT count(*) FROM campaigns WHERE account_id = $1") == 2
    assert len(await _editions(trial, plan_id)) == 1
