"""Reports that are being watched: one reading of the database a second for each, shared by all who watch it.

    watcher ─ look ─▶ Channel of (account, campaign) ─ at most once a second ─▶ whole_report.whole

Of one process. A campaign that nobody watches any more is forgotten at once.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from mailer.core.db import Database
from tracking import whole_report
from tracking.whole_report import Whole

EVERY_SECONDS = 1.0
MOST_OF_ACCOUNT = 30
"""Streams of one account in this process: as people look at reports, not as a script opens them."""


@dataclass(slots=True)
class Channel:
    """`read`: how often the database was asked, for the figures of this process."""

    account_id: int
    campaign_id: int
    watchers: int = 0
    whole: Whole | None = None
    at: float = float("-inf")
    read: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Hub:
    """Everything that is watched in this process."""

    channels: dict[tuple[int, int], Channel] = field(default_factory=dict)
    of_account: Counter[int] = field(default_factory=Counter)

    def full(self, account_id: int) -> bool:
        return self.of_account[account_id] >= MOST_OF_ACCOUNT

    @contextmanager
    def watch(self, account_id: int, campaign_id: int) -> Iterator[Channel]:
        """A place at the channel for as long as the block."""
        channel = self.channels.setdefault((account_id, campaign_id), Channel(account_id, campaign_id))
        channel.watchers += 1
        self.of_account[account_id] += 1
        try:
            yield channel
        finally:
            channel.watchers -= 1
            self.of_account[account_id] -= 1
            if not self.of_account[account_id]:
                del self.of_account[account_id]
            if not channel.watchers:
                del self.channels[(account_id, campaign_id)]


_hubs: WeakKeyDictionary[Database, Hub] = WeakKeyDictionary()


def hub(db: Database) -> Hub:
    return _hubs.setdefault(db, Hub())


async def look(db: Database, channel: Channel, *, zone: str) -> Whole:
    """The report, at most a second old. Raises NotFound."""
    async with channel.lock:
        if channel.whole is None or time.monotonic() - channel.at >= EVERY_SECONDS:
            async with db.account(channel.account_id) as tx:
                channel.whole = await whole_report.whole(tx, channel.campaign_id, zone=zone)
            channel.at = time.monotonic()
            channel.read += 1
        return channel.whole
