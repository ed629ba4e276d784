"""JSON lines on standard error, UTC, with ids of request, job and account; never values of people (B-61)."""

import logging
import sys
import traceback
from contextlib import suppress
from typing import TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger


def _frames(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Of an exception its type and places, never its words: a driver's hold values of people (B-61)."""
    if event.pop("exc_info", None):
        kind, _error, trace = sys.exc_info()
        event["exception"] = kind.__name__ if kind else ""
        event["trace"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)
        ]
    return event


def _clean(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """E-13: one event is one line, whatever came in."""
    return {
        key: value.replace("\r", "\\r") if isinstance(value, str) else value for key, value in event.items()
    }


def _dumps(event: EventDict, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()


class _Unfailing:
    """A stream that loses a line where its disk is full or its reader gone: work goes on without its log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def set_up(level: str, *, stream: TextIO | None = None) -> None:
    """Once at start, by the roof."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _frames,
            _clean,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Unfailing(stream or sys.stderr))),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=max(number, logging.WARNING), format='{"event": "%(name)s: %(message)s"}', force=True
    )
