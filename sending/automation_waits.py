"""When a step is due: waits, and hours in which nothing leaves, on the clock on the account's wall.

Days are days of that clock: two days after Saturday 10:00 is Monday 10:00, also when the clocks change
between
them. An hour that does not exist (clocks go forward) is taken as the first moment after the gap.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mailer.core.errors import fault
from mailer.core.text import N_
from mailer.web.request import Input

Hour = Annotated[int, Field(ge=0, le=23)]
Weekday = Annotated[int, Field(ge=1, le=7)]
_MOST = {"minutes": 60 * 24 * 7, "hours": 24 * 60, "days": 365}


class Wait(Input):
    """`amount` of `unit`, then until the next of `weekdays` (1 is Monday) and `hour`, where they are
    given."""

    amount: Annotated[int, Field(ge=0, le=10_080)] = 1
    unit: Literal["minutes", "hours", "days"] = "days"
    weekdays: Annotated[list[Weekday], Field(max_length=7)] = []
    hour: Hour | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.amount > _MOST[self.unit]:
            raise fault("amount", N_("At most {limit}."), code="too_long", limit=_MOST[self.unit])
        if not self.amount and not self.weekdays and self.hour is None:
            raise fault("amount", N_("Say how long to wait, or until when."), code="missing")
        return self


def end(wait: Wait, since: datetime, zone: tzinfo) -> datetime:
    """When whoever came at `since` goes on; in UTC."""
    if wait.unit == "days":
        local = since.astimezone(zone)
        at = _instant(local.replace(tzinfo=None) + timedelta(days=wait.amount), zone)
    else:
        at = since + timedelta(**{wait.unit: wait.amount})
    return _until(at, wait.weekdays, wait.hour, zone)


def _until(at: datetime, weekdays: Sequence[int], hour: int | None, zone: tzinfo) -> datetime:
    """The first moment from `at` on that is on one of these days, at this hour."""
    if not weekdays and hour is None:
        return at.astimezone(UTC)
    local = at.astimezone(zone)
    for ahead in range(9):
        day = local.date() + timedelta(days=ahead)
        if weekdays and day.isoweekday() not in weekdays:
            continue
        if hour is None:
            start = at if not ahead else _instant(datetime.combine(day, time()), zone)
        else:
            start = _instant(datetime.combine(day, time(hour)), zone)
        if start >= at:
            return start.astimezone(UTC)
    raise AssertionError("a week has every weekday")


def loud_from(now: datetime, quiet: tuple[int, int] | None, zone: tzinfo) -> datetime:
    """`now`, or the end of the quiet hours that it falls into. `quiet`: from and to, also over midnight."""
    if quiet is None or quiet[0] == quiet[1]:
        return now
    begins, ends = quiet
    hour = now.astimezone(zone).hour
    inside = begins <= hour < ends if begins < ends else hour >= begins or hour < ends
    return _until(now, (), ends, zone) if inside else now


def _instant(wall: datetime, zone: tzinfo) -> datetime:
    """The first of two; in a gap, what the clocks show once they went forward."""
    return wall.replace(tzinfo=zone).astimezone(UTC)
