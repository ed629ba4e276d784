"""The short way of clicks and opens: the same answers as the long one, many at once, with PostgreSQL away or not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientSession, web

from mailer.app import make_app, make_track_app, started
from mailer.core.db import open_database
from mailer.core.errors import Unavailable
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.tokens import CampaignToken, Purpose
from tests.clicks.conftest import BROWSER, URLS, Flush, Sent
from tests.client import Client
from tracking import buffer, links

pytestmark = pytest.mark.usefixtures("patient")
OWN = {"date", "server", "x-request-id", "content-security-policy", "content-type"}


@asynccontextmanager
async def listening(runner: web.AppRunner) -> AsyncIterator[str]:
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def raw(base: str, *requests: bytes) -> bytes:
    """What comes back on one connection, until it is closed or silent."""
    host, _, port = base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"".join(requests))
    found = b""
    try:
        while part := await asyncio.wait_for(reader.read(65536), 1.0):
            found += part
    except TimeoutError:
        pass
    writer.close()
    return found


def request(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    lines = [
        f"{method} {path} HTTP/{version}",
        "Host: t.example",
        f"User-Agent: {BROWSER['User-Agent']}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.req("E-05", "E-06")
async def test_both_ways_give_the_same_answer(
    sent: Sent, services: Services, settings: Settings, http: ClientSession
) -> None:
    public = settings.model_copy(update={"public_url": "https://mail.exemple.test"})
    app = make_app(public, services=replace(services, settings=public))
    async with listening(await started(app, public, shutdown_timeout=1)) as base:
        for path in (sent.click(0, 1), sent.open(0)):
            found = []
            for method in ("GET", "GET", "HEAD"):
                async with http.request(
                    method, base + path, headers=BROWSER, allow_redirects=False
                ) as answer:
                    headers = {name.lower(): value for name, value in answer.headers.items()}
                    found.append((answer.status, headers, await answer.read()))
            # the first click asks the database, and goes the long way as HEAD does
            short, long = found[1], found[2]
            assert short[0] == long[0] == (302 if "/c/" in path else 200)
            assert {k: v for k, v in short[1].items() if k not in OWN} == {
                k: v for k, v in long[1].items() if k not in OWN | {"content-length"}
            } | {"content-length": str(len(short[2]))}
            assert "x-request-id" not in short[1], "it went the short way"
            assert "frame-ancestors 'none'" in short[1]["content-security-policy"]
            assert "max-age" in short[1]["strict-transport-security"]
            assert short[2] == found[0][2]


async def test_requests_in_one_write_are_answered_in_their_order(
    server: str, sent: Sent, flush: Flush
) -> None:
    paths = [sent.click(0, 0), sent.open(1), sent.click(1, 2), sent.open(2)]
    await raw(server, *(request(path) for path in paths))
    found = await raw(server, *(request(path) for path in paths))
    heads = [part.split(b"\r\n")[0] for part in found.split(b"HTTP/1.1 ")[1:]]
    assert heads == [b"302 Found", b"200 OK", b"302 Found", b"200 OK"]
    assert [
        line.partition(b": ")[2].decode() for line in found.split(b"\r\n") if line.startswith(b"Location")
    ] == [
        URLS[0],
        URLS[2],
    ]
    await flush()
    assert len(await sent.events()) == 8


async def test_an_old_or_closing_client_gets_its_answer_and_its_end(server: str, sent: Sent) -> None:
    for asked in (
        request(sent.open(0), version="1.0"),
        request(sent.open(0), "Connection: close"),
    ):
        started_at = time.monotonic()
        found = await raw(server, asked)
        assert found.split(b" ", 2)[1] == b"200"
        assert found.endswith(b";")
        assert time.monotonic() - started_at < 0.9, "the connection was closed"


async def test_hits_of_one_moment_go_into_the_stream_together(
    client: Client, sent: Sent, services: Services, flush: Flush
) -> None:
    """Each is answered after it was kept, whatever it is kept with."""
    await client.get(sent.click(0), headers=BROWSER)
    await flush()
    before = await services.redis.xlen(buffer.STREAM)
    hits = [
        buffer.Hit(f"m-{sent.account_id}-{n}", buffer.now_ms(), "open", *_ids(sent, n), 0, "browser", False)
        for n in range(450)
    ]
    await asyncio.gather(*(buffer.append(services, hit, remote="192.0.2.7") for hit in hits))
    entries = await services.redis.xlen(buffer.STREAM) - before
    assert entries == 3
    last = buffer.unpack((await services.redis.xrevrange(buffer.STREAM, count=1))[0][1][b"h"])
    assert {hit.network for hit in last} == {last[0].network} != {""}
    assert "192" not in last[0].network


def _ids(sent: Sent, n: int) -> tuple[int, int, int]:
    return sent.account_id, sent.campaign_id, sent.contacts[n % 3]


@pytest.mark.req("D-95")
async def test_the_database_is_away_and_known_links_go_on(
    sent: Sent, services: Services, settings: Settings, http: ClientSession
) -> None:
    async with open_database(settings.database_url, size=1) as db:
        mine = replace(services, db=db)
        app = make_app(settings, services=mine)
        async with listening(await started(app, settings, shutdown_timeout=1)) as base:
            client = Client(http, base)
            assert (await client.get(sent.click(0, 0), headers=BROWSER)).location == URLS[0]
            personal = sent.links.click(
                CampaignToken(*_ids(sent, 0), sent.link_ids[0], "https://shop.example/Ana")
            ).removeprefix(sent.links.base)
            assert (await client.get(personal, headers=BROWSER)).location == "https://shop.example/Ana"
            links._kept[db] = {key: replace(kept, until=0.0) for key, kept in links._kept[db].items()}
            # every connection is refused from now on
            await db._pool.close()
            assert (await client.get(sent.click(0, 0), headers=BROWSER)).location == URLS[0]
            assert (await client.get(sent.click(1, 0), headers=BROWSER)).location == URLS[0]
            assert (await client.get(personal, headers=BROWSER)).location == "https://shop.example/Ana"
            assert (await client.get(sent.open(2), headers=BROWSER)).status == 200
            unknown = await client.get(sent.click(0, 2), headers={**BROWSER, "Accept-Language": "fr"})
            assert (unknown.status, unknown.location) == (503, "")
            assert "réessayez" in unknown.text


@pytest.mark.req("E-09")
async def test_a_link_that_is_gone_and_an_account_that_was_suspended_are_seen_within_a_minute(
    client: Client, sent: Sent, services: Services, flush: Flush
) -> None:
    assert (await client.get(sent.click(0, 0), headers=BROWSER)).status == 302
    assert (await client.get(sent.click(0, 1), headers=BROWSER)).status == 302
    async with services.db.account(sent.account_id) as tx:
        await tx.run("DELETE FROM links WHERE account_id = $1 AND id = $2", sent.link_ids[1])
    kept = links._kept[services.db]
    assert max(one.until for one in kept.values()) <= time.monotonic() + 60
    for key, one in list(kept.items()):
        kept[key] = replace(one, until=0.0)
    assert (await client.get(sent.click(0, 1), headers=BROWSER)).status == 404
    async with services.db.shared() as tx:
        await tx.run("UPDATE accounts SET status = 'suspended' WHERE id = $1", sent.account_id)
    assert "This link is held back." in (await client.get(sent.click(0, 0), headers=BROWSER)).text
    await flush()
    assert len(await sent.events()) == 2


async def test_the_cache_of_targets_is_bounded(
    sent: Sent, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MAX_KEPT", 2)
    links._kept.pop(services.db, None)
    for link in (0, 1, 2, 0):
        what = CampaignToken(*_ids(sent, 0), sent.link_ids[link])
        assert (await links.target(services, what)).url == URLS[link]
        assert len(links._kept[services.db]) <= 2


async def test_a_foreign_error_is_no_answer_from_the_cache(services: Services, sent: Sent) -> None:
    async with open_database(services.settings.database_url, size=1) as db:
        mine = replace(services, db=db)
        await db._pool.close()
        with pytest.raises(Unavailable):
            await links.target(mine, CampaignToken(*_ids(sent, 0), sent.link_ids[0]))


async def test_a_track_process_serves_recipients_and_nothing_else(
    sent: Sent, services: Services, settings: Settings, http: ClientSession
) -> None:
    app = make_track_app(settings, services=services)
    async with listening(await started(app, settings, shutdown_timeout=1)) as base:
        client = Client(http, base)
        for _ in range(2):
            assert (await client.get(sent.click(0, 0), headers=BROWSER)).location == URLS[0]
        assert (await client.get(sent.open(0), headers=BROWSER)).status == 200
        assert (await client.get("/healthz")).status == 200
        damaged = await client.get("/t/unsubscribe/x")
        assert damaged.status == 404
        assert '<link rel="stylesheet" href="/static/' in damaged.text
        token = services.tokens.campaign(Purpose.VIEW, CampaignToken(*_ids(sent, 0)))
        assert (await client.get(f"/t/view/{token}")).status in (200, 404, 410)
        for path in ("/", "/app/sign-in", "/app/accounts", "/api/v1/lists", "/api/v1/openapi.json", "/inbox"):
            answer = await client.get(path)
            assert (answer.status, answer.location) == (404, ""), path
