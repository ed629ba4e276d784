"""What Valkey decides: rates, places, pauses, and what is left of them when it is flushed or away."""

import asyncio
import itertools
import secrets
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from mailer.core.services import Services
from sending import pace, profiles
from sending.pace import Answer, Room, Scope, Wish

_marks = itertools.count(1)


@pytest.fixture
def server() -> str:
    """An SMTP server of this test's own, so that no other test's limits are met."""
    return secrets.token_hex(8)


def lane(server: str, n: int = 0, *, sender: int = 1) -> Scope:
    return Scope(server, 1, sender, 1, n, next(_marks))


async def ask(
    services: Services, scope: Scope, *wishes: Wish, sender: Wish | None = None, wanted: int = 200
) -> Answer:
    found = await pace.ask(services.redis, scope, sender or Wish(), wishes, wanted=wanted, note="{}")
    assert found is not None
    return found


ORANGE = Wish(profile="orange", connections=2)
FREE_WAY = Wish(profile="default")


def rule(profile: str, text: str, code: int = 421) -> profiles.Rule:
    found = profiles.read(profile, code, text)
    assert found is not None
    return found


@pytest.mark.req("S16")
async def test_without_a_limit_all_that_is_wanted_is_granted(services: Services, server: str) -> None:
    answer = await ask(services, lane(server), FREE_WAY)
    assert (answer.most, answer.rooms) == (200, {"default": Room(200)})


@pytest.mark.req("D-70")
async def test_places_are_shared_by_lanes_and_never_more_than_there_are(
    services: Services, server: str
) -> None:
    lanes = [lane(server, n) for n in range(5)]
    answers = [(await ask(services, one, ORANGE)).rooms["orange"] for one in lanes]
    assert [room.places for room in answers] == [2, 0, 0, 0, 0]
    await pace.leave(services.redis, lanes[0], Wish(), [ORANGE], note="{}", seconds=1)
    answers = [(await ask(services, one, ORANGE)).rooms["orange"] for one in lanes]
    assert [room.places for room in answers] == [1, 1, 0, 0, 0]
    assert all(room.n == room.places * pace.EACH_PLACE for room in answers)
    assert all(room.wait > 0 for room in answers[2:])


@pytest.mark.req("D-70")
async def test_mails_on_their_way_keep_their_places(services: Services, server: str) -> None:
    first, second = lane(server, 0), lane(server, 1)
    assert (await ask(services, first, ORANGE)).rooms["orange"].places == 2
    assert (await ask(services, second, ORANGE)).rooms["orange"].places == 0
    assert (await ask(services, first, replace(ORANGE, busy=2))).rooms["orange"].places == 1
    assert (await ask(services, second, ORANGE)).rooms["orange"].places == 0
    assert (await ask(services, first, replace(ORANGE, busy=1))).rooms["orange"].places == 1
    assert (await ask(services, second, ORANGE)).rooms["orange"].places == 1


@pytest.mark.req("D-71")
async def test_who_holds_the_only_place_long_passes_it_on(services: Services, server: str) -> None:
    first, second = lane(server, 0), lane(server, 1)
    one = Wish(profile="orange", connections=1)
    assert (await ask(services, first, one)).rooms["orange"].places == 1
    assert (await ask(services, second, one)).rooms["orange"].places == 0
    assert (await ask(services, first, one)).rooms["orange"].places == 1
    # six seconds later, as the table of lanes tells it
    key = first.pairs(["orange"])[1]
    places, till, since = (await services.redis.hget(key, first.name)).decode().split(":")
    await services.redis.hset(key, first.name, f"{places}:{till}:{int(since) - 6000}")
    assert (await ask(services, first, replace(one, busy=1))).rooms["orange"].n == 0
    assert (await ask(services, second, one)).rooms["orange"].n == 0
    assert (await ask(services, first, one)).rooms["orange"].n == 0
    assert (await ask(services, second, one)).rooms["orange"].places == 1


@pytest.mark.req("S3", "D-70")
async def test_a_dead_workers_places_are_free_when_its_lease_is_over(
    services: Services, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "LEASE_SECONDS", 0.3)
    dead, next_ = lane(server, 0), lane(server, 1)
    assert (await ask(services, dead, ORANGE)).rooms["orange"].places == 2
    assert (await ask(services, next_, ORANGE)).rooms["orange"].places == 0
    await asyncio.sleep(0.2)
    await pace.renew(services.redis, dead, ["orange"])
    await asyncio.sleep(0.2)
    assert (await ask(services, next_, ORANGE)).rooms["orange"].places == 0
    await asyncio.sleep(0.2)
    assert (await ask(services, next_, ORANGE)).rooms["orange"].places >= 1


@pytest.mark.req("S16")
async def test_a_senders_speed_is_shared_by_its_lanes(services: Services, server: str) -> None:
    """Ten lanes ask as fast as they can: what they get together is the rate, after two seconds' worth."""
    sender = secrets.randbelow(2**31)
    begun = asyncio.get_running_loop().time()
    got = 0
    wish = Wish(per_second=50)
    while asyncio.get_running_loop().time() - begun < 1.5:
        answers = await asyncio.gather(
            *(
                ask(services, lane(server, n, sender=sender), FREE_WAY, sender=wish, wanted=200)
                for n in range(10)
            )
        )
        got += sum(answer.most for answer in answers)
        assert sum(answer.wait > 0 for answer in answers) >= 9
    seconds = asyncio.get_running_loop().time() - begun
    assert 0.7 * 50 * seconds <= got <= 1 + 50 * seconds


