"""When a recurring campaign leaves: a rule → instants. Pure; the wall clock is the rule's zone.

A time that the clocks skip comes as much later as they jump; one that comes twice counts the first time.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Every = Literal["day", "week", "month"]
_DAY = timedelta(days=1)
# a last Friday comes round within 35 days, a day of the month within 31, of the week within 7
_LOOK_AHEAD = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`weekdays` and `last_weekday`: 1 is Monday. `month_day` 31: the last day of a shorter month."""

    every: Every
    weekdays: tuple[int, ...] = ()
    month_day: int | None = None
    last_weekday: int | None = None
    at: time
    zone: str
    ends_on: date | None = None

    def falls_on(self, day: date) -> bool:
        match self.every:
            case "day":
                return True
            case "week":
                return day.isoweekday() in self.weekdays
        last = monthrange(day.year, day.month)[1]
        if self.last_weekday is not None:
            return day.isoweekday() == self.last_weekday and day.day > last - 7
        return day.day == min(self.month_day or 1, last)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """`clocks`: "skipped" when the planned time does not exist that day, "twice" when it exists twice."""

    at: datetime
    clocks: Literal["", "skipped", "twice"] = ""


def following(rule: Rule, after: datetime) -> Occurrence | None:
    """The first time later than `after`; None past the rule's last day."""
    zone = ZoneInfo(rule.zone)
    day = after.astimezone(zone).date()
    for _ in range(_LOOK_AHEAD + 1):
        if rule.ends_on is not None and day > rule.ends_on:
            return None
        if rule.falls_on(day):
            found = _on(day, rule.at, zone)
            if found.at > after:
                return found
        day += _DAY
    return None


def upcoming(rule: Rule, after: datetime, n: int) -> list[Occurrence]:
    """The next `n`, for people to look at."""
    found: list[Occurrence] = []
    while len(found) < n and (one := following(rule, found[-1].at if found else after)):
        found.append(one)
    return found


def until(rule: Rule, first: datetime, now: datetime) -> Iterator[datetime]:
    """The times from `first` on that have come by `now`."""
    at: datetime | None = first
    while at is not None and at <= now:
        yield at
        later = following(rule, at)
        at = later.at if later else None


def _on(day: date, at: time, zone: ZoneInfo) -> Occurrence:
    # PEP 495: with fold 0 a skipped time is read with the offset before the jump, and so comes out after it
    local = datetime.combine(day, at, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        return Occurrence(instant, "skipped")
    twice = local.utcoffset() != local.replace(fold=1).utcoffset()
    return Occurrence(instant, "twice" if twice else "")
