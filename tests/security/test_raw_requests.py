"""What no browser sends: requests that two machines could read in two ways, and what scanners try."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, web

from mailer.app import make_app
from mailer.core import clock
from mailer.core.services import Services
from mailer.core.settings import Settings
from tests.client import Client
from tests.make import Make

Send = Callable[[bytes], Awaitable[bytes]]
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def send(server: str) -> Send:
    """Bytes as they are → everything that comes back until the connection closes, or a second passes."""
    place = urlsplit(server)

    async def sent(raw: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(raw)
        found = b""
        try:
            async with asyncio.timeout(1):
                while piece := await reader.read(65_536):
                    found += piece
        except (TimeoutError, ConnectionResetError):
            pass
        finally:
            writer.close()
        return found

    return sent


def _post(*headers: str, body: bytes = b"", path: str = "/t/unsubscribe/x") -> bytes:
    return (
        "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode("latin-1") + body
    )


@pytest.mark.req("E-12", "E-67")
@pytest.mark.parametrize(
    "raw",
    [
        _post("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
        _post(f"Content-Length: {len(SMUGGLED) + 5}", "Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SMUGGLED),
        _post("Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + SMUGGLED),
        _post("Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + SMUGGLED),
        _post("Content-Length : 0", body=SMUGGLED),
        _post("Content-Length: +0", body=SMUGGLED),
        _post("Content-Length: 0x10", body=SMUGGLED),
        _post("X-A: a\x00b", body=SMUGGLED),
        _post("X-A: a\rX-B: b", body=SMUGGLED),
        _post("X-A: " + "a" * 20_000),
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["two lengths", "both", "chunked not last", "unknown coding", "blank before colon", "signed", "hex", "nul",
         "bare return", "long header", "long address", "version", "tls"],
)  # fmt: skip
async def test_a_request_that_can_be_read_in_two_ways_gets_one_refusal(send: Send, raw: bytes) -> None:
    answer = await send(raw)
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer[:200]
    # nothing of the body was taken for a second request
    assert answer.count(b"HTTP/1.") <= 1 + answer.count(b"Bad status line")
    assert b'{"status":"ok"}' not in answer
    assert b"Traceback" not in answer
    assert b".py" not in answer


@pytest.mark.req("E-67", "E-51")
@pytest.mark.parametrize(
    "path",
    [
        "/.git/config", "/.env", "/.htaccess", "/metrics", "/debug", "/debug/pprof/", "/admin", "/server-status",
        "/actuator/env", "/console", "/phpinfo.php", "/wp-login.php", "/api", "/api/v1/../../app/me", "/backup.sql",
        "/static/../pyproject.toml", "/static/%2e%2e/app.py", "/static/..%2f..%2fpyproject.toml",
        "/static/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd", "/static/dist/%00", "/static//etc/passwd", "/static/dist",
        "/t/img/..%2f..%2fpyproject.toml", "/t/img/%2e%2e", "/legal/../app/me", "/t/uploads/..%2fx",
    ],
)  # fmt: skip
async def test_a_scanner_finds_nothing(send: Send, path: str) -> None:
    answer = await send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    status = int(answer.split(b" ", 2)[1])
    assert status in (403, 404, 303), answer[:300]
    if status == 303:  # in, but only by the door
        assert b"Location: /app/sign-in" in answer
    assert b"[project]" not in answer
    assert b"root:" not in answer
    assert b"aiohttp" not in answer


@pytest.mark.req("E-12", "E-60")
async def test_a_fault_of_ours_shows_its_number_and_nothing_else(
    settings: Settings, services: Services, http: ClientSession
) -> None:
    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("password of jean@example.test in /srv/secret.py")

    app = make_app(settings, services=services)
    app.add_routes([web.get("/broken", broken), web.get("/api/broken", broken), web.get("/t-broken", broken)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        host, port = runner.addresses[0][:2]
        for place in ("/broken", "/api/broken", "/t-broken"):
            async with http.get(f"http://{host}:{port}{place}") as answer:
                text = await answer.text()
                assert answer.status == 500
                assert answer.headers["X-Request-Id"] in text
                assert not any(
                    word in text for word in ("jean@", "secret", "RuntimeError", "Traceback", ".py")
                )
                assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    finally:
        await runner.cleanup()


@pytest.mark.req("E-09", "E-67")
async def test_the_host_a_visitor_names_leads_nowhere(make: Make, client: Client, services: Services) -> None:
    """Links in mails and redirects come from the settings, never from what a request calls us."""
    forged = {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"}
    for place in ("/", "/app/accounts", "/app/sign-in", "/t/unsubscribe/x", "/.well-known/security.txt"):
        answer = await client.get(place, headers=forged)
        assert "evil.test" not in answer.text + answer.location
    account = await make.account()
    asked = await client.post("/app/reset", {"email": account.owner_email}, headers=forged)
    assert asked.status in (200, 303, 403)
    for wanted in (
        "//evil.test",
        "https://evil.test/",
        "/\\evil.test",
        "/app/../\\evil.test",
        "/app/\t//evil.test",
    ):
        page = await client.get("/app/sign-in", params={"next": wanted})
        assert re.findall(r'name="next" value="([^"]*)"', page.text) == ["/app/accounts"]


@pytest.mark.req("E-65")
async def test_security_txt_is_never_out_of_date(client: Client, settings: Settings) -> None:
    for days in (0, 31, 200, 700):
        clock.shift(timedelta(days=days))
        answer = await client.get("/.well-known/security.txt")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        lines = dict(line.split(": ", 1) for line in answer.text.splitlines())
        assert lines["Contact"] == f"mailto:{settings.operator.abuse}"
        assert lines["Preferred-Languages"] == "fr, en"
        assert lines["Canonical"] == f"{settings.public_url}/.well-known/security.txt"
        left = datetime.fromisoformat(lines["Expires"]) - clock.now()
        assert timedelta(days=30) < left < timedelta(days=365)
