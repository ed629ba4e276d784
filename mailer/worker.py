"""The arq worker: every job, and the tick that rings what PostgreSQL says is due.

    tick     rings what is due, each second, in one of the workers; a turn that goes on rings itself
    queue    turns: 12 at a time, up to 30 s each
    urgent   what somebody waits for: sign-in links, transactional messages, test sends
    waits    what waits for other people's servers: webhooks
    background   sweeps over all accounts, a few at a time

Five queues, so that twelve long turns delay neither the bell nor what is urgent, slow servers no turn, and
a thousand accounts' daily cleaning no campaign.
arq only runs: flush Redis, and nothing is lost (S3). The serializer is JSON, one try a ring, no result kept.
"""

import asyncio
import contextlib
import signal
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import structlog
from arq import cron
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.worker import Worker, func
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

import lists.jobs
import mailer.accounts.jobs
import mailer.webhooks.jobs
import retention_jobs.jobs
import sending.jobs
import tracking.jobs
from mailer.core import metrics, process, restores, work
from mailer.core.errors import Unavailable
from mailer.core.jobs import Job, run_turn
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings
from mailer.core.work import Task

log = structlog.get_logger()
ALL: list[Job] = [
    *lists.jobs.JOBS,
    *tracking.jobs.JOBS,
    *sending.jobs.JOBS,
    *retention_jobs.jobs.JOBS,
    *mailer.webhooks.jobs.JOBS,
    *mailer.accounts.jobs.JOBS,
]
JOBS: dict[str, Job] = {job.name: job for job in ALL}
QUEUE = "mailer:queue"
URGENT = "mailer:urgent"
WAITS = "mailer:waits"
BACKGROUND = "mailer:background"
TICK = "mailer:tick"
# S3: longer than a turn with its open hand-overs; a deploy lets turns end
TIMEOUT = timedelta(minutes=15)
GRACE = timedelta(minutes=11)
# how long arq keeps the id of what a worker has begun to itself
ID_KEPT = TIMEOUT + timedelta(seconds=10)
PARALLEL = 12
AT_ONCE = {TICK: 1, QUEUE: PARALLEL, URGENT: 8, WAITS: 32, BACKGROUND: 2}
POLL_SECONDS = {TICK: 0.5, QUEUE: 0.1, URGENT: 0.05, WAITS: 0.2, BACKGROUND: 0.5}
"""How often a queue is looked at: each look costs as much as a mail."""
READ_AHEAD = 1000
"""Ids that a worker looks at: all turns that run anywhere stand before those that wait."""


async def run_task(ctx: dict[str, Any], *task: Any) -> None:
    """The one function that arq knows."""

    async def ring(following: Task, seconds: float) -> None:
        # what is not rung here is rung by the tick
        with contextlib.suppress(RedisError, OSError):
            await _ring(ctx["redis"], following, seconds)

    await run_turn(ctx["services"], JOBS, Task(*task), ring)


async def tick(ctx: dict[str, Any]) -> None:
    """Rings what is due; rung twice is the same ring, because the turn is in the id."""
    services: Services = ctx["services"]
    try:
        await restores.may_send(services, every=restores.IDLE_SECONDS)
        due = await work.due(services.db)
        await _bury(services)
        for task in due:
            await _ring(ctx["redis"], task)
        metrics.WORK_AGE.set(await work.oldest_seconds(services.db))
    except (Unavailable, RedisError, OSError) as error:
        log.warning("tick failed", error=type(error).__name__)
    except Exception as error:
        # an error in a cron must not end the worker; the next tick is a second away
        log.error("tick failed", error=type(error).__name__, detail=str(error)[:200])


async def _bury(services: Services) -> None:
    """Ids of workers that were killed, which arq would keep to them for as long as a turn may take.

    A turn between its ring and its row would wait for that; and a worker looks at READ_AHEAD ids and no
    further, so that many of them hold up all others. Who has had an id for a lease and holds no row is gone.
    """
    redis = services.redis
    found = {
        name.decode(): queue
        for queue in (QUEUE, URGENT, WAITS, BACKGROUND)
        for name in await redis.zrange(queue, 0, READ_AHEAD - 1)
    }
    if not found:
        return
    async with redis.pipeline(transaction=False) as ask:
        for name in found:
            ask.pttl(in_progress_key_prefix + name)
        left = await ask.execute()
    latest = (ID_KEPT.total_seconds() - work.LEASE_SECONDS) * 1000
    old = [name for name, milliseconds in zip(found, left, strict=True) if 0 < milliseconds < latest]
    dead = set(old) - await work.held(services.db, old) if old else set()
    for name in dead:
        await redis.zrem(found[name], name)
        await redis.delete(
            *(prefix + name for prefix in (in_progress_key_prefix, job_key_prefix, retry_key_prefix))
        )
    if dead:
        log.warning("turns of a worker that is gone", turns=len(dead))


async def _ring(redis: ArqRedis, task: Task, seconds: float = 0.0) -> None:
    later = timedelta(seconds=seconds) if seconds else None
    await redis.enqueue_job(
        "run_task", *_payload(task), _job_id=task.id, _queue_name=_queue(task), _defer_by=later
    )


