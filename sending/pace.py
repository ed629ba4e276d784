"""Pace: what may leave now, shared by all workers in Valkey per (SMTP server, profile) and per sender (S16).

    ask ─▶ claim, hand over ─▶ ask (giving back what was not used) ─▶ … ─▶ leave
                   └ a reply that says "slow" or "pause" ─▶ report

One script (data/pace.lua) decides, with Valkey's own clock, in one round trip for each claim. Places
(concurrent hand-overs) are leases: a killed worker's end by themselves. Without an answer, whoever has a
limit gets nothing for some seconds and whoever has none goes on; a flushed bucket starts with one mail.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from sending.profiles import Rule
from sending.smtp_url import Server

log = structlog.get_logger()
LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0
ANSWER_SECONDS = 2.0
EACH_PLACE = 10  # mails a place may carry before the next round trip
# how long whoever has a limit stays away when Valkey does
SILENT_SECONDS = 5.0
_SILENCE = (RedisError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Scope:
    """Who asks: a lane of one sender's campaign, at one SMTP server. `mark`: of this turn, for ever."""

    server: str
    account_id: int
    sender_id: int
    campaign_id: int
    lane: int
    mark: int

    @property
    def name(self) -> str:
        return f"{self.campaign_id}.{self.lane}.{self.mark}"

    @property
    def sender_key(self) -> str:
        return f"pace:sender:{self.account_id}:{self.sender_id}"

    @property
    def board_key(self) -> str:
        return board_key(self.account_id, self.campaign_id)

    def profile_key(self, profile: str) -> str:
        return f"pace:{self.server}:{profile}"

    def pairs(self, profiles: Iterable[str]) -> list[str]:
        """The key of each profile, and behind it that of its lanes."""
        return [key + end for key in map(self.profile_key, profiles) for end in ("", ":lanes")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for one profile, or for the sender. Limits 0: none.

    `back`: of the last grant, what was not used; `busy`: on their way now.
    """

    profile: str = ""
    per_second: float = 0.0
    connections: int = 0
    back: int = 0
    busy: int = 0

    @property
    def limited(self) -> bool:
        return bool(self.per_second or self.connections)


@dataclass(frozen=True, slots=True)
class Room:
    """`n` mails in `places` at a time (0: any number); else after `wait` seconds."""

    n: int
    places: int = 0
    wait: float = 0.0
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`most`: by the sender's limit. `known` false: Valkey was flushed, or is new."""

    known: bool
    most: int
    wait: float
    rooms: Mapping[str, Room] = field(default_factory=dict)


def server_key(server: Server) -> str:
    """A server and login, short, and without the login's name."""
    text = f"{server.host}\0{server.port}\0{server.username}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def board_key(account_id: int, campaign_id: int) -> str:
    """Where the lanes of a campaign say what binds them."""
    return f"pace:board:{account_id}:{campaign_id}"


@cache
def _source() -> str:
    return resources.files("sending").joinpath("data", "pace.lua").read_text("utf-8")


async def _run(redis: Redis, verb: str, keys: Sequence[str], args: Sequence[object]) -> list[int] | int:
    script = redis.register_script(_source())
    async with asyncio.timeout(ANSWER_SECONDS):
        found: list[int] | int = await script(keys=list(keys), args=[*map(str, args), verb])
    return found


async def ask(
    redis: Redis, scope: Scope, sender: Wish, wishes: Sequence[Wish], *, wanted: int, note: str
) -> Answer | None:
    """None when Valkey does not answer. `note`: what bound this lane last, for the page."""
    keys = [scope.sender_key, scope.board_key, "pace:known", *scope.pairs(wish.profile for wish in wishes)]
    args: list[object] = [scope.name, int(LEASE_SECONDS * 1000), wanted, sender.per_second, sender.back]
    args += [scope.lane, note]
    for wish in wishes:
        args += [wish.per_second, wish.connections, EACH_PLACE, wish.back, wish.busy]
    try:
        found = await _run(redis, "ask", keys, args)
    except _SILENCE as error:
        log.warning("pace is not known", error=type(error).__name__)
        return None
    assert isinstance(found, list)
    known, most, wait, *rest = found
    rooms = {
        wish.profile: Room(n, places, waits / 1000, bool(paused))
        for wish, n, places, waits, paused in zip(
            wishes, rest[0::4], rest[1::4], rest[2::4], rest[3::4], strict=True
        )
    }
    return Answer(known=bool(known), most=most, wait=wait / 1000, rooms=rooms)


def unanswered(sender: Wish, wishes: Sequence[Wish], *, wanted: int) -> Answer:
    """Taken for the answer of a Valkey that gives none: whoever has a limit gets nothing for a while."""
    nothing = Room(0, 0, SILENT_SECONDS)
    rooms = {wish.profile: nothing if wish.limited else Room(wanted) for wish in wishes}
    if sender.limited:
        return Answer(known=True, most=0, wait=SILENT_SECONDS, rooms=rooms)
    return Answer(known=True, most=wanted, wait=0.0, rooms=rooms)


async def report(redis: Redis, scope: Scope, profile: str, rule: Rule) -> bool:
    """A reply that asks for less. True when it took effect: some must be said more than once an hour."""
    key = scope.profile_key(profile)
    args = [rule.means, rule.after, rule.seconds, rule.connections]
    try:
        return bool(await _run(redis, "report", [key, f"{key}:{rule.key}"], args))
    except _SILENCE as error:
        log.warning("pace is not known", error=type(error).__name__)
        return rule.after <= 1


async def pause(redis: Redis, server: str, profile: str, seconds: float) -> None:
    """Told again to a Valkey that lost it."""
    try:
        await _run(redis, "pause", [f"pace:{server}:{profile}"], [int(seconds)])
    except _SILENCE as error:
        log.warning("pace is not known", error=type(error).__name__)


async def renew(redis: Redis, scope: Scope, profiles: Iterable[str]) -> None:
    """Keeps the places of a lane whose hand-overs take long."""
    try:
        await _run(redis, "renew", scope.pairs(profiles)[1::2], [scope.name, int(LEASE_SECONDS * 1000)])
    except _SILENCE as error:
        log.warning("pace is not known", error=type(error).__name__)


async def leave(
    redis: Redis, scope: Scope, sender: Wish, wishes: Sequence[Wish], *, note: str, seconds: float
) -> None:
    """Gives back places and what was not used; `note` stays for `seconds`. What fails here ends by itself."""
    keys = [scope.sender_key, scope.board_key, *scope.pairs(wish.profile for wish in wishes)]
    args: list[object] = [scope.name, sender.per_second, sender.back, scope.lane, note, int(seconds * 1000)]
    for wish in wishes:
        args += [wish.per_second, wish.back]
    try:
        await _run(redis, "leave", keys, args)
    except _SILENCE as error:
        log.warning("pace is not known", error=type(error).__name__)


async def notes(redis: Redis, account_id: int, campaign_id: int) -> list[str]:
    """What the lanes of a campaign say binds them; empty when nobody knows."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await redis.hgetall(board_key(account_id, campaign_id))  # type: ignore[misc]
    except _SILENCE:
        return []
    return [text.decode() for text in found.values()]
