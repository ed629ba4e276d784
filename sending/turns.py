"""One turn of one lane: from the queue to the SMTP server, group by group (S1, S3).

    settle what an earlier turn left → claim → make mails → step → hand over, making the next ones meanwhile
    → step → … → nothing due, 30 s over, paused, or server away → release

No transaction is open while a mail is on its way. A worker has at most 64 rows in hand-over, over all its
lanes: that is how many can be in doubt after a kill.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from mailer.core import clock, jobs, restores
from mailer.core.db import AccountTx
from mailer.core.errors import Gone
from mailer.core.services import Services
from mailer.core.work import Task
from sending import (
    ab_makers,
    claims,
    domains,
    evidence,
    lane_start,
    lanes,
    outcomes,
    pace,
    personal,
    recording,
    replies,
    requested,
    revisions,
    route,
    servers,
    slots,
)
from sending.claims import Claimed, Ready, Turn
from sending.lane_pace import LanePace
from sending.outcomes import Outcome
from sending.personal import Maker
from sending.recording import database_away
from sending.render import RenderFailed
from sending.route import Route
from sending.smtp import Mail, Reply

log = structlog.get_logger()
AT_A_STRETCH = 8
ASIDE_SECONDS = 0.3


# with the profile of each
Done = tuple[str, Outcome]


@dataclass(frozen=True, slots=True)
class _Made:
    ready: Ready
    mail: Mail
    attempts: int
    first_at: datetime | None
    profile: str


async def send(services: Services, task: Task) -> datetime | None:
    """The job "sending.send": `ref_id` is the campaign."""
    with slots.reserved(task.account_id, task.ref_id) as alone:
        if not alone:
            # a second lane in this process would only halve its places: another worker is to take it
            return jobs.in_(seconds=ASIDE_SECONDS)
        opened = await _open(services, task)
        if not isinstance(opened, _Lane):
            return opened
        await _run(opened)
        return await opened.next_run()


async def _run(lane: "_Lane") -> None:
    running = asyncio.ensure_future(lane.run())
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        # The lease was lost, the database being away for long, say. Nothing more begins, but what became of
        # mails that were on their way is written down: lane and mark of their rows are still this turn's.
        lane.over = True
        await running
        raise
    finally:
        slots.of_campaigns().leave(lane)
        await asyncio.shield(lane.release())
        await asyncio.shield(lane.pace.leave())


async def _open(services: Services, task: Task) -> "_Lane | datetime | None":
    """The lane, or when to try again."""
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
        found = await servers.of(tx, services)
    if not found:
        log.error("no SMTP server is set")
        return jobs.in_(minutes=1)
    makers = await _makers(services, task)
    if makers is None:
        return None
    async with services.db.account(task.account_id) as tx:
        started = await lane_start.start(tx, turn)
    scope = pace.Scope(
        pace.server_key(found[0]), task.account_id, started.sender_id, task.ref_id, task.lane, turn.mark
    )
    speed = LanePace(services, scope, turn, started)
    return _Lane(services, task, turn, makers, route.of(found, services.settings.mail_domain), speed)


async def _makers(services: Services, task: Task) -> Mapping[int, Maker] | None:
    """By a delivery's variant. None when the content cannot be had: the campaign is paused and says why."""
    async with services.db.account(task.account_id) as tx:
        try:
            async with tx.savepoint():
                await revisions.reseal(tx, services, task.ref_id)
                maker = await personal.signing_maker(tx, services, task.ref_id)
                makers = await ab_makers.of(tx, services, maker)
            if (await domains.gate(tx, services, maker.sender_domain)).open:
                return makers
            await lanes.pause(tx, task.ref_id, "domain")
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
    makers: Mapping[int, Maker]
    route: Route
    pace: LanePace
    claimed: deque[Claimed] = field(default_factory=deque)
    made: deque[_Made] = field(default_factory=deque)
    # what became of mails, and which may have begun without being on their way: not in the database yet
    done: Sequence[Done] = ()
    unsure: Sequence[int] = ()
    faulty: list[tuple[int, str, str]] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    away: bool = False
    over: bool = False
    refused: bool = False
    ends: float = field(default_factory=lambda: asyncio.get_running_loop().time() + jobs.TURN_SECONDS)

    async def run(self) -> None:
        """Until nothing is due, the turn is over, the campaign stands still or the server is away.

        Whatever breaks it off, what became of mails is written down, and what had not left goes back.
        """
        try:
            await self._groups()
        except Exception as error:
            if self.done or self.unsure:
                await recording.write_down(
                    self._record, error, campaign=self.task.ref_id, outcomes=len(self.done)
                )
            if not database_away(error):
                raise
            self.over = True

    async def _groups(self) -> None:
        while True:
            if not self.made:
                await self._fill()
            if not await restores.may_send(self.services, every=restores.SENDING_SECONDS):
                self.over = True
            group = await self._group()
            if not (group or self.done):
                return
            begun = await self._step(group)
            self.over = self.over or await self.pace.gives_way()
            slots.of_campaigns().keep(self, len(begun))
            if begun:
                await self._hand_over(begun)

    @property
    def account_id(self) -> int:
        return self.task.account_id

    @property
    def maker(self) -> Maker:
        """The first variant's: what all of them share."""
        return self.makers[1]

    @property
    def _stopping(self) -> bool:
        return self.over or self.away or asyncio.get_running_loop().time() >= self.ends

    async def _group(self) -> list[_Made]:
        """The next mails, as many as may be in hand-over."""
        if self._stopping:
            self.made.clear()
        if not self.made:
            return []
        room = await slots.of_campaigns().take(self, len(self.made))
        return [self.made.popleft() for _ in range(min(room, len(self.made)))]

    async def _fill(self) -> None:
        """Claims when nothing is claimed, and makes the mails of the next group."""
        try:
            while not self.made and not self._stopping:
                if not self.claimed:
                    claimed = await self.pace.claim()
                    self.claimed.extend(await requested.mark(self.services, self.maker, claimed))
                if not self.claimed:
                    return
                fresh: list[_Made] = []
                while self.claimed and len(fresh) < slots.of_campaigns().size:
                    fresh += self._make(self.claimed.popleft())
                    # making mails is work for the processor: replies and other lanes want their turn too
                    if not len(fresh) % AT_A_STRETCH:
                        await asyncio.sleep(0)
                self.made.extend(await self._signed(fresh))
                await self._set_aside()
        except Exception as error:
            # outcomes of mails on their way are still to be written: the turn ends in order
            if not database_away(error):
                raise
            self.over = True

    async def _signed(self, fresh: list[_Made]) -> list[_Made]:
        """In a thread, one hop a group: OpenSSL lets this loop and other threads run meanwhile."""
        if not self.maker.signers:
            return fresh
        mails = await asyncio.to_thread(self.maker.sign, [one.mail for one in fresh])
        return [replace(one, mail=mail) for one, mail in zip(fresh, mails, strict=True)]

    def _make(self, one: Claimed) -> list[_Made]:
        """Its mail, not signed yet; empty when there is none to make."""
        if one.person is None:
            self.deleted.append(one.contact_id)
            return []
        maker = self.makers.get(one.variant)
        if maker is None:
            # an A/B test was decided since this turn began: the next one knows the winner
            self.over = True
            return []
        try:
            mail = maker.mail(one.person)
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
            return [_Made(ready, mail, one.attempts, one.first_at, one.profile)]
        return []

    async def _set_aside(self) -> None:
        """What will not be handed over is written down."""
        if not (self.faulty or self.deleted):
            return
        async with self.services.db.account(self.task.account_id) as tx:
            await claims.fail(tx, self.turn, self.faulty)
            await claims.skip_deleted(tx, self.turn, self.deleted)
        self.faulty, self.deleted = [], []

    async def _step(self, group: Sequence[_Made]) -> list[_Made]:
        """Writes the outcomes of the last group and begins the next one; returns those to hand over."""
        self.unsure = [one.ready.contact_id for one in group]
        async with self.services.db.account(self.task.account_id) as tx:
            allowed = await self.pace.begin(tx, [(one.profile, one.first_at is None) for one in group])
            group = [one for one, may in zip(group, allowed, strict=True) if may]
            done, ready = [outcome for _, outcome in self.done], [one.ready for one in group]
            begun = await claims.step(tx, self.turn, done, ready)
            began = [one for one in group if one.ready.contact_id in begun]
            await self.pace.record(tx, self.done, [(one.profile, one.first_at is None) for one in began])
            if group and not began:
                # the statement moves nothing when the campaign does not run any more
                await self._look(tx)
        self.done = ()
        return began

    async def _record(self) -> None:
        """Outcomes without a next group; what began without our knowing is undone."""
        async with self.services.db.account(self.task.account_id) as tx:
            await claims.step(tx, self.turn, [outcome for _, outcome in self.done], [])
            await claims.take_back(tx, self.turn, self.unsure)

    async def _look(self, tx: AccountTx) -> None:
        state = await lanes.state(tx, self.task.ref_id)
        self.over = self.over or state is None or not state.runs

    async def _hand_over(self, group: Sequence[_Made]) -> None:
        """All of a group, over the connections there are; the next mails are made meanwhile."""
        mails = [(made.profile, made.mail) for made in group]
        self.unsure = ()
        leaving = asyncio.ensure_future(self.pace.hand_over(self.route, mails))
        failed: Exception | None = None
        try:
            try:
                if not self.made:
                    await self._fill()
            except Exception as error:
                # these are on their way all the same
                failed = error
            replies = await leaving
        finally:
            leaving.cancel()
        self.done = [
            (made.profile, self._outcome(made, reply)) for made, reply in zip(group, replies, strict=True)
        ]
        if failed is not None:
            raise failed

    def _outcome(self, made: _Made, reply: Reply | None) -> Outcome:
        if reply is None:
            return outcomes.held(made.ready.contact_id, self.pace.pause_left(made.profile))
        if reply.server_fails:
            self.away = True
        if replies.is_unauthenticated(reply.code, reply.text):
            self.refused = self.over = True
        age = clock.now() - made.first_at if made.first_at else timedelta(0)
        return outcomes.of(
            made.ready.contact_id, reply, attempts=made.attempts, age=age, profile=made.profile
        )

    async def release(self) -> None:
        """What was claimed and not begun goes back. A database that is away leaves that to the next turn."""
        try:
            async with self.services.db.account(self.task.account_id) as tx:
                await claims.release(tx, self.turn)
                await self.route.note(tx)
        except Exception as error:
            if not database_away(error):
                raise

    async def next_run(self) -> datetime | None:
        """When this lane is wanted again; None when the campaign has ended or stands still."""
        async with self.services.db.account(self.task.account_id) as tx:
            if self.refused:
                await domains.stop(tx, self.maker.sender_domain, "unauthenticated")
            state = await lanes.state(tx, self.task.ref_id)
            if state is not None and state.status == "cancelled":
                await outcomes.cancel_open(tx, self.task.ref_id)
            if state is None or not state.runs:
                return None
            queues = await lanes.queues(tx, self.task.ref_id)
            # looking through a campaign costs: only when nothing waits in its queue
            if not queues and await outcomes.finish(tx, self.task.ref_id):
                revisions.forget(self.task.account_id, self.task.ref_id)
                log.info("campaign sent", campaign=self.task.ref_id)
                return None
            if queues and all(queue.stopped for queue in queues):
                await evidence.pause_refused(tx, self.task.ref_id)
                return None
        if self.away:
            return clock.now() + outcomes.jittered(outcomes.SERVER_AWAY)
        at = self.pace.next_run(queues)
        # without one, other lanes still have mails on their way; what is deferred will be everybody's again
        return jobs.in_(seconds=2) if at is None else max(at, jobs.again())
