"""Logs hold no values of people (B-61) and one line an event (E-13)."""

import errno
import io
import json
import logging

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


@pytest.mark.req("B-61", "E-13")
def test_what_libraries_log_is_one_line_in_the_same_form() -> None:
    out = io.StringIO()
    log.set_up("error", stream=out)
    logger = logging.getLogger("some.library")
    try:
        try:
            raise ValueError("of jean@example.test")
        except ValueError:
            logger.exception('Error "handling" request of %s', "jean@example.test\r\n{}")
        # already put together by the library, as asyncio does
        logger.error("Task exception was never retrieved\nfuture: ValueError('jean@example.test')\r\nFAKE")
    finally:
        log.set_up("error")
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert "jean@" not in out.getvalue()
    first, second = (json.loads(line) for line in lines)
    assert first["event"] == 'some.library: Error "handling" request of %s'
    assert (first["level"], first["exception"]) == ("error", "ValueError")
    assert first["trace"][0].endswith("test_what_libraries_log_is_one_line_in_the_same_form")
    assert second["event"] == "some.library: Task exception was never retrieved"
    for event in (first, second):
        assert event["timestamp"].endswith("Z")
