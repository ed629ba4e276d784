"""A lane's side of pace: what it may claim, how many hand-overs at once, and what replies tell (S16, D-80).

    claim: queues as read last → ask Valkey → claim rows, read queues and allowances again
    hand_over: a place of its profile → SMTP → the reply is heard: slow, pause, refuses us

Made for one turn. The page reads the note that each round leaves: what binds this lane, and how fast it is.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
import structlog

from mailer.core import clock, work
from mailer.core.db import AccountTx, is_away
from mailer.core.errors import Unavailable
from mailer.core.services import Services
from sending import allowances, claims, evidence, lanes, pace, profiles, provider_pauses, replies
from sending.allowances import Allowance, Held
from sending.claims import Claimed, Turn
from sending.evidence import Cause
from sending.lane_start import Start
from sending.lanes import Queue
from sending.outcomes import Outcome
from sending.pace import Answer, Room, Scope, Wish
from sending.route import Route
from sending.smtp import Mail, Reply, Terms

log = structlog.get_logger()
# a token that comes this soon is waited for within the turn
SHORT_SECONDS = 1.0
JUDGE_SECONDS = 10.0
# a turn is at least so long, and gives way from then on
LOOK_SECONDS = 3.0
# a mail that takes so long, with its wait for a connection, is the server's doing: a quarter of a second each
SLOW_SECONDS = 2.0


@dataclass(slots=True, eq=False)
class LanePace:
    services: Services
    scope: Scope
    turn: Turn
    started: Start
    queues: Sequence[Queue] = ()
    allowance: Allowance | None = None
    places: dict[str, int] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    rooms: Mapping[str, Room] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    unused: Counter[str] = field(default_factory=Counter)
    sender_unused: int = 0
    sender_wait: float = 0.0
    paused: dict[str, datetime] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    stopped: set[str] = field(default_factory=set)
    last_refusal: dict[str, tuple[Cause, str]] = field(default_factory=dict)
    why: str = ""
    binds: str = ""
    done: int = 0
    waited: float = 0.0
    held: Held | None = None
    silent_until: float = 0.0
    judged_at: float = 0.0
    looks_at: float = 0.0
    begun_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    _renewal: asyncio.Future[None] | None = None

    def __post_init__(self) -> None:
        self.queues, self.allowance = self.started.queues, self.started.allowance
        self.judged_at = self.begun_at
        self.looks_at = self.begun_at + LOOK_SECONDS

    async def gives_way(self) -> bool:
        """After some seconds, to somebody else's work that finds no worker: it waits no whole turn for us."""
        now = asyncio.get_running_loop().time()
        if now < self.looks_at:
            return False
        self.looks_at = now + LOOK_SECONDS
        try:
            return await work.others_wait(self.services.db, self.scope.account_id)
        except Exception as error:
            if not (isinstance(error, Unavailable) or is_away(error)):
                raise
            return False

    async def claim(self) -> list[Claimed]:
        """The next rows that may leave, none when none may now. One round trip to Valkey, one transaction."""
        for patience in (True, False):
            most, rooms = await self._ask()
            if most and any(room.n for room in rooms.values()):
                return await self._claim(most, rooms)
            wait = self._wait()
            if not (patience and rooms and 0 < wait <= SHORT_SECONDS):
                return []
            await asyncio.sleep(wait)
        return []

    async def _ask(self) -> tuple[int, Mapping[str, Room]]:
        most = claims.BATCH if self.allowance is None else self.allowance.most(claims.BATCH)
        due = [queue.profile for queue in self.queues if queue.due and not queue.stopped]
        allowed = {profile: self._allowed(profile, most) for profile in due}
        wishes = [self._wish(profile) for profile, n in allowed.items() if n]
        if not (most and wishes):
            self.why, self.binds = ("allowance", "") if due else ("", "")
            return 0, {}
        sender = Wish(per_second=self.started.per_second, back=self.sender_unused)
        answer = await self._answer(sender, wishes, most)
        self.sender_wait, self.sender_unused = answer.wait, answer.most
        rooms = {}
        for wish in wishes:
            room = answer.rooms[wish.profile]
            self.unused[wish.profile] = room.n
            self.places[wish.profile] = room.places
            rooms[wish.profile] = Room(
                min(room.n, allowed[wish.profile]), room.places, room.wait, room.paused
            )
        self.rooms = rooms
        self.asked.update(rooms)
        self._keep_places()
        self._see_what_refuses(answer.most, rooms)
        return answer.most, rooms

    def _see_what_refuses(self, most: int, rooms: Mapping[str, Room]) -> None:
        if self.why == "unknown":
            return
        if not most:
            self.why, self.binds = "sender", ""
        elif not any(room.n for room in rooms.values()):
            first = min(rooms, key=lambda profile: rooms[profile].wait)
            self.why, self.binds = "pause" if rooms[first].paused else "provider", first

    def _allowed(self, profile: str, most: int) -> int:
        if self.paused.get(profile, clock.now()) > clock.now():
            return 0
        return most if self.allowance is None else self.allowance.left(profile, most)

    def _wish(self, profile: str) -> Wish:
        limits = profiles.named(profile)
        return Wish(
            profile=profile,
            per_second=limits.per_second,
            connections=limits.connections,
            back=self.unused.pop(profile, 0),
            busy=self.busy.get(profile, 0) if self.places.get(profile) else 0,
        )

    async def _answer(self, sender: Wish, wishes: Sequence[Wish], most: int) -> Answer:
        now = asyncio.get_running_loop().time()
        found = None
        if now >= self.silent_until:
            found = await pace.ask(
                self.services.redis, self.scope, sender, wishes, wanted=most, note=self._note()
            )
        if found is None:
            self.silent_until = max(self.silent_until, now + pace.SILENT_SECONDS)
            self.why = "unknown"
            return pace.unanswered(sender, wishes, wanted=most)
        if not found.known and await provider_pauses.remind(self.services, self.scope.server):
            # what this answer gave was given without knowing: the next one knows
            return await self._answer(sender, wishes, most)
        return found

    async def _claim(self, most: int, rooms: Mapping[str, Room]) -> list[Claimed]:
        # whoever has a limit goes first, and the others fill up
        order = sorted(rooms, key=lambda profile: (rooms[profile].n >= most, profile))
        wanted = [(profile, rooms[profile].n) for profile in order if rooms[profile].n]
        async with self.services.db.account(self.scope.account_id) as tx:
            found = await claims.claim(tx, self.turn, wanted, most)
            self.queues = await lanes.queues(tx, self.turn.campaign_id)
            if self.allowance is not None:
                self.allowance = await allowances.of(tx, self.started.domain)
        taken = Counter(one.profile for one in found)
        for profile in rooms:
            self.unused[profile] = max(0, self.unused[profile] - taken[profile])
        self.sender_unused = max(0, self.sender_unused - len(found))
        self._see_what_binds(len(found), most, taken)
        return found

    def _see_what_binds(self, n: int, most: int, taken: Counter[str]) -> None:
        still_due = {queue.profile for queue in self.queues if queue.due and not queue.stopped}
        self.why, self.binds = "", ""
        if n >= claims.BATCH or not still_due:
            return
        if n >= most:
            self.why = "sender" if self.started.per_second else "allowance"
        elif full := [p for p in still_due if p in self.rooms and taken[p] >= self.rooms[p].n]:
            self.why, self.binds = "provider", max(full, key=lambda p: self.rooms[p].wait)

    def _stands_until(self) -> datetime:
        """How long what binds now will bind, at the end of a turn."""
        if self.why == "allowance" and self.allowance is not None:
            return self.allowance.resumes_at
        return clock.now() + timedelta(seconds=self._wait())

    def _note(self, until: datetime | None = None) -> str:
        seconds = asyncio.get_running_loop().time() - self.begun_at
        slow = self.done >= 8 and self.waited / self.done > SLOW_SECONDS
        note = {
            "why": self.why or ("server" if slow else ""),
            "profile": self.binds,
            "per_second": round(self.done / seconds, 2) if seconds >= 1 and self.done else 0,
            "at": max(clock.now(), until or clock.now()).timestamp(),
        }
        return orjson.dumps(note).decode()

    def _wait(self) -> float:
        """Seconds until the first of what was asked for may leave."""
        if not self.rooms:
            return 0.0
        return max(self.sender_wait, min(0.0 if room.n else room.wait for room in self.rooms.values()))

    async def hand_over(self, route: Route, mails: Sequence[tuple[str, Mail]]) -> list[Reply | None]:
        """Of (profile, mail), in their order, all profiles at once and each within its places.

        None where the provider asked for a pause since the row was claimed: nothing was handed over.
        """
        by_profile: dict[str, list[int]] = {}
        for place, (profile, _) in enumerate(mails):
            by_profile.setdefault(profile, []).append(place)
        async with asyncio.TaskGroup() as group:
            running = {
                profile: group.create_task(
                    self._hand_over(route, profile, [mails[place][1] for place in places])
                )
                for profile, places in by_profile.items()
            }
        replies: list[Reply | None] = [None] * len(mails)
        for profile, places in by_profile.items():
            for place, reply in zip(places, running[profile].result(), strict=True):
                replies[place] = reply
        return replies

    async def _hand_over(self, route: Route, profile: str, mails: Sequence[Mail]) -> list[Reply | None]:
        if not self._may(profile):
            return [None] * len(mails)
        most = self.places.get(profile, 0)
        limits = profiles.named(profile)

        async def heard(reply: Reply) -> bool:
            await self._hear(profile, reply)
            return self._may(profile)

        # who limits nobody seldom asks for less: its replies are read when all have come
        terms = Terms(most, limits.per_connection, heard if limits.limited else None)
        self.busy[profile] = min(most or len(mails), len(mails))
        began = asyncio.get_running_loop().time()
        try:
            replies = await route.hand_over_all(mails, terms)
        finally:
            del self.busy[profile]
        # one place's time, for the mails that went through it
        self.waited += (asyncio.get_running_loop().time() - began) * min(most or route.size, len(mails))
        self.done += len(mails)
        if not limits.limited:
            for reply in replies:
                if reply is not None and reply.code:
                    await self._hear(profile, reply)
        return replies

    def _may(self, profile: str) -> bool:
        """May its next mail be handed over, after what its provider has said in this turn?"""
        if profile in self.stopped or self.refused[profile] >= evidence.REFUSED_IN_A_ROW:
            return False
        return self.paused.get(profile, clock.now()) <= clock.now()

    async def _hear(self, profile: str, reply: Reply) -> None:
        if reply.code < 400:
            self.refused.pop(profile, None)
            return
        rule = profiles.read(profile, reply.code, reply.text)
        if rule is None:
            return
        if rule.means == "auth" or rule.means == "policy":
            self.refused[profile] += 1
            self.last_refusal[profile] = (rule.means, replies.shown(reply.text))
        elif rule.means in ("slow", "pause"):
            acts = await pace.report(self.services.redis, self.scope, profile, rule)
            if acts and rule.means == "pause":
                until = clock.now() + timedelta(seconds=rule.seconds)
                self.paused[profile] = until
                log.warning("provider asks for a pause", profile=profile, seconds=rule.seconds)
                text = replies.shown(reply.text)
                await provider_pauses.keep(self.services, self.scope.server, profile, until, text)

    def pause_left(self, profile: str) -> timedelta:
        return max(timedelta(0), self.paused.get(profile, clock.now()) - clock.now())

    async def begin(self, tx: AccountTx, group: Sequence[tuple[str, bool]]) -> list[bool]:
        """Which of these (profile, never tried before) may begin today. They are counted by `record`."""
        self.held = None
        if self.allowance is None or not group:
            return [True] * len(group)
        self.held = await allowances.hold(tx, self.allowance, (profile for profile, _ in group))
        return [self.held.take(profile, first=first) for profile, first in group]

    async def record(
        self, tx: AccountTx, done: Iterable[tuple[str, Outcome]], begun: Iterable[tuple[str, bool]]
    ) -> None:
        """In the transaction that recorded and began them: counts, and judges the campaign."""
        outcomes = list(done)
        deferred = [profile for profile, one in outcomes if one.status == "queued" and one.tried]
        if self.allowance is not None and (self.held or deferred):
            held = self.held or await allowances.hold(tx, self.allowance, ())
            await allowances.count(tx, held, begun, deferred)
        now = asyncio.get_running_loop().time()
        refused = any(one.refused for _, one in outcomes)
        if refused:
            await self._stop_refusing(tx)
        if any(one.reason == "hard" for _, one in outcomes) or now - self.judged_at >= JUDGE_SECONDS:
            self.judged_at = now
            await evidence.judge(tx, self.turn.campaign_id)

    async def _stop_refusing(self, tx: AccountTx) -> None:
        in_a_row = {p for p, n in self.refused.items() if n >= evidence.REFUSED_IN_A_ROW}
        for profile in in_a_row.union(await evidence.refusing(tx, self.turn.campaign_id)):
            cause, reply = self.last_refusal.get(profile, ("policy", ""))
            n = max(self.refused[profile], evidence.REFUSED_IN_A_ROW)
            if await evidence.stop(tx, self.turn.campaign_id, profile, cause=cause, refused=n, reply=reply):
                log.warning("provider refuses", campaign=self.turn.campaign_id, profile=profile, cause=cause)
            self.stopped.add(profile)
            self.refused.pop(profile, None)

    def next_run(self, queues: Sequence[Queue]) -> datetime | None:
        """When the first of these may go on; None when there is none that may."""
        now = clock.now()
        times = []
        for queue in queues:
            if queue.stopped:
                continue
            room = self.rooms.get(queue.profile)
            wait = room.wait if room and not room.n else 0.0
            at = max(queue.next_at, now + timedelta(seconds=wait), self.paused.get(queue.profile, now))
            if self.allowance is not None and not self.allowance.left(queue.profile, 1):
                at = max(at, self.allowance.resumes_at)
            times.append(at)
        if not times:
            return None
        first = max(min(times), now + timedelta(seconds=self.sender_wait))
        if self.allowance is not None and not self.allowance.most(1):
            first = max(first, self.allowance.resumes_at)
        return first

    def _keep_places(self) -> None:
        """Leases end by themselves; hand-overs that take long have them renewed."""
        if self._renewal is None and any(room.places for room in self.rooms.values()):
            self._renewal = asyncio.ensure_future(self._renew())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(pace.RENEW_SECONDS)
            if self.busy:
                await pace.renew(self.services.redis, self.scope, list(self.busy))

    async def leave(self) -> None:
        """At the end of the turn, whatever happened in it."""
        if self._renewal is not None:
            self._renewal.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewal
        if not (self.asked or self.why):
            return
        sender = Wish(per_second=self.started.per_second, back=self.sender_unused)
        until = self._stands_until()
        await pace.leave(
            self.services.redis,
            self.scope,
            sender,
            [self._wish(profile) for profile in sorted(self.asked)],
            note=self._note(until),
            seconds=max(60.0, (until - clock.now()).total_seconds() + 60.0),
        )
