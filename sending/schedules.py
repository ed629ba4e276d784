"""A date and a time on a wall clock → an instant. Times that do not exist or exist twice are asked again."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import StringConstraints

from mailer.core import clock
from mailer.core.errors import Fault, Invalid, fault
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.request import Input

MAX_AHEAD = timedelta(days=366)
_MINUTE = timedelta(minutes=1)


class WallClock(Input):
    """As a form gives it: native date and time, and an IANA zone."""

    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
    time: Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d(:\d\d)?$")]
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)]


def instant(wall: WallClock) -> datetime:
    """Aware, in UTC. Raises Invalid at `date`, `time` or `zone`, also for what is past or too far."""
    zone = _zone(wall.zone)
    try:
        local = datetime.combine(date.fromisoformat(wall.date), time.fromisoformat(wall.time))
    except ValueError:
        raise fault("date", N_("Write the date like 2026-11-24.")) from None
    first = local.replace(tzinfo=zone)
    if _missing(local, zone):
        raise Invalid(_gap(local, zone))
    if _twice(local, zone):
        message = N_(
            "{day} at {time} exists twice in {city} (clocks go back). "
            "Choose a time before {first} or from {last} on."
        )
        later = first.astimezone(UTC)
        edges = {"first": _edge(later, zone, -1), "last": _edge(later, zone, 1)}
        raise Invalid(Fault("time", message, "twice", _params(local, zone) | edges))
    return check(first.astimezone(UTC), field="date")


def check(at: datetime, *, field: str = "at") -> datetime:
    """An instant that lies ahead, by a year at most. Raises Invalid at `field`."""
    now = clock.now()
    if at < now - timedelta(minutes=1):
        raise fault(field, N_("This time is past. Choose a later one, or send now."), code="past")
    if at > now + MAX_AHEAD:
        raise fault(field, N_("This is more than a year ahead. Choose an earlier day."), code="too_far")
    return at.astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise fault("zone", N_("Choose a time zone of the list.")) from None


def _params(local: datetime, zone: ZoneInfo) -> dict[str, object]:
    city = zone.key.rpartition("/")[2].replace("_", " ")
    return {"day": i18n.day(local.date()), "time": f"{local:%H:%M}", "city": city}


def _gap(local: datetime, zone: ZoneInfo) -> Fault:
    """The last minute before the clocks go forward, and the first after (ui 4.4, row 22)."""
    start = local
    while _missing(start, zone):
        start -= _MINUTE
    end = (start.replace(tzinfo=zone).astimezone(UTC) + _MINUTE).astimezone(zone)
    message = N_("{day} at {time} does not exist in {city} (clocks go forward). Choose {before} or {after}.")
    params = _params(local, zone) | {"before": f"{start:%H:%M}", "after": f"{end:%H:%M}"}
    return Fault("time", message, "gap", params)


def _missing(local: datetime, zone: ZoneInfo) -> bool:
    there = local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None) != local


def _twice(local: datetime, zone: ZoneInfo) -> bool:
    first, second = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    return first.utcoffset() != second.utcoffset()


def _edge(inside: datetime, zone: ZoneInfo, direction: int) -> str:
    """The first time that comes twice (direction -1), or the first after that comes once (1)."""
    at = inside
    while _twice(at.astimezone(zone).replace(tzinfo=None), zone):
        at += direction * _MINUTE
    shown = at if direction > 0 else at + _MINUTE
    return f"{shown.astimezone(zone):%H:%M}"
