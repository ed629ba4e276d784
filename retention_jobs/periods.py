"""A span of time as laws and promises name it: calendar months, or hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.core.clock import months_before


@dataclass(frozen=True, slots=True)
class Period:
    """`months` are calendar months (A-004); `time` comes on top, or off when it is negative."""

    months: int = 0
    time: timedelta = timedelta(0)

    def before(self, now: datetime) -> datetime:
        """What began before then is over."""
        return months_before(now, self.months) - self.time


def days(n: float) -> Period:
    return Period(time=timedelta(days=n))


def hours(n: float) -> Period:
    return Period(time=timedelta(hours=n))


def months(n: int) -> Period:
    return Period(months=n)


def months_less(n: int, *, days_less: float) -> Period:
    """So many calendar months, and over some days before they are."""
    return Period(months=n, time=-timedelta(days=days_less))
