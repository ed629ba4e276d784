"""What arq runs for this room: the flush of hits into the database, each second; new rules for old events."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from mailer.core import metrics, work
from mailer.core.db import is_away
from mailer.core.errors import Unavailable
from mailer.core.jobs import Job, again, in_
from mailer.core.services import Services
from mailer.core.work import Task
from tracking import buffer, ingest, jobs_figures, rejudge, tallies
from tracking.buffer import Entry, Hit
from tracking.window import MAX_KEPT, Seen, Window

log = structlog.get_logger()
BATCH = 5000
"""Hits in a transaction, about."""
ENTRIES = 100
SMALL, PAUSE_SECONDS = 2000, 0.5
TURN_SECONDS = 20.0
_windows: WeakKeyDictionary[Redis, Window] = WeakKeyDictionary()


async def flush(services: Services, task: Task) -> datetime | None:
    """What a killed turn had read comes first. Redis away: nothing is lost, the next turn is soon."""
    window = _windows.setdefault(services.redis, Window())
    try:
        await buffer.replay(services)
        await buffer.prepare(services.redis)
        await _catch_up(services, window)
        started = time.monotonic()
        after, failed = "0", 0
        while time.monotonic() - started < TURN_SECONDS:
            entries = await _batch(services, after)
            if not entries and after == ">":
                await buffer.trim(services.redis)
                # what failed is read again in a while, and holds nobody else up
                return in_(seconds=10 if failed else 1)
            done = await _store(services, entries, window)
            failed += len(entries) - len(done)
            await buffer.ack(services.redis, done)
            if after == ">":
                # one that was cleared by a failure is filled again by the next turn
                window.last_id = entries[-1].id if window.last_id else ""
                if len(_hits(entries)) < SMALL:
                    # a transaction costs the same for ten hits and for a thousand
                    await asyncio.sleep(PAUSE_SECONDS)
            else:
                after = entries[-1].id if entries else ">"
        await buffer.trim(services.redis)
    except (RedisError, OSError) as error:
        log.warning("event stream away", error=type(error).__name__)
        return in_(seconds=2)
    return again()


async def _catch_up(services: Services, window: Window) -> None:
    """What other processes have stored meanwhile is what the hits to come are judged by."""
    until = await buffer.last_read(services.redis)
    taken = 0
    while window.last_id != until and taken < MAX_KEPT:
        entries = await buffer.between(services.redis, window.last_id, until, count=ENTRIES)
        if not entries:
            break
        window.add(_hits(entries))
        window.last_id = entries[-1].id
        taken += sum(len(entry.hits) for entry in entries)
    window.last_id = until


async def _batch(services: Services, after: str) -> list[Entry]:
    """Entries of some thousand hits together, fewer when there are no more."""
    found: list[Entry] = []
    hits = 0
    while hits < BATCH:
        position = found[-1].id if found and after != ">" else after
        entries = await buffer.read(services.redis, position, count=ENTRIES)
        if not entries:
            break
        found += entries
        hits += sum(max(1, len(entry.hits)) for entry in entries)
    return found


def _hits(entries: Iterable[Entry]) -> list[Hit]:
    """Of people; what is only counted is no sign of anything (B-33, B-34)."""
    return [hit for entry in entries for hit in entry.hits if hit.kind not in tallies.KINDS]


async def _store(services: Services, entries: Sequence[Entry], window: Window | None = None) -> list[Entry]:
    """One transaction an account. Returns what may be acknowledged: entries whose hits are all done with."""
    window = window if window is not None else Window()
    unreadable = sum(1 for entry in entries if not entry.hits)
    if unreadable:
        metrics.EVENTS.labels("unknown", "unreadable").inc(unreadable)
    people: dict[int, list[Seen]] = defaultdict(list)
    for one in window.add(_hits(entries)):
        people[one.hit.account_id].append(one)
    counted: dict[int, list[Hit]] = defaultdict(list)
    for hit in [hit for entry in entries for hit in entry.hits if hit.kind in tallies.KINDS]:
        counted[hit.account_id].append(hit)
    failed: set[int] = set()
    for account_id in sorted({*people, *counted}):
        try:
            async with services.db.account(account_id) as tx:
                results = await tallies.store(tx, counted[account_id])
                if people[account_id]:
                    results += await ingest.store(tx, people[account_id], window)
        except Exception as error:
            # what it was judged by has moved, and its transaction did not
            window.clear()
            if isinstance(error, Unavailable) or is_away(error):
                raise
            # rule 17: one account's fault does not hold the others up
            log.error("events not stored", error=type(error).__name__, detail=str(error)[:200])
            failed.add(account_id)
        else:
            ingest.count(results)
    if not failed:
        return list(entries)
    return [entry for entry in entries if failed.isdisjoint(hit.account_id for hit in entry.hits)]


async def judge_all(services: Services, _: Task) -> datetime:
    """A row of work for each account; those that are judged by the present rules end at once."""
    async with services.db.shared() as tx:
        await work.add_for_each_account(tx, "tracking.judge_anew")
    return in_(seconds=JUDGED.total_seconds())


async def judge_anew(services: Services, task: Task) -> datetime | None:
    started = time.monotonic()
    while time.monotonic() - started < TURN_SECONDS:
        async with services.db.account(task.account_id) as tx:
            if not await rejudge.step(tx):
                return None
    return again()


JUDGED = timedelta(hours=1)
JOBS: list[Job] = [
    Job("tracking.flush", flush, every=timedelta(seconds=1)),
    Job("tracking.judge_all", judge_all, every=JUDGED),
    Job("tracking.judge_anew", judge_anew),
    *jobs_figures.JOBS,
]
