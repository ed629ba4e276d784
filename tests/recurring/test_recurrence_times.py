"""On which days and at which instant a plan's editions are due."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sending.recurrence_times import Rule, following, until, upcoming

PARIS = "Europe/Paris"


def at(text: str, zone: str = PARIS) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("rule", "after", "expected"),
    [
        (Rule(every="day", at=time(9), zone=PARIS), "2026-11-27T08:59", "2026-11-27T09:00"),
        (Rule(every="day", at=time(9), zone=PARIS), "2026-11-27T09:00", "2026-11-28T09:00"),
        (Rule(every="week", weekdays=(1, 4), at=time(9), zone=PARIS), "2026-11-27T10:00", "2026-11-30T09:00"),
        (Rule(every="week", weekdays=(1, 4), at=time(9), zone=PARIS), "2026-11-30T09:00", "2026-12-03T09:00"),
        (Rule(every="month", month_day=31, at=time(9), zone=PARIS), "2027-01-31T09:00", "2027-02-28T09:00"),
        (Rule(every="month", month_day=30, at=time(9), zone=PARIS), "2028-02-01T00:00", "2028-02-29T09:00"),
        (Rule(every="month", month_day=1, at=time(9), zone=PARIS), "2026-12-01T09:00", "2027-01-01T09:00"),
        (Rule(every="month", last_weekday=5, at=time(9), zone=PARIS), "2026-11-27T09:00", "2026-12-25T09:00"),
        (Rule(every="month", last_weekday=5, at=time(9), zone=PARIS), "2026-12-25T09:00", "2027-01-29T09:00"),
        (Rule(every="month", last_weekday=1, at=time(9), zone=PARIS), "2026-11-27T09:00", "2026-11-30T09:00"),
        (
            Rule(every="day", at=time(0, 30), zone="Pacific/Auckland"),
            "2026-11-27T00:00",
            "2026-11-27T12:30",
        ),
    ],
)
def test_the_next_time_is_the_first_that_the_rule_names(rule: Rule, after: str, expected: str) -> None:
    found = following(rule, at(after))
    assert found
    assert found.at == at(expected)


def test_a_time_that_the_clocks_skip_comes_as_much_later_and_says_so() -> None:
    rule = Rule(every="day", at=time(2, 30), zone=PARIS)
    before, jump, after = upcoming(rule, at("2027-03-27T00:00"), 3)
    assert (before.at, before.clocks) == (datetime(2027, 3, 27, 1, 30, tzinfo=UTC), "")
    assert (jump.at, jump.clocks) == (datetime(2027, 3, 28, 1, 30, tzinfo=UTC), "skipped")
    assert (after.at, after.clocks) == (datetime(2027, 3, 29, 0, 30, tzinfo=UTC), "")


def test_a_time_that_comes_twice_counts_once() -> None:
    rule = Rule(every="day", at=time(2, 30), zone=PARIS)
    twice, after = upcoming(rule, at("2027-10-31T00:00"), 2)
    assert (twice.at, twice.clocks) == (datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "twice")
    assert after.at == datetime(2027, 11, 1, 1, 30, tzinfo=UTC)


def test_nothing_is_due_after_the_last_day() -> None:
    rule = Rule(every="day", at=time(9), zone=PARIS, ends_on=date(2026, 11, 28))
    assert [one.at for one in upcoming(rule, at("2026-11-27T10:00"), 5)] == [at("2026-11-28T09:00")]
    assert list(until(rule, at("2026-11-27T09:00"), at("2027-01-01T00:00"))) == [
        at("2026-11-27T09:00"),
        at("2026-11-28T09:00"),
    ]


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    st.integers(1, 31),
    st.times(),
    st.sampled_from([PARIS, "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
)
def test_a_monthly_plan_never_skips_a_month(after: datetime, day: int, hour: time, zone: str) -> None:
    rule = Rule(every="month", month_day=day, at=hour.replace(second=0, microsecond=0), zone=zone)
    found = upcoming(rule, after.replace(tzinfo=UTC), 3)
    assert len(found) == 3
    gaps = [later.at - one.at for one, later in itertools.pairwise(found)]
    assert all(timedelta(days=26) < gap < timedelta(days=33) for gap in gaps)
