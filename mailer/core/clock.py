"""The one place that knows what time it is, so that a test can say so."""

from datetime import UTC, datetime, timedelta

_shift = timedelta(0)
_apart = timedelta(0)
_NEAR = timedelta(seconds=2)


def now() -> datetime:
    """Aware, in UTC."""
    return _system() + _apart + _shift


def _system() -> datetime:
    return datetime.now(UTC)


def follow(database: datetime) -> None:
    """The time of PostgreSQL, just read: of several machines' clocks its own counts, and one that stepped
    would put work off by as much. Seconds are left alone: the way there takes some."""
    global _apart
    apart = database - _system()
    _apart = apart if abs(apart) > _NEAR else timedelta(0)


def shift(by: timedelta) -> None:
    """For tests: moves this process's clock from now on."""
    global _shift
    _shift = by


def offset() -> timedelta:
    """How far the clock is moved; statements that use it take `$n::interval`."""
    return _shift
