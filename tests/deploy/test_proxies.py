"""Whose address counts behind a proxy."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import ClientSession, web

from mailer.core.settings import Settings, SettingsError
from mailer.web import proxies

Ask = Callable[..., Awaitable[tuple[str, str]]]


def behind(settings: Settings, *trusted: str) -> Settings:
    return Settings.model_construct(**{**settings.model_dump(), "trusted_proxies": trusted})


@pytest.fixture
async def ask(settings: Settings, http: ClientSession) -> AsyncIterator[Ask]:
    """ask(trusted proxies, headers) → remote and scheme as a handler sees them; the peer is 127.0.0.1."""
    runners = []

    async def shown(request: web.Request) -> web.Response:
        return web.json_response([request.remote, request.scheme])

    async def asked(*trusted: str, headers: dict[str, str]) -> tuple[str, str]:
        app = web.Application(middlewares=proxies.middlewares(behind(settings, *trusted)))
        inner = web.Application()
        inner.add_routes([web.get("/", shown)])
        app.add_subapp("/app", inner)
        runner = web.AppRunner(app)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        async with http.get(f"http://127.0.0.1:{port}/app/", headers=headers) as answer:
            remote, scheme = await answer.json()
        return remote, scheme

    yield asked
    for runner in runners:
        await runner.cleanup()


@pytest.mark.req("E-11")
async def test_headers_of_strangers_are_ignored(ask: Ask) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert await ask(headers=forged) == ("127.0.0.1", "http")
    assert await ask("192.0.2.1", headers=forged) == ("127.0.0.1", "http")


@pytest.mark.req("E-11")
async def test_a_trusted_proxy_tells_who_asked(ask: Ask) -> None:
    told = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert await ask("127.0.0.1", headers=told) == ("203.0.113.9", "https")


@pytest.mark.req("E-11")
async def test_what_a_visitor_wrote_before_the_proxy_is_not_believed(ask: Ask) -> None:
    told = {"X-Forwarded-For": "198.51.100.77, 203.0.113.9, 10.1.2.3"}
    assert await ask("127.0.0.0/8", "10.0.0.0/8", headers=told) == ("203.0.113.9", "http")


@pytest.mark.parametrize("chain", ["", "unknown", "10.1.2.3", "203.0.113.9, <script>"])
async def test_a_chain_without_a_stranger_leaves_the_peer(ask: Ask, chain: str) -> None:
    headers = {"X-Forwarded-For": chain, "X-Forwarded-Proto": "gopher"}
    assert await ask("127.0.0.1", "10.0.0.0/8", headers=headers) == ("127.0.0.1", "http")


def test_a_proxy_that_is_no_address_stops_the_start(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="caddy is neither an address nor a network"):
        proxies.middlewares(behind(settings, "caddy"))
