"""One turn of one lane: from the queue to the SMTP server, group by group (S1, S3).

    settle what an earlier turn left → claim → make mails → step → hand over, making the next ones meanwhile
    → step → … → nothing due, 30 s over, paused, or server away → release

No transaction is open while a mail is on its way. A worker has at most 64 rows in hand-over, over all its
lanes: that is how many can be in doubt after a kill.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from mailer.core import clock, jobs, restores
from mailer.core.db import is_away
from mailer.core.errors import Gone, Unavailable
from mailer.core.services import Services
from mailer.core.work import Task
from sending import claims, lanes, outcomes, personal, revisions, smtp, smtp_url
from sending.claims import Claimed, Ready, Turn
from sending.lanes import State
from sending.outcomes import Outcome
from sending.personal import Maker
from sending.render import RenderFailed
from sending.smtp import Mail, Pool, Reply

log = structlog.get_logger()
IN_FLIGHT = 64
AT_A_STRETCH = 8
RECORD_SECONDS = 120.0


@dataclass(slots=True)
class Slots:
    """Rows in hand-over of this process, shared fairly by its lanes."""

    size: int = IN_FLIGHT
    _held: dict[object, int] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, lane: object, wanted: int) -> int:
        """How many of `wanted` (≥ 1) this lane may have in hand-over next; what it holds counts as free."""
        self._held.setdefault(lane, 0)
        while True:
            free = self.size - sum(n for other, n in self._held.items() if other is not lane)
            n = min(wanted, free, max(1, self.size // len(self._held)))
            if n > 0:
                self._held[lane] = max(self._held[lane], n)
                return n
            self._changed.clear()
            await self._changed.wait()

    def keep(self, lane: object, n: int) -> None:
        self._held[lane] = n
        self._changed.set()

    def leave(self, lane: object) -> None:
        self._held.pop(lane, None)
        self._changed.set()


_slots: dict[asyncio.AbstractEventLoop, Slots] = {}


def slots() -> Slots:
    """This process's."""
    return _slots.setdefault(asyncio.get_running_loop(), Slots())


@dataclass(frozen=True, slots=True)
class _Made:
    ready: Ready
    mail: Mail
    attempts: int
    first_at: datetime | None


def _database_away(error: BaseException) -> bool:
    return isinstance(error, Unavailable) or is_away(error)


async def send(services: Services, task: Task) -> datetime | None:
    """The job "sending.send": `ref_id` is the campaign."""
    opened = await _open(services, task)
    if not isinstance(opened, _Lane):
        return opened
    try:
        await opened.run()
    finally:
        slots().leave(opened)
        await asyncio.shield(opened.release())
    return await opened.next_run()


async def _open(services: Services, task: Task) -> "_Lane | datetime | None":
    """The lane, or when to try again."""
    server = smtp_url.server(services.settings)
    if not await restores.may_send(services):
        return jobs.in_(seconds=restores.IDLE_SECONDS)
    async with services.db.account(task.account_id) as tx:
        state = await lanes.state(tx, task.ref_id)
        if state is None or state.month is None:
            return None
        turn = Turn(task.ref_id, state.month, task.lane)
        doubtful = await claims.settle(tx, turn)
        if doubtful:
            outcomes.count("in_doubt", doubtful)
            log.warning("deliveries in doubt", campaign=task.ref_id, lane=task.lane, count=doubtful)
        if state.status == "cancelled":
            await outcomes.cancel_open(tx, task.ref_id)
        if state.status == "sending" and not state.runs:
            await lanes.pause(tx, task.ref_id, "account")
        if not state.runs:
            return None
    if server is None:
        log.error("no SMTP server is set")
        return jobs.in_(minutes=1)
    maker = await _maker(services, task)
    if maker is None:
        return None
    return _Lane(services, task, turn, maker, smtp.pool(server, services.settings.mail_domain))


async def _maker(services: Services, task: Task) -> Maker | None:
    """None when the content cannot be had: then the campaign is paused and says why."""
    async with services.db.account(task.account_id) as tx:
        try:
            async with tx.savepoint():
                await revisions.reseal(tx, services, task.ref_id)
                return await personal.maker(tx, services, task.ref_id)
        except Gone:
            await lanes.pause(tx, task.ref_id, "content_gone")
        except (RenderFailed, ValueError):
            await lanes.pause(tx, task.ref_id, "content")
    return None