def _queue(task: Task) -> str:
    job = JOBS.get(task.job)
    if job is not None and job.urgent:
        return URGENT
    if job is not None and job.waits:
        return WAITS
    return BACKGROUND if task.background else QUEUE


def _payload(task: Task) -> tuple[object, ...]:
    common = task.account_id, task.job, task.ref_id, task.lane, task.turn, task.attempts, task.born
    # a worker of the version before takes no more words than these, and knows no background
    return (*common, True) if task.background else common


async def start_periodic(services: Services) -> None:
    """Rows for the jobs that run by themselves; a row that is there keeps its time."""
    async with services.db.shared() as tx:
        for job in ALL:
            if job.every is not None:
                await work.ensure(tx, job.name)


def redis_settings(url: str) -> RedisSettings:
    path = url.removeprefix("unix://") if url.startswith("unix://") else None
    settings = RedisSettings(unix_socket_path=path) if path else RedisSettings.from_dsn(url)
    settings.retry = Retry(ExponentialBackoff(cap=2, base=0.05), 30)
    settings.retry_on_error = [RedisConnectionError]
    settings.retry_on_timeout = True
    settings.conn_timeout = 10
    return settings


def make_worker(services: Services, redis: ArqRedis, queue: str = QUEUE) -> Worker:
    """One of the five; `redis` is its own, closed with it."""
    ticks = queue == TICK
    run = func(run_task, name="run_task", keep_result=0, timeout=TIMEOUT, max_tries=1)
    every_second = cron(
        tick, second=set(range(60)), unique=True, timeout=30, keep_result=0, run_at_startup=True
    )
    return Worker(
        functions=[] if ticks else [run],
        cron_jobs=[every_second] if ticks else [],
        redis_pool=redis,
        queue_name=queue,
        ctx={"services": services},
        max_jobs=AT_ONCE[queue],
        poll_delay=POLL_SECONDS[queue],
        queue_read_limit=READ_AHEAD,
        keep_result=0,
        max_tries=1,
        job_timeout=TIMEOUT,
        job_completion_wait=int(GRACE.total_seconds()),
        handle_signals=False,
        job_serializer=orjson.dumps,
        job_deserializer=orjson.loads,
        health_check_interval=60,
    )


async def run_worker(settings: Settings) -> None:
    """Until SIGTERM or SIGINT: then no new turn starts, and the running ones may end."""
    async with open_services(settings, pool_size=PARALLEL + 4) as services:
        await restores.may_send(services)
        process.spare_the_collector()
        await start_periodic(services)
        queues = [_Queue(services, name) for name in (TICK, URGENT, WAITS, QUEUE, BACKGROUND)]
        for queue in queues:
            await queue.open()
        _stop_on_signals(queues)
        running = [asyncio.ensure_future(queue.run()) for queue in queues]
        try:
            # arq ends a worker by cancelling its loop: that is the end in order
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
            for one in ended:
                if not one.cancelled() and (error := one.exception()) is not None:
                    raise error
            log.info("worker stopped")
        finally:
            await asyncio.gather(*(queue.close() for queue in queues), *running, return_exceptions=True)


@dataclass
class _Queue:
    """arq's workers of one queue, one after the other: a queue that was away ends arq's loop, and with it the
    process would end in the middle of its turns. A new worker goes on, those turns end by themselves."""

    services: Services
    name: str
    workers: list[Worker] = field(default_factory=list)
    left: list[asyncio.Task[object]] = field(default_factory=list)
    """Turns of workers whose loop has ended."""
    stopping: bool = False

    async def open(self) -> None:
        """Raises RedisError when the queue is away."""
        redis = await create_pool(
            redis_settings(self.services.settings.redis_url),
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
            default_queue_name=self.name,
        )
        self.workers.append(make_worker(self.services, redis, self.name))

    async def run(self) -> None:
        try:
            while not self.stopping:
                try:
                    await self.workers[-1].async_run()
                except (RedisError, OSError) as error:
                    log.warning("queue away", queue=self.name, error=type(error).__name__)
                    self.left = [one for one in self.left if not one.done()]
                    self.left += self.workers[-1].tasks.values()
                await self._reopen()
        finally:
            await asyncio.gather(*self.left, return_exceptions=True)

    async def _reopen(self) -> None:
        while not self.stopping:
            await asyncio.sleep(1)
            try:
                await self.open()
            except (RedisError, OSError) as error:
                log.warning("queue away", queue=self.name, error=type(error).__name__)
            else:
                return

    def stop(self, signum: signal.Signals) -> None:
        self.stopping = True
        self.workers[-1].handle_sig_wait_for_completion(signum)

    async def close(self) -> None:
        await asyncio.gather(*(worker.close() for worker in self.workers), return_exceptions=True)


def _stop_on_signals(queues: list[_Queue]) -> None:
    def stop(signum: signal.Signals) -> None:
        for queue in queues:
            queue.stop(signum)

    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop, signum)
