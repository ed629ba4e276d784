"""What arq runs for this room: the flush of hits into the database, each second; sums of campaigns."""

import time
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from redis.exceptions import RedisError

from mailer.core import metrics, work
from mailer.core.db import is_away
from mailer.core.errors import Unavailable
from mailer.core.jobs import Job, again, in_
from mailer.core.services import Services
from mailer.core.work import Task
from tracking import buffer, campaign_figures, ingest
from tracking.buffer import Entry

log = structlog.get_logger()
BATCH = 5000
TURN_SECONDS = 20.0


async def flush(services: Services, task: Task) -> datetime | None:
    """What a killed turn had read comes first. Redis away: nothing is lost, the next turn is soon."""
    try:
        await buffer.replay(services)
        await buffer.prepare(services.redis)
        started = time.monotonic()
        after, failed = "0", 0
        while time.monotonic() - started < TURN_SECONDS:
            entries = await buffer.read(services.redis, after, count=BATCH)
            if not entries and after == ">":
                # what failed is read again in a while, and holds nobody else up
                return in_(seconds=10 if failed else 1)
            done = await _store(services, entries)
            failed += len(entries) - len(done)
            await buffer.ack(services.redis, done)
            if after != ">":
                after = entries[-1].id if entries else ">"
    except (RedisError, OSError) as error:
        log.warning("event stream away", error=type(error).__name__)
        return in_(seconds=2)
    return again()


async def _store(services: Services, entries: list[Entry]) -> list[Entry]:
    """One transaction an account. Returns what may be acknowledged."""
    done = [entry for entry in entries if entry.hit is None]
    if done:
        metrics.EVENTS.labels("unknown", "unreadable").inc(len(done))
    known = sorted(
        (entry for entry in entries if entry.hit is not None),
        key=lambda entry: entry.hit.account_id if entry.hit else 0,
    )
    for account_id, group in groupby(known, key=lambda entry: entry.hit.account_id if entry.hit else 0):
        batch = list(group)
        hits = [entry.hit for entry in batch if entry.hit is not None]
        try:
            async with services.db.account(account_id) as tx:
                await ingest.make_months(tx, hits)
                results = await ingest.store(tx, hits)
        except Exception as error:
            if isinstance(error, Unavailable) or is_away(error):
                raise
            # rule 17: one account's fault does not hold the others up
            log.error("events not stored", error=type(error).__name__, detail=str(error)[:200])
            continue
        ingest.count(results)
        done += batch
    return done


async def sum_up(services: Services, _: Task) -> datetime:
    """Every quarter of an hour, each account's campaigns that are due to be counted again."""
    async with services.db.shared() as tx:
        await work.add_for_each_account(tx, "tracking.count_campaigns")
    return in_(minutes=15)


async def count_campaigns(services: Services, task: Task) -> datetime | None:
    """One campaign a transaction: a large one takes seconds."""
    started = time.monotonic()
    while time.monotonic() - started < TURN_SECONDS:
        async with services.db.account(task.account_id) as tx:
            if not await campaign_figures.refresh(tx, most_recipients=campaign_figures.MANY, limit=1):
                return None
    return again()


JOBS: list[Job] = [
    Job("tracking.flush", flush, every=timedelta(seconds=1)),
    Job("tracking.sum_up", sum_up, every=timedelta(minutes=15)),
    Job("tracking.count_campaigns", count_campaigns),
]
