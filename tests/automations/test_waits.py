"""Waits and quiet hours on the clock on the wall, clocks that change included."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mailer.core.errors import Invalid
from mailer.web.request import check
from sending import automation_waits
from sending.automation_waits import Wait

PARIS = ZoneInfo("Europe/Paris")


def paris(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=PARIS)  # type: ignore[arg-type, misc]


def second(*parts: int) -> datetime:
    """Where an hour comes twice, the second time."""
    return paris(*parts).replace(fold=1)


@pytest.mark.parametrize(
    ("wait", "since", "expected"),
    [
        (Wait(amount=90, unit="minutes"), paris(2026, 5, 1, 10, 0), paris(2026, 5, 1, 11, 30)),
        # the clocks go forward on 29 March 2026 and back on 25 October 2026
        (Wait(amount=1, unit="days"), paris(2026, 3, 28, 10, 0), paris(2026, 3, 29, 10, 0)),
        (Wait(amount=1, unit="days"), paris(2026, 10, 24, 10, 0), paris(2026, 10, 25, 10, 0)),
        # hours are hours
        (Wait(amount=24, unit="hours"), paris(2026, 3, 28, 10, 0), paris(2026, 3, 29, 11, 0)),
        (Wait(amount=24, unit="hours"), paris(2026, 10, 24, 10, 0), paris(2026, 10, 25, 9, 0)),
        # 02:30 comes twice on that day: the first time; a day after the second time is the next day's only one
        (Wait(amount=1, unit="days"), paris(2026, 10, 24, 2, 30), paris(2026, 10, 25, 2, 30)),
        (Wait(amount=1, unit="days"), second(2026, 10, 25, 2, 30), paris(2026, 10, 26, 2, 30)),
        # until an hour: at nine of the clock that is on the wall by then
        (Wait(amount=0, unit="days", hour=9), paris(2026, 3, 28, 10), paris(2026, 3, 29, 9)),
        (Wait(amount=0, unit="days", hour=9), paris(2026, 10, 24, 10), paris(2026, 10, 25, 9)),
        (Wait(amount=0, unit="days", hour=2), paris(2026, 3, 28, 10), paris(2026, 3, 29, 3)),
        (Wait(amount=0, unit="days", hour=2), second(2026, 10, 25, 2, 30), paris(2026, 10, 26, 2)),
        # 02:30 does not exist on that day
        (Wait(amount=1, unit="days"), paris(2026, 3, 28, 2, 30), paris(2026, 3, 29, 3, 30)),
        # Friday evening, until Monday at nine
        (Wait(amount=0, unit="days", weekdays=[1], hour=9), paris(2026, 11, 27, 18), paris(2026, 11, 30, 9)),
        # Monday at ten is too late for Monday at nine
        (Wait(amount=0, unit="days", weekdays=[1], hour=9), paris(2026, 11, 30, 10), paris(2026, 12, 7, 9)),
        (Wait(amount=0, unit="days", weekdays=[2, 4]), paris(2026, 11, 24, 10), paris(2026, 11, 24, 10)),
        (Wait(amount=0, unit="days", weekdays=[2, 4]), paris(2026, 11, 25, 10), paris(2026, 11, 26, 0)),
        (Wait(amount=2, unit="days", hour=8), paris(2026, 11, 25, 10), paris(2026, 11, 28, 8)),
    ],
)
def test_a_wait_ends_when_the_clock_on_the_wall_says_so(
    wait: Wait, since: datetime, expected: datetime
) -> None:
    found = automation_waits.end(wait, since.astimezone(UTC), PARIS)
    assert found == expected.astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "quiet", "expected"),
    [
        (paris(2026, 11, 27, 22, 15), (21, 8), paris(2026, 11, 28, 8)),
        (paris(2026, 11, 27, 3), (21, 8), paris(2026, 11, 27, 8)),
        (paris(2026, 11, 27, 8), (21, 8), paris(2026, 11, 27, 8)),
        (paris(2026, 11, 27, 13, 1), (12, 14), paris(2026, 11, 27, 14)),
        (paris(2026, 11, 27, 22, 15), (8, 8), paris(2026, 11, 27, 22, 15)),
        # in the night in which the clocks go forward, two o'clock is three
        (paris(2026, 3, 28, 23, 0), (22, 2), paris(2026, 3, 29, 3)),
        (paris(2026, 3, 28, 23, 0), (22, 7), paris(2026, 3, 29, 7)),
        # a quiet hour that does not exist is over when it would begin
        (paris(2026, 3, 29, 3), (2, 3), paris(2026, 3, 29, 3)),
        # in the night in which they go back, quiet is an hour longer, and two o'clock is over the first time
        (paris(2026, 10, 24, 23, 0), (22, 7), paris(2026, 10, 25, 7)),
        (paris(2026, 10, 24, 23, 0), (22, 2), paris(2026, 10, 25, 2)),
        (paris(2026, 10, 25, 2, 30), (22, 3), paris(2026, 10, 25, 3)),
        (second(2026, 10, 25, 2, 30), (22, 3), paris(2026, 10, 25, 3)),
        (second(2026, 10, 25, 2, 30), (22, 2), second(2026, 10, 25, 2, 30)),
    ],
)
def test_quiet_hours_end_at_their_hour(at: datetime, quiet: tuple[int, int], expected: datetime) -> None:
    found = automation_waits.loud_from(at.astimezone(UTC), quiet, PARIS)
    assert found == expected.astimezone(UTC)


@pytest.mark.parametrize("quiet", [(22, 7), (1, 2), (2, 3), (3, 4), (22, 3), (23, 2)])
@pytest.mark.parametrize("day", [paris(2026, 3, 28, 12), paris(2026, 10, 24, 12)], ids=["spring", "autumn"])
def test_in_the_night_of_a_change_quiet_hours_end_soon_and_outside_themselves(
    day: datetime, quiet: tuple[int, int]
) -> None:
    start = day.astimezone(UTC)
    for minutes in range(0, 36 * 60, 10):
        at = start + timedelta(minutes=minutes)
        found = automation_waits.loud_from(at, quiet, PARIS)
        assert at <= found <= at + timedelta(hours=11)
        # whoever is done when they are over does not fall into them once more
        assert automation_waits.loud_from(found, quiet, PARIS) == found


@pytest.mark.parametrize(
    "given", [{"amount": 0}, {"amount": 400, "unit": "days"}, {"amount": -1}, {"hour": 24}]
)
def test_a_wait_that_says_nothing_or_too_much_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        check(Wait, given)
