"""The stream of a report: tells what is new once, is shared by its watchers, and ends when it should."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientResponse, ClientTimeout, web

from mailer.app import make_app
from mailer.core.errors import Unavailable
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.serve import started
from tests.client import COOKIE, Client
from tests.make import Account, Make
from tests.reports.test_report import fill
from tests.running.processes import free_port
from tracking import live, pages_live
from tracking.whole_report import Whole


@pytest.fixture
async def acc(make: Make) -> Account:
    return await make.account()


@asynccontextmanager
async def stream(person: Client, path: str, **headers: str) -> AsyncIterator[ClientResponse]:
    cookie = {"Cookie": f"{COOKIE}={person.cookie}", "Accept-Language": "en"}
    timeout = ClientTimeout(total=20)
    async with person.http.get(person.base + path, headers=cookie | headers, timeout=timeout) as answer:
        yield answer


async def event(answer: ClientResponse) -> dict[str, str]:
    """The next event: its fields, lines of data put together; comments are read over."""
    found: dict[str, str] = {}
    while True:
        line = (await answer.content.readline()).decode()
        assert line, "the stream ended"
        name, _, value = line.rstrip("\n").partition(":")
        if line == "\n" and found:
            return found
        if name:
            found[name] = f"{found[name]}\n{value.lstrip()}" if name in found else value.lstrip()


async def sending(services: Services, make: Make, acc: Account) -> int:
    async with services.db.account(acc.id) as tx:
        campaign_id = await fill(tx, make)
        await tx.run(
            "UPDATE campaigns SET status = 'sending', finished_at = NULL WHERE account_id = $1 AND id = $2",
            campaign_id,
        )
    return campaign_id


async def deliver(services: Services, acc: Account, campaign_id: int) -> None:
    """The one that is being handed over."""
    async with services.db.account(acc.id) as tx:
        await tx.run(
            """
            UPDATE deliveries SET status = 'delivered', final_at = now(), lane = NULL, turn = NULL
            WHERE account_id = $1 AND campaign_id = $2 AND status = 'handing'
            """,
            campaign_id,
        )


def sent(text: str) -> str:
    return re.search(r"(\d+) of 30 messages have left", text)[1]


async def test_the_figures_move_and_the_stream_ends_with_the_campaign(
    services: Services, make: Make, acc: Account
) -> None:
    campaign_id = await sending(services, make, acc)
    person = await make.signed_in(acc.owner_id)
    async with stream(person, f"{acc.app}/campaigns/{campaign_id}/report/events") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Cache-Control"] == "no-store"
        first = await event(answer)
        assert sent(first["data"]) == "22"
        assert first["data"].startswith('<div id="figures"')
        await deliver(services, acc, campaign_id)
        second = await event(answer)
        assert sent(second["data"]) == "23"
        assert second["id"] != first["id"]
        async with services.db.account(acc.id) as tx:
            await tx.run(
                "UPDATE campaigns SET status = 'sent', finished_at = now() WHERE account_id = $1 AND id = $2",
                campaign_id,
            )
        last = await event(answer)
        assert sent(last["data"]) == "23"
        # the page that has them asks by itself from now on
        assert 'hx-trigger="every 30s"' in last["data"]
        assert "hx-trigger" not in second["data"]
        assert (await event(answer))["event"] == "over"
        assert await answer.content.read() == b""


async def test_what_the_watcher_has_is_not_told_again(services: Services, make: Make, acc: Account) -> None:
    campaign_id = await sending(services, make, acc)
    person = await make.signed_in(acc.owner_id)
    path = f"{acc.app}/campaigns/{campaign_id}/report/events"
    async with stream(person, path) as answer:
        first = await event(answer)
    async with stream(person, path, **{"Last-Event-ID": first["id"]}) as answer:
        await deliver(services, acc, campaign_id)
        assert sent((await event(answer))["data"]) == "23"


async def test_watchers_share_one_reading(
    services: Services, make: Make, acc: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = await sending(services, make, acc)
    person = await make.signed_in(acc.owner_id)
    monkeypatch.setattr(live, "EVERY_SECONDS", 3600.0)
    path = f"{acc.app}/campaigns/{campaign_id}/report/events"
    hub = live.hub(services.db)
    async with stream(person, path) as one, stream(person, path) as other, stream(person, path) as third:
        for answer in (one, other, third):
            assert sent((await event(answer))["data"]) == "22"
        channel = hub.channels[(acc.id, campaign_id)]
        assert (channel.watchers, channel.read) == (3, 1)
    # whoever left is noticed at the next word to them; then nothing of the campaign is kept
    monkeypatch.setattr(pages_live, "HEARTBEAT_SECONDS", 0.05)
    async with asyncio.timeout(15):
        while (acc.id, campaign_id) in hub.channels:
            await asyncio.sleep(0.05)
    assert hub.of_account[acc.id] == 0


async def test_an_account_has_so_many_streams_and_others_are_sent_away(
    services: Services, make: Make, acc: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = await sending(services, make, acc)
    person = await make.signed_in(acc.owner_id)
    monkeypatch.setattr(live, "MOST_OF_ACCOUNT", 1)
    path = f"{acc.app}/campaigns/{campaign_id}/report/events"
    async with stream(person, path) as answer:
        await event(answer)
        async with stream(person, path) as refused:
            assert refused.status == 204
        other = await make.account()
        elsewhere = await sending(services, make, other)
        stranger = await make.signed_in(other.owner_id)
        async with stream(stranger, f"{other.app}/campaigns/{elsewhere}/report/events") as theirs:
            assert theirs.status == 200


@pytest.mark.req("E-30")
@pytest.mark.parametrize("loss", ["signed out", "no member any more"])
async def test_a_stream_outlives_neither_session_nor_membership(
    services: Services, make: Make, acc: Account, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    campaign_id = await sending(services, make, acc)
    user_id, _ = await make.user(acc.id, "analyst")
    person = await make.signed_in(user_id)
    monkeypatch.setattr(pages_live, "HEARTBEAT_SECONDS", 0.5)
    async with stream(person, f"{acc.app}/campaigns/{campaign_id}/report/events") as answer:
        await event(answer)
        async with services.db.shared() as tx:
            if loss == "signed out":
                await tx.run("DELETE FROM sessions WHERE user_id = $1", user_id)
            else:
                await tx.run("DELETE FROM memberships WHERE user_id = $1", user_id)
        assert (await event(answer))["event"] == "over"


async def test_silence_is_broken_by_a_heartbeat(
    services: Services, make: Make, acc: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = await sending(services, make, acc)
    person = await make.signed_in(acc.owner_id)
    monkeypatch.setattr(pages_live, "HEARTBEAT_SECONDS", 0.2)
    async with stream(person, f"{acc.app}/campaigns/{campaign_id}/report/events") as answer:
        await event(answer)
        assert (await answer.content.readline()).startswith(b":")


async def test_looking_does_not_keep_a_session_alive(services: Services, make: Make, acc: Account) -> None:
    person = await make.signed_in(acc.owner_id)
    from mailer.accounts import sessions

    async with services.db.shared() as tx:
        await tx.run(
            "UPDATE sessions SET seen_at = now() - interval '10 minutes' WHERE user_id = $1", acc.owner_id
        )
        before = await tx.value("SELECT seen_at FROM sessions WHERE user_id = $1", acc.owner_id)
        assert await sessions.stands(tx, person.cookie, acc.id)
        assert await tx.value("SELECT seen_at FROM sessions WHERE user_id = $1", acc.owner_id) == before
        await tx.run(
            "UPDATE sessions SET seen_at = now() - interval '31 minutes' WHERE user_id = $1", acc.owner_id
        )
        assert not await sessions.stands(tx, person.cookie, acc.id)


async def test_streams_end_when_the_process_is_asked_to_stop(
    services: Services, settings: Settings, make: Make, acc: Account
) -> None:
    campaign_id = await sending(services, make, acc)
    person = await make.signed_in(acc.owner_id)
    port = free_port()
    runner = await started(make_app(settings, services=services), settings, shutdown_timeout=30)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    there = replace(person, base=f"http://127.0.0.1:{port}")
    async with stream(there, f"{acc.app}/campaigns/{campaign_id}/report/events") as answer:
        await event(answer)
        async with asyncio.timeout(10):
            stopped = asyncio.ensure_future(runner.cleanup())
            # the end of the stream, not of the connection: a browser takes it up again elsewhere
            assert b"event: over" not in await answer.content.read()
            await stopped


async def test_a_stream_outlives_a_database_that_is_away_for_a_moment(
    services: Services, make: Make, acc: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = await sending(services, make, acc)
    person = await make.signed_in(acc.owner_id)
    look, failed = live.look, []

    async def away(*args: object, **more: object) -> Whole:
        if not failed:
            failed.append(True)
            raise Unavailable
        return await look(*args, **more)

    async with stream(person, f"{acc.app}/campaigns/{campaign_id}/report/events") as answer:
        await event(answer)
        monkeypatch.setattr(live, "look", away)
        await deliver(services, acc, campaign_id)
        assert sent((await event(answer))["data"]) == "23"
    assert failed
