"""A span of time as laws and promises name it: calendar months, or hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.core.clock import months_before


@dataclass(frozen=True, slots=True)
class Period:
    """`months` are calendar months (A-004); one of the two is 0."""

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
