"""The one place that knows what time it is, so that a test can say so."""

from calendar import monthrange
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


def months_before(now: datetime, months: int) -> datetime:
    """The same day and time so many calendar months ago; the month's last day where there is no such day.

    31 March less one month is 28 or 29 February (A-004, A-023).
    """
    index = now.year * 12 + now.month - 1 - months
    year, month = divmod(index, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))


def months_after(now: datetime, months: int) -> datetime:
    return months_before(now, -months)
