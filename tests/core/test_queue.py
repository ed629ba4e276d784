"""What killed workers leave in the queue holds nobody up."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from arq.connections import ArqRedis, create_pool
from arq.constants import in_progress_key_prefix

from mailer import worker
from mailer.core import work
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.work import Task

KEPT_MS = int(worker.ID_KEPT.total_seconds() * 1000)
MANY = 150
"""More than arq looks at by itself."""


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[ArqRedis]:
    found = await create_pool(
        worker.redis_settings(settings.redis_url),
        job_serializer=orjson.dumps,
        job_deserializer=orjson.loads,
        default_queue_name=worker.QUEUE,
    )
    await found.delete(worker.QUEUE)
    yield found
    await found.delete(worker.QUEUE)
    await found.aclose(close_connection_pool=True)


async def _begun(redis: ArqRedis, task: Task, *, seconds_ago: int) -> None:
    """As a worker leaves it behind that took the id and went no further."""
    await worker._ring(redis, task)
    await redis.psetex(in_progress_key_prefix + task.id, KEPT_MS - seconds_ago * 1000, b"1")


def _of_nobody(n: int) -> Task:
    return Task(1, "test.dead", n, 0, 1, 0, 1)


async def _row(services: Services, job: str) -> Task:
    async with services.db.shared() as tx:
        await work.add(tx, job, 1)
        # a tick rings the oldest, and other tests leave work behind
        await tx.run("UPDATE work SET run_at = run_at - interval '1 year' WHERE job = $1", job)
    return next(task for task in await work.due(services.db, 1_000_000) if task.job == job)


@pytest.mark.req("S3")
async def test_ids_of_the_dead_are_buried_and_those_of_the_living_stay(
    services: Services, redis: ArqRedis
) -> None:
    dead = [_of_nobody(n) for n in range(MANY)]
    for task in dead:
        await _begun(redis, task, seconds_ago=work.LEASE_SECONDS + 1)
    fresh = _of_nobody(MANY)
    await _begun(redis, fresh, seconds_ago=1)
    # a turn that takes its time: its row is leased
    running = await _row(services, "test.running")
    assert await work.take(services.db, running)
    await _begun(redis, running, seconds_ago=600)
    # a worker died before it took this row
    due = await _row(services, "test.due")
    await _begun(redis, due, seconds_ago=work.LEASE_SECONDS + 1)
    await worker.tick({"services": services, "redis": redis})
    queued = {name.decode() for name in await redis.zrange(worker.QUEUE, 0, -1)}
    assert {fresh.id, running.id, due.id} <= queued
    assert queued.isdisjoint(task.id for task in dead)
    # rung anew in the same tick, and nobody's
    assert not await redis.exists(in_progress_key_prefix + due.id)
    assert await redis.exists(in_progress_key_prefix + running.id)
    await work.finish(services.db, running)
    await work.finish(services.db, due)


@pytest.mark.req("S3")
async def test_a_turn_behind_many_that_run_is_taken(
    services: Services, redis: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many workers have in hand together."""
    ran = asyncio.Event()

    async def run(_: Services, __: Task) -> None:
        ran.set()

    monkeypatch.setitem(worker.JOBS, "test.behind", Job("test.behind", run))
    for n in range(MANY):
        await _begun(redis, _of_nobody(n), seconds_ago=1)
    await worker._ring(redis, await _row(services, "test.behind"))
    made = worker.make_worker(services, redis)
    running = asyncio.ensure_future(made.async_run())
    try:
        await asyncio.wait_for(ran.wait(), 30)
    finally:
        # not in the middle of a look, whose connection nobody would close
        made.allow_pick_jobs = False
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
