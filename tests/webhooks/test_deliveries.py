"""A request on its way: signature, plan, what an answer means, and what becomes of the endpoint (E-63, E-64)."""

import asyncio
import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
import pytest
from aiohttp import web

from mailer.client import WebhookInvalid, verify_webhook
from mailer.core import clock, restores, work
from mailer.core.errors import Conflict
from mailer.core.jobs import run_turn
from mailer.core.work import Task
from mailer.web.outgoing import Answer, Outcome
from mailer.webhooks import attempts, endpoints, plan, turns
from mailer.webhooks.attempts import Replay
from mailer.webhooks.endpoints import EndpointChanges
from mailer.worker import JOBS
from tests.delivery.conftest import EVERY
from tests.webhooks.conftest import Place
from tests.webhooks.receiver import Heard, receiving

DAYS = timedelta(days=1)


def signed(heard: Heard, secret: str) -> list[bool]:
    """By the text of the specification, apart from our own code: which of the signatures is of this secret."""
    key = base64.b64decode(secret.split("_", 1)[1])
    assert 24 <= len(key) <= 64
    content = b"%s.%s.%s" % (
        heard.headers["webhook-id"].encode(),
        heard.headers["webhook-timestamp"].encode(),
        heard.body,
    )
    mac = hmac.new(key, content, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(mac).decode()
    return [one == wanted for one in heard.headers["webhook-signature"].split(" ")]


@pytest.mark.req("E-63")
async def test_a_request_is_signed_over_the_body_that_is_sent(place: Place) -> None:
    await place.listen("contact.created")
    await place.contact()
    await place.tell()
    [heard] = place.receiver.heard
    assert signed(heard, place.secret) == [True]
    assert abs(int(heard.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert heard.headers["content-type"] == "application/json"
    assert heard.id.startswith("msg_")
    assert set(heard.json) == {"type", "timestamp", "data"}
    assert datetime.fromisoformat(heard.json["timestamp"]).utcoffset() == timedelta(0)
    # the client's own check, and what it refuses
    assert verify_webhook(heard.headers, heard.body, place.secret)["type"] == "contact.created"
    with pytest.raises(WebhookInvalid):
        verify_webhook(heard.headers, heard.body + b" ", place.secret)
    with pytest.raises(WebhookInvalid):
        verify_webhook({**heard.headers, "webhook-timestamp": "1"}, heard.body, place.secret)


@pytest.mark.req("E-63")
async def test_for_a_day_after_a_rotation_both_secrets_sign(place: Place) -> None:
    await place.listen("contact.created")
    old = place.secret
    async with place.tx() as tx:
        new = await endpoints.rotate(tx, place.services.sealer, place.endpoint)
    await place.happened()
    await place.tell()
    clock.shift(timedelta(hours=24, minutes=1))
    await place.happened()
    await place.tell()
    first, later = place.receiver.heard
    assert (signed(first, new), signed(first, old)) == ([True, False], [False, True])
    assert (signed(later, new), signed(later, old)) == ([True], [False])


async def test_secrets_are_stored_sealed(place: Place) -> None:
    await place.listen("contact.created")
    row = await place.value("SELECT to_jsonb(w)::text FROM webhook_endpoints w WHERE account_id = $1")
    key = base64.b64decode(place.secret.removeprefix("whsec_"))
    assert place.secret not in row
    assert key.hex() not in row


@pytest.mark.req("E-64")
async def test_the_plan_is_kept_to_its_end_and_then_the_webhook_is_given_up(place: Place) -> None:
    await place.listen("contact.created")
    await place.happened()
    place.receiver.status = 500
    waits: list[float] = []
    await place.collect()
    for _ in range(plan.TRIES):
        assert await place.turn() is not None
        left = (await place.log())[0]
        if left.next_at is None:
            break
        waits.append((left.next_at - left.at).total_seconds())
        # nothing leaves before its time
        go_to(left.next_at - timedelta(seconds=1))
        seen = len(place.receiver.heard)
        await place.turn()
        assert len(place.receiver.heard) == seen
        go_to(left.next_at + timedelta(seconds=1))
    planned = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert len(waits) == len(planned)
    for waited, meant in zip(waits, planned, strict=True):
        assert 0.9 * meant <= waited <= 1.1 * meant
    assert len({round(w / p, 4) for w, p in zip(waits, planned, strict=True)}) > 3  # jitter
    assert len({one.id for one in place.receiver.heard}) == 1
    assert len({one.body for one in place.receiver.heard}) == 1
    assert len({one.headers["webhook-timestamp"] for one in place.receiver.heard}) == 10
    found = await place.show()
    assert (found.status, found.disabled_reason) == ("disabled", "failing")
    assert await place.states() == ["failed"]
    assert await told_owner(place) == ["webhook_disabled"]
    assert await place.value(
        "SELECT 1 FROM audit WHERE account_id = $1 AND action = 'disabled' AND object = 'webhook'"
    )


def go_to(time: datetime) -> None:
    clock.shift(clock.offset() + (time - clock.now()))


async def told_owner(place: Place) -> list[str]:
    async with place.services.db.shared() as tx:
        rows = await tx.rows("SELECT kind FROM outbox WHERE account_id = $1", place.account.id)
    return [kind for (kind,) in rows]


@pytest.mark.req("E-64")
@pytest.mark.parametrize(
    ("status", "outcome"), [(301, "redirected"), (307, "redirected"), (404, "refused"), (500, "refused")]
)
async def test_anything_but_2xx_is_a_failure_and_no_redirect_is_followed(
    place: Place, status: int, outcome: str
) -> None:
    await place.listen("contact.created")
    place.receiver.status, place.receiver.headers = status, {"Location": place.receiver.url}
    await place.happened()
    await place.tell()
    assert len(place.receiver.heard) == 1
    [attempt] = await place.log()
    assert (attempt.outcome, attempt.http_status, attempt.state) == (outcome, status, "waiting")
    assert attempt.answer == "heard"


@pytest.mark.req("E-64")
async def test_204_is_a_success(place: Place) -> None:
    await place.listen("contact.created")
    place.receiver.status = 204
    await place.happened()
    await place.tell()
    assert await place.states() == ["delivered"]


@pytest.mark.req("E-64")
async def test_410_disables_at_once_and_what_came_later_can_be_replayed(place: Place) -> None:
    await place.listen("contact.created")
    place.receiver.status = 410
    await place.happened()
    await place.tell()
    found = await place.show()
    assert (found.status, found.disabled_reason) == ("disabled", "gone")
    await place.happened()
    await place.tell()
    assert len(place.receiver.heard) == 1
    assert await place.states() == ["missed", "missed"]
    place.receiver.status = 200
    async with place.tx() as tx:
        with pytest.raises(Conflict):
            await attempts.replay(tx, place.endpoint, Replay(since=clock.now() - DAYS))
        await endpoints.change(
            tx, turns.wall_of(place.services.settings), place.endpoint, EndpointChanges(status="on")
        )
        done = await attempts.replay(tx, place.endpoint, Replay(since=clock.now() - DAYS))
    assert done.count == 2
    await place.turn()
    assert await place.states() == ["delivered", "delivered"]


@pytest.mark.req("E-64")
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_honoured(place: Place, form: str) -> None:
    await place.listen("contact.created")
    at = datetime.now(UTC) + timedelta(hours=1)
    place.receiver.status = 429
    place.receiver.headers = {
        "Retry-After": "3600" if form == "seconds" else format_datetime(at, usegmt=True)
    }
    await place.happened(2)
    await place.tell()
    [attempt] = [one for one in await place.log() if one.state == "waiting"][:1]
    assert attempt.next_at is not None
    assert timedelta(minutes=59) < attempt.next_at - attempt.at < timedelta(minutes=61)
    seen = len(place.receiver.heard)
    clock.shift(timedelta(minutes=50))
    await place.turn()
    assert len(place.receiver.heard) == seen  # neither this one nor the others


def test_what_stands_in_retry_after_is_bounded() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)

    def after(text: str) -> timedelta:
        answer = Answer(outcome=Outcome.REFUSED, milliseconds=1, status=503, retry_after=text)
        return plan.retry_after(answer, now)

    assert after("99999999999999999999") == timedelta(hours=24)
    for nonsense in ("", "soon", "-5", "١٢", "Wed, 99 Foo 2026 00:00:00 GMT", "1e9"):
        assert after(nonsense) == timedelta(0)
    assert after("Thu, 26 Nov 2020 00:00:00 GMT") == timedelta(0)


async def test_one_event_that_is_refused_for_ever_does_not_stop_the_others(place: Place) -> None:
    """A receiver that takes everything else works: the one event has failed, the webhook stays."""
    await place.listen("contact.created", "contact.updated")

    async def picky(request: web.Request) -> web.Response:
        return web.Response(status=422 if (await request.json())["type"] == "contact.created" else 200)

    place.receiver.reply = picky
    await place.happened(type_="contact.created")
    await place.collect()
    for _ in range(plan.TRIES):
        await place.turn()
        await place.happened(type_="contact.updated")
        await place.tell()
        clock.shift(clock.offset() + timedelta(hours=27))
    assert (await place.show()).status == "on"
    states = await place.states()
    assert (states[0], set(states[1:])) == ("failed", {"delivered"})


async def test_an_endpoint_that_fails_for_the_length_of_a_plan_is_given_up_with_events_still_waiting(
    place: Place,
) -> None:
    await place.listen("contact.created")
    place.receiver.status = 503
    await place.happened(50)
    await place.tell()
    assert len(place.receiver.heard) <= turns.IN_FLIGHT  # it is left alone after the first that failed
    clock.shift(plan.PATIENCE + timedelta(minutes=2))
    await place.turn()
    assert (await place.show()).status == "disabled"
    assert set(await place.states()) == {"missed"}


async def test_a_failing_endpoint_is_knocked_at_by_one_request_and_then_gets_all(place: Place) -> None:
    await place.listen("contact.created")
    place.receiver.status = 500
    await place.happened(20)
    await place.tell()
    first = len(place.receiver.heard)
    clock.shift(timedelta(minutes=10))
    await place.turn()
    assert len(place.receiver.heard) == first + 1
    clock.shift(timedelta(minutes=20))
    place.receiver.status = 200
    await place.turn()
    assert set(await place.states()) == {"delivered"}
    assert (await place.show()).failing_since is None


async def test_four_requests_are_in_flight_and_no_more(place: Place) -> None:
    await place.listen("contact.created")

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response()

    place.receiver.reply = slow
    await place.happened(24)
    await place.tell()
    assert len(place.receiver.heard) == 24
    assert place.receiver.most == turns.IN_FLIGHT


async def test_a_slow_endpoint_holds_up_no_other(place: Place) -> None:
    slow = await place.listen("contact.created")
    may_answer = asyncio.Event()

    async def never(request: web.Request) -> web.Response:
        await may_answer.wait()
        return web.Response()

    place.receiver.reply = never
    await place.happened()
    await place.collect()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(place.turn(slow))
        while not place.receiver.open:
            await asyncio.sleep(0.01)

        async with receiving() as other:
            quick = await place.listen("contact.updated", url=other.url)
            await place.happened(type_="contact.updated")
            await place.collect()
            await place.turn(quick)
            assert len(other.heard) == 1
        assert not waiting.done()
        may_answer.set()


async def test_a_test_event_goes_to_a_webhook_in_whatever_state_and_is_tried_once(place: Place) -> None:
    await place.listen("contact.created")
    wall = turns.wall_of(place.services.settings)
    async with place.tx() as tx:
        await endpoints.change(tx, wall, place.endpoint, EndpointChanges(status="off"))
        uid = await attempts.test(tx, place.endpoint)
    await place.turn()
    [heard] = place.receiver.heard
    assert (heard.id, heard.json["type"]) == (uid, "webhook.test")
    assert signed(heard, place.secret) == [True]
    place.receiver.status = 500
    async with place.tx() as tx:
        await attempts.test(tx, place.endpoint)
    await place.turn()
    assert await place.turn() is None
    assert sorted(await place.states()) == ["delivered", "failed"]
    assert (await place.show()).failing_since is None


async def test_one_message_is_replayed_under_the_same_id(place: Place) -> None:
    await place.listen("contact.created")
    await place.happened(2)
    await place.tell()
    wanted = place.receiver.heard[1]
    async with place.tx() as tx:
        await attempts.replay(tx, place.endpoint, Replay(message_id=wanted.id))
    await place.turn()
    again = place.receiver.heard[2]
    assert (again.id, again.body) == (wanted.id, wanted.body)


async def test_a_replay_since_a_time_takes_what_was_not_delivered_or_everything(place: Place) -> None:
    await place.listen("contact.created")
    await place.happened(3)
    await place.tell()
    since = clock.now() - timedelta(hours=1)
    async with place.tx() as tx:
        assert (await attempts.replay(tx, place.endpoint, Replay(since=since))).count == 0
        done = await attempts.replay(tx, place.endpoint, Replay(since=since, only="all"))
        later = await attempts.replay(
            tx, place.endpoint, Replay(since=clock.now() + timedelta(hours=1), only="all")
        )
    assert (done.count, later.count) == (3, 0)
    await place.turn()
    assert len(place.receiver.heard) == 6


async def test_an_endpoint_deleted_while_a_request_is_open_harms_nobody(place: Place) -> None:
    await place.listen("contact.created")

    async def deleted(_: web.Request) -> web.Response:
        async with place.tx() as tx:
            await endpoints.delete(tx, place.endpoint)
        return web.Response()

    place.receiver.reply = deleted
    await place.happened()
    await place.tell()
    assert await place.value("SELECT count(*) FROM webhook_attempts WHERE account_id = $1") == 0
    assert await place.turn() is None


async def test_a_turn_that_is_cut_off_is_made_again_under_the_same_id(place: Place) -> None:
    """At least once: what was sent but not written down goes out again."""
    await place.listen("contact.created")
    heard = asyncio.Event()

    async def hangs(_: web.Request) -> web.Response:
        heard.set()
        await asyncio.sleep(60)
        return web.Response()

    place.receiver.reply = hangs
    await place.happened()
    await place.collect()
    cut = asyncio.create_task(place.turn())
    await heard.wait()
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    place.receiver.reply = None
    await place.turn()
    assert len({one.id for one in place.receiver.heard}) == 1
    assert await place.states() == ["delivered"]


async def test_a_copy_of_the_database_tells_nobody(place: Place) -> None:
    """After a restore an operator looks first: a copy would tell programs what they know, or never was."""

    await place.listen("contact.created")
    await place.happened()
    await place.collect()
    await restores.hold(place.services)
    assert not await restores.may_send(place.services)
    try:
        assert await place.turn() is not None
        assert place.receiver.heard == []
    finally:
        await restores.resume(place.services, begun=False)
    assert await restores.may_send(place.services)
    await place.turn()
    assert len(place.receiver.heard) == 1


async def test_the_body_is_the_same_each_time_it_is_made() -> None:
    at = datetime(2026, 11, 26, 19, 30, 0, 123456, tzinfo=UTC)
    made = turns.payload("contact.created", at, {"list_id": 1, "contact_ids": [2]})
    assert made == turns.payload(
        "contact.created", at, orjson.loads(orjson.dumps({"contact_ids": [2], "list_id": 1}))
    )
    assert made.startswith(
        b'{"data":{"contact_ids":[2],"list_id":1},"timestamp":"2026-11-26T19:30:00.123456Z"'
    )


async def test_two_workers_of_one_endpoint_never_run_at_once(place: Place) -> None:
    """The turn is fenced by its row of work: the second ring of the same turn finds nothing to do."""

    await place.listen("contact.created")

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response()

    place.receiver.reply = slow
    await place.happened(10)
    await place.collect()
    row = next(
        one
        for one in await work.due(place.services.db, EVERY)
        if (one.account_id, one.job, one.ref_id) == (place.account.id, turns.SEND, place.endpoint)
    )
    ran = await asyncio.gather(*(run_turn(place.services, JOBS, row) for _ in range(3)))
    assert sorted(ran) == [False, False, True]
    assert len(place.receiver.heard) == 10
    assert isinstance(row, Task)