@pytest.mark.req("S16")
async def test_what_was_not_used_comes_back(services: Services, server: str) -> None:
    sender = secrets.randbelow(2**31)
    wish = Wish(per_second=0.01)
    scope = lane(server, sender=sender)
    assert (await ask(services, scope, FREE_WAY, sender=wish)).most == 1
    assert (await ask(services, scope, FREE_WAY, sender=wish)).most == 0
    assert (await ask(services, scope, FREE_WAY, sender=replace(wish, back=1))).most == 1
    await pace.leave(services.redis, scope, replace(wish, back=1), [FREE_WAY], note="{}", seconds=1)
    assert (await ask(services, scope, FREE_WAY, sender=wish)).most == 1


@pytest.mark.req("D-61")
async def test_slow_down_halves_what_left_before_and_recovers(services: Services, server: str) -> None:
    scope = lane(server)
    slow = rule("gmail", "4.7.28 unusual rate")
    wish = Wish(profile="gmail")
    for _ in range(5):
        await ask(services, scope, wish)
    assert await pace.report(services.redis, scope, "gmail", slow)
    # mails that were on their way together say it once
    assert not await pace.report(services.redis, scope, "gmail", slow)
    key = scope.profile_key("gmail")
    base, factor = map(float, await services.redis.hmget(key, "base", "factor"))
    assert (base, factor) == (100.0, 0.5)
    granted = (await ask(services, scope, wish)).rooms["gmail"]
    assert 0 < granted.n <= 2 * 50
    await services.redis.hincrby(key, "factor_at", -11_000)
    assert await pace.report(services.redis, scope, "gmail", slow)
    assert 0.25 <= float(await services.redis.hget(key, "factor")) < 0.3
    await services.redis.hincrby(key, "factor_at", -600_000)
    assert (await ask(services, scope, wish)).rooms["gmail"].n == 200


@pytest.mark.req("D-61")
async def test_places_are_fewer_while_a_provider_is_slowed(services: Services, server: str) -> None:
    scope = lane(server)
    five = Wish(profile="gmail", connections=5)
    assert (await ask(services, scope, five)).rooms["gmail"].places == 5
    await pace.report(services.redis, scope, "gmail", rule("gmail", "4.7.28 unusual rate"))
    assert (await ask(services, scope, five)).rooms["gmail"].places == 2


@pytest.mark.req("D-71")
async def test_orange_says_it_twice_before_it_counts(services: Services, server: str) -> None:
    scope = lane(server)
    crowd = rule("orange", "OFR004_104 Trop de connexions")
    assert not await pace.report(services.redis, scope, "orange", crowd)
    assert (await ask(services, scope, ORANGE)).rooms["orange"].places == 2
    assert await pace.report(services.redis, scope, "orange", crowd)
    assert (await ask(services, scope, ORANGE)).rooms["orange"].places == 1
    refused = rule("orange", "OFR004_105 Service refuse")
    assert not await pace.report(services.redis, scope, "orange", refused)
    assert await pace.report(services.redis, scope, "orange", refused)
    room = (await ask(services, scope, ORANGE)).rooms["orange"]
    assert (room.n, room.paused) == (0, True)
    assert 3590 < room.wait <= 3600


@pytest.mark.req("D-63", "D-67")
async def test_a_pause_is_for_one_provider_at_one_server(services: Services, server: str) -> None:
    scope = lane(server)
    await pace.report(services.redis, scope, "yahoo", rule("yahoo", "[TSS04] deferred"))
    rooms = (await ask(services, scope, Wish(profile="yahoo", connections=5), FREE_WAY)).rooms
    assert (rooms["yahoo"].paused, rooms["default"].n) == (True, 200)
    other = lane(secrets.token_hex(8))
    assert (await ask(services, other, Wish(profile="yahoo", connections=5))).rooms["yahoo"].n == 50


@pytest.mark.req("S16")
async def test_a_flushed_valkey_is_slow_and_says_that_it_knows_nothing(
    services: Services, server: str
) -> None:
    sender = secrets.randbelow(2**31)
    scope = lane(server, sender=sender)
    wish = Wish(per_second=100)
    await ask(services, scope, FREE_WAY, sender=wish)
    await asyncio.sleep(0.2)
    for key in (scope.sender_key, scope.board_key, "pace:known"):
        await services.redis.delete(key)
    answer = await ask(services, scope, FREE_WAY, sender=wish)
    assert (answer.known, answer.most) == (False, 1)
    assert (await ask(services, scope, FREE_WAY, sender=wish)).known


@pytest.mark.req("S16")
async def test_a_valkey_that_is_away_stops_only_who_has_a_limit(server: str) -> None:
    away = Redis.from_url("redis://127.0.0.1:1")
    scope = lane(server)
    assert await pace.ask(away, scope, Wish(), [ORANGE, FREE_WAY], wanted=200, note="") is None
    await pace.leave(away, scope, Wish(), [ORANGE], note="", seconds=1)
    await away.aclose()
    answer = pace.unanswered(Wish(), [ORANGE, FREE_WAY], wanted=200)
    assert (answer.rooms["orange"].n, answer.rooms["default"].n, answer.most) == (0, 200, 200)
    assert answer.rooms["orange"].wait > 0
    limited = pace.unanswered(Wish(per_second=5), [FREE_WAY], wanted=200)
    assert (limited.most, limited.wait > 0) == (0, True)
