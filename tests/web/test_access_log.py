"""What the log says of a request: enough to find it, nothing that opens a door (B-41, B-61, E-13)."""

import io
from collections.abc import Iterator

import orjson
import pytest
import structlog

from mailer.core import log
from tests.client import Client

TOKEN = "Vu0YyYb3Zb4Xq0c9m1P2wA"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log.set_up("info", stream=stream)
    # loggers made before keep their first stream
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    log.set_up("error")


@pytest.mark.req("B-61")
async def test_a_one_time_link_is_not_in_the_log(
    client: Client, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.web.middleware.log", structlog.get_logger())
    for page in ("reset", "sign-in-link", "confirm", "confirm-address"):
        assert (await client.get(f"/app/{page}/{TOKEN}?next=x")).status == 410
    logged = [orjson.loads(line) for line in lines.getvalue().splitlines()]
    assert [one["path"] for one in logged] == [
        "/app/reset/…",
        "/app/sign-in-link/…",
        "/app/confirm/…",
        "/app/confirm-address/…",
    ]
    assert TOKEN not in lines.getvalue()


@pytest.mark.req("B-41")
async def test_what_recipients_do_is_not_in_the_log(
    client: Client, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.web.middleware.log", structlog.get_logger())
    assert (await client.get(f"/t/c/{TOKEN}")).status == 404
    assert (await client.get(f"/t/o/{TOKEN}")).status == 200
    assert (await client.get(f"/t/unsubscribe/{TOKEN}")).status == 404
    assert lines.getvalue() == ""
    assert (await client.get("/healthz")).status == 200
    assert orjson.loads(lines.getvalue())["path"] == "/healthz"
