"""Departures kept a second time, outside of PostgreSQL, for a database put back to an earlier state (B-28).

    a person leaves ─▶ commit ─▶ note: one entry of a Valkey stream, what the link itself says, no address
    a hold after a restore ─▶ replay: entries since the last moment that the database knows

Kept for as long as backups are (core/backup_files.py: 30 days), with some days to spare.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import orjson
import structlog
from redis.exceptions import RedisError

from lists import departures, subscriptions
from lists.consents import Method
from mailer.core import clock, jobs, restores
from mailer.core.actor import RECIPIENT
from mailer.core.jobs import Job
from mailer.core.services import Services
from mailer.core.tokens import RecipientToken
from mailer.core.work import Task

log = structlog.get_logger()
STREAM = "mailer:departures"
KEPT = timedelta(days=35)
SECONDS = 0.5
CHUNK = 500
APART = timedelta(minutes=1)  # of the clocks of PostgreSQL and Valkey


async def note(services: Services, left: Sequence[RecipientToken]) -> None:
    """After the commit. Never raises: the refusal itself is stored. A `list_id` of 0 is everything."""
    if not left:
        return
    oldest = int((clock.now() - KEPT).timestamp() * 1000)
    try:
        async with asyncio.timeout(SECONDS):
            async with services.redis.pipeline(transaction=False) as pipe:
                for who in left:
                    pipe.xadd(STREAM, {b"d": _pack(who)}, minid=oldest, approximate=True)
                await pipe.execute()
    except (RedisError, OSError, TimeoutError) as error:
        log.warning("departure not kept outside", error=type(error).__name__)


async def forget(services: Services) -> None:
    """What is too old goes also while nobody leaves. Valkey away: the next run does it."""
    oldest = int((clock.now() - KEPT).timestamp() * 1000)
    try:
        await services.redis.xtrim(STREAM, minid=oldest, approximate=False)
    except (RedisError, OSError) as error:
        log.warning("departures not trimmed", error=type(error).__name__)


async def replay(services: Services, _: Task) -> datetime | None:
    """The job "lists.replay_departures", asked for by a hold. Valkey away: tried again soon."""
    async with services.db.shared() as tx:
        found = await restores.show(tx)
    if not found.held:
        return None
    after = f"{int((found.marked_at - APART).timestamp() * 1000)}"
    count = 0
    try:
        while entries := await services.redis.xrange(STREAM, min=after, count=CHUNK):
            count += await _store(services, entries)
            after = f"({entries[-1][0].decode()}"
    except (RedisError, OSError) as error:
        log.warning("departures cannot be read", error=type(error).__name__)
        return jobs.in_(seconds=10)
    async with services.db.shared() as tx:
        await restores.count_replayed(tx, count)
    log.info("departures put back", count=count)
    return None


async def _store(services: Services, entries: Sequence[tuple[bytes, dict[bytes, Any]]]) -> int:
    """How many were news to the database."""
    found = [who for _, fields in entries if (who := _unpack(fields.get(b"d"))) is not None]
    news = 0
    for account_id, group in groupby(
        sorted(found, key=lambda who: who.account_id), key=lambda who: who.account_id
    ):
        async with services.db.account(account_id, actor=RECIPIENT) as tx:
            if not await tx.value("SELECT 1 FROM accounts WHERE id = $1"):
                continue
            for who in group:
                left = await subscriptions.unsubscribe(tx, who, method=Method.LINK)
                if not left.already:
                    await departures.record(tx, who, left.since, method=Method.LINK)
                    news += 1
    return news


def _pack(who: RecipientToken) -> bytes:
    return orjson.dumps(
        [who.account_id, who.list_id, who.contact_id, who.address_hash.hex(), who.campaign_id]
    )


def _unpack(data: bytes | None) -> RecipientToken | None:
    """None for what is not ours."""
    try:
        account_id, list_id, contact_id, hashed, campaign_id = orjson.loads(data or b"")
        return RecipientToken(
            int(account_id), int(list_id), int(contact_id), bytes.fromhex(hashed), int(campaign_id)
        )
    except (ValueError, TypeError):
        return None


JOBS = [Job(restores.REPLAY, replay)]
