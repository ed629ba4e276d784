"""The one place that knows what time it is, so that a test can say so."""

from datetime import UTC, datetime, timedelta

_shift = timedelta(0)


def now() -> datetime:
    """Aware, in UTC."""
    return datetime.now(UTC) + _shift


def shift(by: timedelta) -> None:
    """For tests: moves this process's clock from now on."""
    global _shift
    _shift = by


def offset() -> timedelta:
    """How far the clock is moved; statements that use it take `$n::interval`."""
    return _shift
