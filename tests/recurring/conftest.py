"""A draft that can be repeated, and its plan's turns played by hand."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from mailer import worker
from mailer.core import clock, jobs, work
from mailer.core.services import Services
from sending import editions, recurrences
from sending.editions import Edition
from sending.recurrences import Plan, Recurrence
from tests.campaigns.conftest import Ready, ready
from tests.delivery.conftest import EVERY, Post, sink, with_server
from tests.make import Make
from tests.smtp_server import Sink

__all__ = ["ready", "sink"]
PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Trial:
    """A plan under way."""

    ready: Ready
    post: Post

    @property
    def campaign_id(self) -> int:
        return self.ready.campaign.id

    async def plan(self, **given: object) -> Recurrence:
        async with self.post.tx() as tx:
            values = {"every": "day", "at": time(9)} | given
            return await recurrences.put(
                tx, self.post.services, self.campaign_id, Plan.model_validate(values)
            )

    async def show(self) -> Recurrence:
        async with self.post.tx() as tx:
            return await recurrences.show(tx, self.campaign_id)

    async def editions(self) -> list[Edition]:
        async with self.post.tx() as tx:
            return await editions.many(tx, (await recurrences.show(tx, self.campaign_id)).id)

    async def at(self, moment: datetime) -> None:
        """The clock stands there, and the plan's turn comes."""
        clock.shift(clock.offset() + (moment - clock.now()))
        await self.turn()

    async def turn(self) -> None:
        plan = await self.show()
        async with self.post.tx() as tx:
            await work.add(tx, recurrences.JOB, plan.id)
        for task in await work.due(self.post.services.db, EVERY):
            if (task.account_id, task.job) == (self.post.account.id, recurrences.JOB):
                await jobs.run_turn(self.post.services, worker.JOBS, task)


Begin = Callable[..., Awaitable[Trial]]


@pytest.fixture
def begin(ready: Callable[..., Awaitable[Ready]], services: Services, make: Make, sink: Sink) -> Begin:
    async def build(**given: object) -> Trial:
        found = await ready(**given)
        return Trial(found, Post(with_server(services, sink), make, found.account, sink))

    return build
