"""Jobs: what the work table names. One wrapper runs them all.

A job's contract is one line: `async def job(services, task) -> datetime | None`, when to run again, or None
when finished. It takes a turn of at most about 30 s; `again()` says "at once". It may run more than once for
the same row, never twice at the same time.
"""

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from mailer.core import clock, metrics, work
from mailer.core.services import Services
from mailer.core.work import Task

log = structlog.get_logger()
TURN_SECONDS = 30.0
RENEW_SECONDS = 5.0
SOON_SECONDS = 1.0
"""A next turn within this time is rung by the worker that ends this one: the tick would come too late."""
Run = Callable[[Services, Task], Awaitable[datetime | None]]
Ring = Callable[[Task, float], Awaitable[None]]
"""Rings a turn in so many seconds."""


@dataclass(frozen=True, slots=True)
class Job:
    """`name` is "room.verb" and stands in the work table. `every`: started by itself with that period.

    `urgent`: somebody waits for it, so that it never stands behind turns of 30 seconds. `waits`: it waits for
    other people's servers most of the time, so that it may take no place that work could have.
    """

    name: str
    run: Run
    every: timedelta | None = None
    urgent: bool = False
    waits: bool = False


def again() -> datetime:
    """At once, behind what is due already."""
    return clock.now() - timedelta(seconds=1)


def in_(**span: float) -> datetime:
    return clock.now() + timedelta(**span)


def backoff(attempts: int) -> timedelta:
    """5 s doubling to 1 h, with a fifth of jitter."""
    seconds = min(5.0 * 2.0 ** min(attempts, 12), 3600.0)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311  (jitter is no secret)


async def _silence(task: Task, seconds: float) -> None:
    """Leaves the ringing to the tick."""


async def run_turn(services: Services, jobs: Mapping[str, Job], task: Task, ring: Ring = _silence) -> bool:
    """Runs one turn if it is still ours. False when there was nothing to do."""
    job = jobs.get(task.job)
    if job is None:
        log.error("unknown job", job=task.job)
        return False
    if not await work.take(services.db, task):
        return False
    with structlog.contextvars.bound_contextvars(job=task.id):
        try:
            run_at = await _with_lease(services, job, task)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await _failed(services, task, error)
            return True
        if run_at is None:
            await work.finish(services.db, task)
        else:
            # a job's clock may be ahead of the database's in a test: times are spans from now
            seconds = await work.postpone(services.db, task, run_at=run_at)
            if seconds is not None and seconds <= SOON_SECONDS:
                await ring(replace(task, turn=task.turn + 1, attempts=0), max(0.0, seconds))
        metrics.JOBS.labels(task.job, "done").inc()
    return True


async def _with_lease(services: Services, job: Job, task: Task) -> datetime | None:
    running = asyncio.ensure_future(job.run(services, task))
    try:
        while True:
            done, _ = await asyncio.wait({running}, timeout=RENEW_SECONDS)
            if done:
                return running.result()
            try:
                ours = await work.renew(services.db, task)
            except Exception as error:
                # the database is away: the turn will meet that itself
                log.warning("lease not renewed", error=str(error))
                continue
            if not ours:
                raise LostTurn(f"{task.id} was given to another")
    finally:
        if not running.done():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


class LostTurn(Exception):
    """The lease ended while the turn ran; somebody else has the row now."""


async def _failed(services: Services, task: Task, error: Exception) -> None:
    metrics.JOBS.labels(task.job, "failed").inc()
    # the text of an error may hold an address: the type and place go to the log, never values (B-61)
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "job failed",
        error=type(error).__name__,
        place=f"{place.filename.rpartition('/')[2]}:{place.lineno}",
        detail="".join(traceback.format_tb(error.__traceback__)),
    )
    if isinstance(error, LostTurn):
        return
    text = f"{type(error).__name__} at {place.filename.rpartition('/')[2]}:{place.lineno}"
    await work.postpone(services.db, task, run_at=clock.now() + backoff(task.attempts), error=text)
