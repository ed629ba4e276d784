"""What Valkey holds is counted by class; what would stay is named (A-005)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from lists import departures_kept
from mailer.core import clock
from mailer.core.rate import Limit, Rates
from mailer.core.services import Services
from mailer.retention_commands import figures, told
from retention_jobs import queue_keys, verify
from retention_jobs.queue_keys import Keys
from retention_jobs.verify import Verdict
from tracking import networks


@pytest.fixture
async def queue(services: Services) -> AsyncIterator[Services]:
    """A database of Valkey that no other test writes to."""
    own = Redis.from_url(services.settings.redis_url, db=9)
    await own.flushdb()
    yield replace(services, redis=own)
    await own.flushdb()
    await own.aclose()


async def _count(held: Services) -> dict[str, Keys]:
    return {one.name: one for one in await queue_keys.count(held.redis, clock.now())}


@pytest.mark.req("A-005")
async def test_what_the_product_writes_has_a_class_and_an_end(queue: Services) -> None:
    redis = queue.redis
    await networks.key(redis)
    await redis.set("form:abc:def", b"", ex=600)
    await redis.zadd("mailer:queue", {"sending.send:1:1:1:1:4": 1})
    await redis.xadd("mailer:events", {b"h": b"[]"})
    await redis.hset("pace:4d1d967f62e32be3:default", "tokens", "1")  # type: ignore[misc]
    await redis.pexpire("pace:4d1d967f62e32be3:default", 3_600_000)
    found = await _count(queue)
    assert {name for name, one in found.items() if one.count} == {
        "networks",
        "forms",
        "queues",
        "hits",
        "paces",
    }
    assert [one for one in found.values() if one.stays] == []
    assert found["networks"].longest is not None
    assert timedelta(hours=23) < found["networks"].longest <= timedelta(hours=24)


@pytest.mark.req("A-005")
async def test_counters_of_requests_are_known_whatever_the_library_calls_them(services: Services) -> None:
    """On the database of all tests: the counter chooses it by the settings."""
    rates = Rates(services.settings.redis_url)
    await rates.take(Limit("queue-keys", 5, 86_400), "192.0.2.7")
    await rates.close()
    mine = [key async for key in services.redis.scan_iter(match="*queue-keys*")]
    assert mine
    for key in mine:
        assert queue_keys.class_of(key) == "rates", key
        assert 0 < await services.redis.ttl(key) <= 2 * 86_400


@pytest.mark.req("A-005")
@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("form:abc:def", "forms"),
        ("{LIMITS:rate:reset/ana@example.test/40/3600/second}", "rates"),
        ("mailer:network-key:2026-11-27", "networks"),
        ("mailer:letters", "others"),
    ],
)
async def test_a_key_without_an_end_is_named(queue: Services, key: str, name: str) -> None:
    await queue.redis.set(key, b"1")
    assert {one.name for one in (await _count(queue)).values() if one.stays} == {name}
    # one that ends too late stays as well
    await queue.redis.expire(key, 40 * 86_400)
    assert (await _count(queue))[name].stays == (0 if name == "others" else 1)


@pytest.mark.req("B-28", "S21")
async def test_streams_are_as_old_as_their_oldest_entry_and_departures_go_by_themselves(
    queue: Services,
) -> None:
    for stream, age in (("mailer:events", timedelta(hours=26)), ("mailer:departures", timedelta(days=36))):
        at = int((clock.now() - age).timestamp() * 1000)
        await queue.redis.xadd(stream, {b"h": b"[]"}, id=f"{at}-0")
        await queue.redis.xadd(stream, {b"h": b"[]"})
    found = await _count(queue)
    assert {one.name for one in found.values() if one.stays} == {"hits", "departures"}
    # nobody left since: no new entry pushes the old ones out
    await departures_kept.forget(queue)
    found = await _count(queue)
    assert found["departures"].stays == 0
    assert await queue.redis.xlen("mailer:departures") == 1


async def _platform(held: Services) -> Verdict:
    """The first that the command tells of; the accounts of all tests come behind it."""
    async for verdict in verify.everything(held.db, held.redis, clock.now()):
        return verdict
    raise AssertionError("nothing told")


@pytest.mark.req("A-005")
async def test_verify_turns_red_for_a_key_that_stays_and_for_a_queue_that_is_away(queue: Services) -> None:
    await queue.redis.set("form:abc:def", b"", ex=600)
    assert (await _platform(queue)).staying == []
    await queue.redis.persist("form:abc:def")
    verdict = await _platform(queue)
    assert not verdict.good
    assert any(line.startswith("  queue, forms: 1 key would stay too long") for line in told(verdict))
    [forms] = [one for one in _classes(verdict) if one["stays"]]
    assert forms == {"class": "forms", "keys": 1, "stays": 1, "longest_seconds": None, "oldest": None}
    away = await _platform(replace(queue, redis=Redis.from_url("redis://127.0.0.1:1/0")))
    assert not away.good
    assert "  queue: away, its keys could not be counted" in told(away)
    assert figures(away)["queue"] == {"away": True, "classes": []}


def _classes(verdict: Verdict) -> list[dict[str, object]]:
    found = figures(verdict)["queue"]
    assert isinstance(found, dict)
    classes: list[dict[str, object]] = found["classes"]
    return classes