@dataclass(slots=True, eq=False)
class _Lane:
    services: Services
    task: Task
    turn: Turn
    maker: Maker
    pool: Pool
    claimed: deque[Claimed] = field(default_factory=deque)
    made: deque[_Made] = field(default_factory=deque)
    faulty: list[tuple[int, str, str]] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    away: bool = False
    over: bool = False
    ends: float = field(default_factory=lambda: asyncio.get_running_loop().time() + jobs.TURN_SECONDS)

    async def run(self) -> None:
        """Until nothing is due, the turn is over, the campaign stands still or the server is away."""
        done: list[Outcome] = []
        while True:
            if not self.made:
                await self._fill()
            if not await restores.may_send(self.services, every=restores.SENDING_SECONDS):
                self.over = True
            group = await self._group()
            if not (group or done):
                return
            begun = await self._step(done, group)
            slots().keep(self, len(begun))
            done = await self._hand_over(begun) if begun else []

    @property
    def _stopping(self) -> bool:
        return self.over or self.away or asyncio.get_running_loop().time() >= self.ends

    async def _group(self) -> list[_Made]:
        """The next mails, as many as may be in hand-over."""
        if self._stopping:
            self.made.clear()
        if not self.made:
            return []
        room = await slots().take(self, len(self.made))
        return [self.made.popleft() for _ in range(min(room, len(self.made)))]

    async def _fill(self) -> None:
        """Claims when nothing is claimed, and makes the mails of the next group."""
        try:
            while not self.made and not self._stopping:
                if not self.claimed:
                    async with self.services.db.account(self.task.account_id) as tx:
                        self.claimed.extend(await claims.claim(tx, self.turn))
                if not self.claimed:
                    return
                while self.claimed and len(self.made) < IN_FLIGHT:
                    self._make(self.claimed.popleft())
                    # making mails is work for the processor: replies and other lanes want their turn too
                    if not len(self.made) % AT_A_STRETCH:
                        await asyncio.sleep(0)
                await self._set_aside()
        except Exception as error:
            # outcomes of mails on their way are still to be written: the turn ends in order
            if not _database_away(error):
                raise
            self.over = True

    def _make(self, one: Claimed) -> None:
        if one.person is None:
            self.deleted.append(one.contact_id)
            return
        try:
            mail = self.maker.mail(one.person)
        except RenderFailed as failure:
            self.faulty.append(
                (one.contact_id, failure.reason, "the content cannot be made for this contact")
            )
        except ValueError:
            self.faulty.append((one.contact_id, "address", "the address or name fits into no header"))
        else:
            ready = Ready(
                contact_id=one.contact_id, person=one.person, tracking=self.maker.tracking(one.person)
            )
            self.made.append(_Made(ready, mail, one.attempts, one.first_at))

    async def _set_aside(self) -> None:
        """What will not be handed over is written down."""
        if not (self.faulty or self.deleted):
            return
        async with self.services.db.account(self.task.account_id) as tx:
            await claims.fail(tx, self.turn, self.faulty)
            await claims.skip_deleted(tx, self.turn, self.deleted)
        self.faulty, self.deleted = [], []

    async def _step(self, done: Sequence[Outcome], group: Sequence[_Made]) -> list[_Made]:
        """Writes the outcomes of the last group and begins the next one; returns those to hand over.

        What happened to a mail must reach the database: while that is away it is tried again, without
        beginning anything new.
        """
        if not (done or group):
            return []
        try:
            async with self.services.db.account(self.task.account_id) as tx:
                begun = await claims.step(tx, self.turn, done, [one.ready for one in group])
                state = await lanes.state(tx, self.task.ref_id)
        except Exception as error:
            if not _database_away(error):
                raise
            await self._record_later(done, [one.ready.contact_id for one in group])
            self.over = True
            return []
        self._look_at(state)
        return [one for one in group if one.ready.contact_id in begun]

    async def _record_later(self, done: Sequence[Outcome], unsure: list[int]) -> None:
        """After an answer that did not come: outcomes again, and what began without our knowing is undone."""
        ends = asyncio.get_running_loop().time() + RECORD_SECONDS
        while True:
            log.warning("database away while sending", campaign=self.task.ref_id, outcomes=len(done))
            await asyncio.sleep(0.5)
            try:
                async with self.services.db.account(self.task.account_id) as tx:
                    await claims.step(tx, self.turn, done, [])
                    await claims.take_back(tx, self.turn, unsure)
            except Exception as error:
                if not _database_away(error) or asyncio.get_running_loop().time() >= ends:
                    raise
            else:
                return

    def _look_at(self, state: State | None) -> None:
        if state is None or not state.runs:
            self.over = True

    async def _hand_over(self, group: Sequence[_Made]) -> list[Outcome]:
        """All of a group, over the connections there are; the next mails are made meanwhile."""
        leaving = asyncio.ensure_future(self.pool.hand_over_all([made.mail for made in group]))
        try:
            if not self.made:
                await self._fill()
            replies = await leaving
        finally:
            leaving.cancel()
        return [self._outcome(made, reply) for made, reply in zip(group, replies, strict=True)]

    def _outcome(self, made: _Made, reply: Reply) -> Outcome:
        if reply.unreached or reply.in_doubt or (reply.stage in ("connect", "mail") and reply.code != 552):
            self.away = True
        age = clock.now() - made.first_at if made.first_at else timedelta(0)
        return outcomes.of(made.ready.contact_id, reply, attempts=made.attempts, age=age)

    async def release(self) -> None:
        """What was claimed and not begun goes back. A database that is away leaves that to the next turn."""
        try:
            async with self.services.db.account(self.task.account_id) as tx:
                await claims.release(tx, self.turn)
        except Exception as error:
            if not _database_away(error):
                raise

    async def next_run(self) -> datetime | None:
        """When this lane is wanted again; None when the campaign has ended or stands still."""
        async with self.services.db.account(self.task.account_id) as tx:
            state = await lanes.state(tx, self.task.ref_id)
            if state is not None and state.status == "cancelled":
                await outcomes.cancel_open(tx, self.task.ref_id)
            if state is None or not state.runs:
                return None
            # looking through a campaign costs: only when nothing waits in its queue
            if state.next_at is None and await outcomes.finish(tx, self.task.ref_id):
                revisions.forget(self.task.account_id, self.task.ref_id)
                log.info("campaign sent", campaign=self.task.ref_id)
                return None
        if self.away:
            return clock.now() + outcomes.jittered(outcomes.SERVER_AWAY)
        if state.next_at is None:
            # other lanes still have mails on their way; one that is deferred will be everybody's again
            return jobs.in_(seconds=2)
        return max(state.next_at, jobs.again())
