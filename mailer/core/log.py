"""JSON lines on standard error, UTC, with ids of request, job and account; never values of people (B-61)."""

import logging
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

_LONGEST = 500


def _frames(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Of an exception its type and places, never its words: a driver's hold values of people (B-61)."""
    if event.pop("exc_info", None):
        kind, _error, trace = sys.exc_info()
        event["exception"] = kind.__name__ if kind else ""
        event["trace"] = _places(trace)
    return event


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]


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


class _OfLibraries(logging.Formatter):
    """What libraries log, in the same form: their own words, on the first line.

    What is put into those came from the network or from people; below, asyncio lists exceptions with theirs.
    """

    def format(self, record: logging.LogRecord) -> str:
        event: EventDict = {
            "event": f"{record.name}: {str(record.msg).partition(chr(10))[0]}"[:_LONGEST],
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }
        if record.exc_info and record.exc_info[0] is not None:
            event["exception"] = record.exc_info[0].__name__
            event["trace"] = _places(record.exc_info[2])
        return _dumps(_clean(None, "", event))


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
    libraries = logging.StreamHandler(cast(TextIO, _Unfailing(stream or sys.stderr)))
    libraries.setFormatter(_OfLibraries())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[libraries], force=True)
