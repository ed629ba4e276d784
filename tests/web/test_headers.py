"""What every answer carries, whichever face gives it, whatever it says (E-05, E-06)."""

from dataclasses import replace

import pytest
from aiohttp import ClientSession, web

from mailer.app import make_app
from mailer.core.services import Services
from mailer.core.settings import Settings
from tests.client import Client

PLACES = (
    "/",
    "/healthz",
    "/robots.txt",
    "/.well-known/security.txt",
    "/static/dist/app.css",
    "/static/dist/",
    "/nowhere",
    "/app/sign-in",
    "/app/1/lists",
    "/app/reset/x",
    "/api/v1/lists",
    "/api/v1/openapi.json",
    "/api/v1/nowhere",
    "/t/unsubscribe/x",
    "/t/o/x",
    "/t/c/x",
    "/t/img/x",
    "/t/nowhere",
)


@pytest.mark.req("E-06")
@pytest.mark.parametrize("place", PLACES)
async def test_every_answer_carries_the_headers(client: Client, place: str) -> None:
    headers = (await client.get(place)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.req("E-05")
async def test_a_public_site_asks_for_tls_on_every_answer(
    settings: Settings, services: Services, http: ClientSession
) -> None:
    public = settings.model_copy(update={"public_url": "https://mail.exemple.test"})
    held = replace(services, settings=public)
    runner = web.AppRunner(make_app(public, services=held), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        for place in PLACES:
            async with http.get(f"http://{host}:{port}{place}", allow_redirects=False) as answer:
                assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000"), place
    finally:
        await runner.cleanup()
