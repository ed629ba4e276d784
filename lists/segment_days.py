"""What the value of a segment's condition comes to: a number, two of them, days from one to another."""

from datetime import date, timedelta
from typing import Any

from lists.segment_tree import Condition


def whole(one: Condition) -> int:
    return one.value if isinstance(one.value, int) else 0


def two(one: Condition) -> list[Any]:
    return one.value if isinstance(one.value, list) else []


def period(one: Condition, today: date) -> tuple[date | None, date | None]:
    """The days meant, from the first to the one after the last; None: open on that side."""
    match one.operator:
        case "last_days":
            return today - timedelta(whole(one)), today + timedelta(1)
        case "older_days":
            return None, today - timedelta(whole(one))
        case "next_days":
            return today, today + timedelta(whole(one) + 1)
    days = [date.fromisoformat(str(day)) for day in (two(one) or [one.value])]
    match one.operator:
        case "before":
            return None, days[0]
        case "after":
            return days[0] + timedelta(1), None
    return days[0], days[-1] + timedelta(1)


def anniversaries(today: date, days: int) -> list[str]:
    """MM-DD of today and the days ahead; 29 February is kept on the 28th where the year has none."""
    ahead = [today + timedelta(n) for n in range(min(days, 366) + 1)]
    found = {day.strftime("%m-%d") for day in ahead}
    if any((day.month, day.day) == (2, 28) and (day + timedelta(1)).month == 3 for day in ahead):
        found.add("02-29")
    return sorted(found)
