"""Logs hold no values of people (B-61) and one line an event (E-13)."""

import errno
import io
import json

import pytest
import structlog

from mailer.core import log


@pytest.mark.req("B-61", "E-13")
def test_an_exception_is_logged_without_its_words() -> None:
    out = io.StringIO()
    log.set_up("error", stream=out)
    try:
        try:
            raise ValueError("Key (address_key)=(jean@example.test) already exists")
        except ValueError:
            structlog.get_logger().exception("request failed", path="/a\r\nb")
    finally:
        log.set_up("error")
    lines = out.getvalue().splitlines()
    assert len(lines) == 1
    assert "jean@" not in lines[0]
    event = json.loads(lines[0])
    assert event["exception"] == "ValueError"
    assert event["trace"][-1].endswith("test_an_exception_is_logged_without_its_words")


@pytest.mark.req("S20")
def test_a_disk_without_room_costs_the_line_and_nothing_else() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    log.set_up("error", stream=Full())
    try:
        structlog.get_logger().error("database away")
    finally:
        log.set_up("error")
