"""Places in hand-over: at most 64 rows of a worker are on their way, over all its lanes (S1, D-22)."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

IN_FLIGHT = 64
FOR_MESSAGES = 8
"""Of them, kept for transactional messages (D-82)."""


class Holder(Protocol):
    """Whoever takes places: a lane, or a turn of messages."""

    @property
    def account_id(self) -> int: ...


@dataclass(slots=True)
class Slots:
    """Rows in hand-over of this process, shared evenly by accounts, and by the lanes of each."""

    size: int
    _held: dict[Holder, int] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, lane: Holder, wanted: int) -> int:
        """How many of `wanted` (≥ 1) this lane may have in hand-over next; what it holds counts as free."""
        self._held.setdefault(lane, 0)
        while True:
            free = self.size - sum(n for other, n in self._held.items() if other is not lane)
            n = min(wanted, free, self._share(lane))
            if n > 0:
                self._held[lane] = max(self._held[lane], n)
                return n
            self._changed.clear()
            await self._changed.wait()

    def _share(self, lane: Holder) -> int:
        lanes = Counter(other.account_id for other in self._held)
        return max(1, self.size // len(lanes) // lanes[lane.account_id])

    def keep(self, lane: Holder, n: int) -> None:
        self._held[lane] = n
        self._changed.set()

    def leave(self, lane: Holder) -> None:
        self._held.pop(lane, None)
        self._changed.set()


_campaigns: dict[asyncio.AbstractEventLoop, Slots] = {}
_messages: dict[asyncio.AbstractEventLoop, Slots] = {}


_running: set[tuple[asyncio.AbstractEventLoop, int, int]] = set()


@contextmanager
def reserved(account_id: int, campaign_id: int) -> Iterator[bool]:
    """True for the one lane of the campaign that runs in this process, until it ends."""
    one = (asyncio.get_running_loop(), account_id, campaign_id)
    ours = one not in _running
    _running.add(one)
    try:
        yield ours
    finally:
        if ours:
            _running.discard(one)


def of_campaigns() -> Slots:
    """This process's."""
    return _campaigns.setdefault(asyncio.get_running_loop(), Slots(IN_FLIGHT - FOR_MESSAGES))


def of_messages() -> Slots:
    """This process's."""
    return _messages.setdefault(asyncio.get_running_loop(), Slots(FOR_MESSAGES))
