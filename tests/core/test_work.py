"""The work table: turns, leases, and rings that are not lost."""

import asyncio
import base64
from datetime import datetime

import pytest

from mailer.core import jobs, work
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.work import Task


async def _row(services: Services, job: str) -> tuple[int, int, str] | None:
    async with services.db.shared() as tx:
        found = await tx.rows("SELECT turn, attempts, last_error FROM work WHERE job = $1", job)
    return found[0] if found else None  # type: ignore[return-value]


async def _due(services: Services, job: str) -> Task:
    return next(task for task in await work.due(services.db, 1_000_000) if task.job == job)


async def _add(services: Services, job: str) -> None:
    async with services.db.shared() as tx:
        await work.add(tx, job, 1)


async def test_a_finished_job_leaves_no_row(services: Services) -> None:
    ran = []

    async def run(_: Services, task: Task) -> None:
        ran.append(task)

    await _add(services, "test.finish")
    task = await _due(services, "test.finish")
    assert await jobs.run_turn(services, {"test.finish": Job("test.finish", run)}, task)
    assert len(ran) == 1
    assert await _row(services, "test.finish") is None


async def test_two_workers_with_the_same_ring_run_it_once(services: Services) -> None:
    ran = []

    async def run(_: Services, task: Task) -> None:
        ran.append(task)
        await asyncio.sleep(0.05)

    await _add(services, "test.twice")
    task = await _due(services, "test.twice")
    table = {"test.twice": Job("test.twice", run)}
    results = await asyncio.gather(*(jobs.run_turn(services, table, task) for _ in range(4)))
    assert sorted(results) == [False, False, False, True]
    assert len(ran) == 1


async def test_what_was_asked_for_during_a_turn_runs_again(services: Services) -> None:
    async def run(held: Services, _: Task) -> None:
        await _add(held, "test.asked")

    await _add(services, "test.asked")
    task = await _due(services, "test.asked")
    await jobs.run_turn(services, {"test.asked": Job("test.asked", run)}, task)
    assert (await _due(services, "test.asked")).turn == task.turn + 1


async def test_a_failing_job_is_set_aside_with_its_reason(services: Services) -> None:
    async def run(_: Services, __: Task) -> datetime | None:
        raise RuntimeError("jean@example.test")

    await _add(services, "test.fails")
    task = await _due(services, "test.fails")
    await jobs.run_turn(services, {"test.fails": Job("test.fails", run)}, task)
    row = await _row(services, "test.fails")
    assert row is not None
    assert row[1] == 1
    assert row[2].startswith("RuntimeError at test_work.py")
    assert "jean@" not in row[2]
    assert all(due.job != "test.fails" for due in await work.due(services.db, 1_000_000))


async def test_a_dead_workers_turn_goes_to_the_next_and_the_old_one_is_fenced(services: Services) -> None:
    await _add(services, "test.dead")
    old = await _due(services, "test.dead")
    assert await work.take(services.db, old)
    async with services.db.shared() as tx:
        await tx.run("UPDATE work SET leased_until = now() - interval '1 second' WHERE job = 'test.dead'")
    new = await _due(services, "test.dead")
    assert new.turn == old.turn + 1
    assert not await work.renew(services.db, old)
    assert not await work.take(services.db, old)
    assert await work.take(services.db, new)
    await work.finish(services.db, old)
    assert await _row(services, "test.dead") is not None
    await work.finish(services.db, new)


@pytest.mark.req("E-31", "B-46", "B-62")
async def test_tokens_open_for_their_purpose_only(services: Services) -> None:
    from mailer.core.errors import NotFound
    from mailer.core.tokens import CampaignToken, Purpose, RecipientToken

    tokens = services.tokens
    who = RecipientToken(7, 300, 123456789, b"h" * 16, 12)
    token = tokens.recipient(Purpose.UNSUBSCRIBE, who)
    assert tokens.read_recipient(Purpose.UNSUBSCRIBE, token) == who
    with pytest.raises(NotFound):
        tokens.read_recipient(Purpose.PREFERENCES, token)
    for position in range(len(token)):
        damaged = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        try:
            read = tokens.read_recipient(Purpose.UNSUBSCRIBE, damaged)
        except NotFound:
            continue
        assert read == who  # only the unused bits of the last character may differ
        assert position == len(token) - 1
    # B-46: of the next recipient, the next list or the next campaign nothing can be told
    alike = (
        RecipientToken(7, 300, 123456790, b"h" * 16, 12),
        RecipientToken(7, 301, 123456789, b"h" * 16, 12),
        RecipientToken(7, 300, 123456789, b"h" * 16, 13),
    )
    for other in alike:
        pair = zip(token, tokens.recipient(Purpose.UNSUBSCRIBE, other), strict=True)
        # behind the octet that names the key
        assert sum(a == b for a, b in list(pair)[2:]) < len(token) / 4
    assert (123456789).to_bytes(4, "big") not in base64.urlsafe_b64decode(token + "===")
    what = CampaignToken(7, 1, 2, 3, "https://example.test/?é=1")
    assert tokens.read_campaign(Purpose.CLICK, tokens.campaign(Purpose.CLICK, what)) == what


@pytest.mark.req("S3")
async def test_a_row_that_was_asked_for_again_is_no_turn_of_the_one_before(services: Services) -> None:
    """Its turns begin at 1 again: by the number alone a stalled worker would hold, renew and finish it."""
    await _add(services, "test.born")
    before = await _due(services, "test.born")
    assert await work.take(services.db, before)
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM work WHERE job = 'test.born'")
    await _add(services, "test.born")
    after = await _due(services, "test.born")
    assert (after.turn, after.id != before.id) == (before.turn, True)
    assert not await work.take(services.db, before)
    assert await work.take(services.db, after)
    assert not await work.renew(services.db, before)
    await work.finish(services.db, before)
    await work.postpone(services.db, before, run_at=None)
    assert await work.renew(services.db, after)
    await work.finish(services.db, after)
    assert await _row(services, "test.born") is None


@pytest.mark.req("S3")
async def test_sweeps_stand_behind_what_somebody_waits_for(services: Services) -> None:
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM work")
        await tx.run(
            """
            INSERT INTO work (account_id, job, ref_id, background, run_at)
            SELECT n, 'test.swept', 0, true, now() - interval '1 hour' FROM generate_series(1, 700) AS n
            """
        )
        await work.add(tx, "test.waited_for", 1)
    found = await work.due(services.db)
    assert sum(task.background for task in found) == work.BACKGROUND_AT_ONCE
    assert [task.job for task in found if not task.background] == ["test.waited_for"]
    # what is asked for by somebody is no sweep any more, and no other account gives way to one
    assert not await work.others_wait(services.db, 1)
    async with services.db.account(1) as account:
        await work.add(account, "test.swept", 0)
    asked = [task for task in await work.due(services.db) if task.job == "test.swept" and not task.background]
    assert [task.account_id for task in asked] == [1]
    assert await work.others_wait(services.db, 2)
    async with services.db.shared() as tx:
        await tx.run("DELETE FROM work")
