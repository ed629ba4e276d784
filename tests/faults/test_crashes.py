"""Real workers, killed in the middle of a campaign: everybody gets one mail, or is shown in doubt (D-22)."""

import asyncio
import random
import signal
from asyncio.subprocess import Process
from collections import Counter

import pytest

from tests.faults.conftest import IN_FLIGHT, LEASE, Begin, Machine, Trial

pytestmark = pytest.mark.timeout(1800)


@pytest.mark.req("D-22", "S1", "S3")
async def test_killed_workers_leave_everybody_with_one_mail_or_in_doubt(
    machine: Machine, begin: Begin
) -> None:
    trial = await begin(500)
    for stop_at in (100, 250):
        await asyncio.gather(machine.start_worker(), machine.start_worker())
        await machine.until(lambda at=stop_at: len(machine.sink.accepted) >= at)
        await machine.kill_workers()
    await machine.start_worker()
    await trial.finish()
    counts = await trial.check(most_doubtful=machine.kills * IN_FLIGHT)
    assert counts["in_doubt"] >= 1
    await trial.resolve()
    assert (await trial.check())["delivered"] == 500


@pytest.mark.long
@pytest.mark.req("D-22", "S1", "S3", "S20")
async def test_fifty_kills_at_random_moments_of_one_campaign(machine: Machine, begin: Begin) -> None:
    """Two workers, one killed at a time, its row taken over when the lease has ended."""
    kills, chance = 50, random.Random()
    trial = await begin(8_000)

    async def end(_: object) -> str:
        await asyncio.sleep(chance.uniform(0, 0.5))
        return "250 2.0.0 Ok"

    machine.sink.end = end
    machine.keep_workers(2, lease=LEASE)
    while machine.kills < kills:
        await machine.moved(chance.randint(1, 60))
        await asyncio.sleep(chance.uniform(0, 0.5))
        if machine.workers:
            await machine.kill(chance.choice(machine.workers))
    assert await trial.status() == "sending", "the campaign was over before the kills were"
    machine.sink.end, machine.sink.delay = "250 2.0.0 Ok", 0
    await trial.finish()
    await trial.check(most_doubtful=kills * IN_FLIGHT)
    await trial.resolve()
    assert (await trial.check())["delivered"] == 8_000


@pytest.mark.req("S3")
async def test_a_worker_killed_between_the_ring_and_its_row_holds_nothing_up(
    machine: Machine, begin: Begin
) -> None:
    """The queue lets nobody have an id that a worker has begun, for a quarter of an hour."""
    trial = await begin(20)
    killed = await machine.start_worker(before_row=1)
    await killed.wait()
    assert killed.returncode == -signal.SIGKILL
    await machine.start_worker(lease=LEASE)
    await trial.finish()
    assert (await trial.check())["delivered"] == 20


@pytest.mark.req("D-22", "S3")
async def test_a_stopped_worker_ends_its_turn_and_leaves_no_doubt(machine: Machine, begin: Begin) -> None:
    trial = await begin(150)
    worker = await machine.start_worker()
    await machine.moved(20)
    await _stop(machine, worker)
    assert set(await _states(trial)) <= {"delivered", "queued"}
    await machine.start_worker()
    await trial.finish()
    await trial.check()


@pytest.mark.long
@pytest.mark.req("D-22", "S3", "S20")
async def test_deploys_in_the_middle_of_a_send_leave_no_doubt(machine: Machine, begin: Begin) -> None:
    """Two workers, each stopped and replaced while the other sends, again and again."""
    trial = await begin(4_000)
    # a turn goes on for half a minute after the signal: so slow that four of them do not see the campaign's end
    machine.sink.delay = 6.0
    old = [await machine.start_worker(), await machine.start_worker()]
    for n in range(4):
        await machine.moved(20)
        new = await machine.start_worker()
        await _stop(machine, old[n % 2])
        old[n % 2] = new
    assert await trial.status() == "sending"
    machine.sink.delay = 0
    await trial.finish()
    await trial.check()


async def _stop(machine: Machine, worker: Process) -> None:
    worker.send_signal(signal.SIGTERM)
    await machine.until(lambda: worker.returncode is not None)
    machine.workers.remove(worker)


async def _states(trial: Trial) -> Counter[str]:
    return Counter(status for status, _ in (await trial.post.states(trial.campaign)).values())


@pytest.mark.req("D-45")
async def test_leaving_while_workers_run_stops_the_mail(machine: Machine, begin: Begin) -> None:
    """Whoever unsubscribed before the campaign came to them gets nothing, with the worker running."""
    trial = await begin(300)
    post, campaign = trial.post, trial.campaign
    machine.sink.delay = 0.03
    await machine.start_worker()
    await machine.until(lambda: len(machine.sink.accepted) >= 30)
    async with post.tx() as tx:
        rows = await tx.rows(
            """
            WITH late AS (
                SELECT contact_id FROM deliveries
                WHERE account_id = $1 AND campaign_id = $2 AND status IN ('queued', 'claimed')
                ORDER BY contact_id DESC LIMIT 40
            )
            UPDATE subscriptions s SET status = 'unsubscribed' FROM late
            WHERE s.account_id = $1 AND s.contact_id = late.contact_id
            RETURNING (SELECT email FROM contacts c WHERE c.account_id = $1 AND c.id = s.contact_id)
            """,
            campaign,
        )
        already = set(machine.sink.recipients)
    gone = {email for (email,) in rows}
    await trial.finish()
    states = await post.states(campaign)
    assert gone
    for email in gone:
        assert states[email] == ("skipped", "unsubscribed") or email in already
    assert not {email for email in gone if states[email][0] == "skipped"} & set(machine.sink.recipients)
    assert Counter(status for status, _ in states.values())["skipped"] >= 30
