"""How old the oldest row of each class is, and how many are older than they may be: what verify counts.

The SQL of most is made here from the table of classes, so that a class cannot be checked by another column
than the one it names; tests prepare each and look at its plan. Looking the oldest up is one step into an
index, also among 100 million events; only what is too old is counted, and no further than MANY.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from lists import legal_holds
from mailer.core.db import AccountTx, SharedTx
from retention_jobs import eraser
from retention_jobs.classes import OF_ACCOUNTS, OF_PLATFORM
from retention_jobs.data_class import Age, DataClass
from retention_jobs.odd_ages import ACCOUNTS, BY_TIME, PLATFORM, Odd

MANY = 10_000
ALLOWED = timedelta(hours=1)
"""A rule runs every quarter of an hour; what is over for longer than this is late."""


@dataclass(frozen=True, slots=True)
class Found:
    """Of one class: the oldest thing left, and how many are past their time by more than ALLOWED."""

    name: str
    before: datetime
    oldest: datetime | None
    overdue: int


async def of_account(tx: AccountTx, now: datetime, *, behind: bool = True) -> list[Found]:
    """Every class of the account that has a period; nothing is late while a law holds the whole account.

    `behind`: also what was left of campaigns that say they have nothing left.
    """
    classes = {name: one for name, one in OF_ACCOUNTS.items() if one.period and one.rule}
    found = await _of(tx, classes, ACCOUNTS if behind else BY_TIME, now)
    if overdue(found) and await legal_holds.whole_account(tx, now - ALLOWED):
        return [replace(one, overdue=0) for one in found]
    return found


async def of_platform(tx: SharedTx, now: datetime) -> list[Found]:
    """Classes of no account, and closed accounts whose day has passed."""
    classes = {name: one for name, one in OF_PLATFORM.items() if one.period}
    return await _of(tx, {**classes, "closed": OF_ACCOUNTS["closed"]}, PLATFORM, now)


async def _of(
    tx: AccountTx | SharedTx,
    classes: Mapping[str, DataClass],
    odd: Mapping[str, Sequence[Odd]],
    now: datetime,
) -> list[Found]:
    """Looked up in two statements: sixty by themselves take several times as long on their way.

    Their plans are kept, for each part is a step into an index whoever the account, and planning takes
    longer than all the steps. Those of tables that get a part a month are planned anew each time.
    """
    asked = [(name, age) for name, one in classes.items() for age in _places(one, odd.get(name, ()))]
    asked.sort(key=lambda one: _by_month(one[1]))
    row: list[datetime | date | None] = []
    async with tx.plans_kept():
        for _, some in groupby(asked, key=lambda one: _by_month(one[1])):
            columns = ", ".join(f"({_oldest(age, classes[name])})" for name, age in some)
            [found] = await tx.rows(f"SELECT {columns}")
            row += found
    instants: dict[str, list[datetime]] = {name: [] for name in classes}
    overdue = dict.fromkeys(classes, 0)
    for (name, age), value in zip(asked, row, strict=True):
        at = _instant(value)
        if at is None:
            continue
        instants[name].append(at)
        limit = classes[name].before(now - ALLOWED)
        if at < limit:
            overdue[name] += await _count(tx, age, classes[name], limit, now)
    if isinstance(tx, AccountTx):
        day = _instant(await eraser.oldest_open_day(tx))
        instants["open_days"] += [day] if day else []
        overdue["open_days"] += int(
            day is not None and day.date() < classes["open_days"].before(now - ALLOWED).date()
        )
    return [
        Found(name, one.before(now), min(instants[name], default=None), overdue[name])
        for name, one in classes.items()
    ]


def _by_month(age: Age | Odd) -> bool:
    return isinstance(age, Age) and age.table in ("deliveries", "events")


def _places(one: DataClass, odd: Sequence[Odd]) -> Sequence[Age | Odd]:
    return [*one.ages, *odd]


def _oldest(age: Age | Odd, of: DataClass) -> str:
    return age.oldest if isinstance(age, Odd) else oldest_sql(age, platform=of.platform)


async def _count(
    tx: AccountTx | SharedTx, age: Age | Odd, of: DataClass, limit: datetime, now: datetime
) -> int:
    # what was held until a moment ago has its allowance too
    if isinstance(age, Odd):
        more = (now - ALLOWED,) if age.held else ()
        found: int = await tx.value(age.overdue, limit, MANY, *more)
    else:
        more = (now - ALLOWED,) if age.person else ()
        found = await tx.value(overdue_sql(age, platform=of.platform), _limit(age, limit), MANY, *more)
    return found


def _instant(found: datetime | date | None) -> datetime | None:
    if found is None or isinstance(found, datetime):
        return found
    return datetime.combine(found, time(), UTC)


def _limit(age: Age, limit: datetime) -> datetime | date:
    return limit.date() if age.day else limit


def oldest_sql(age: Age, *, platform: bool) -> str:
    """One step into an index on (account_id, column)."""
    return (
        f"SELECT {age.column} FROM {age.table} WHERE {_where(age, platform=platform)}"
        f" AND {age.column} IS NOT NULL ORDER BY {age.column} LIMIT 1"
    )


def overdue_sql(age: Age, *, platform: bool) -> str:
    """$2 (on the platform $1) is the boundary, the next how far to count.

    Whom a law holds is not late: the one behind it is the moment from which none may have.
    """
    first = 1 if platform else 2
    free = f" AND NOT held({age.person}, ${first + 2})" if age.person else ""
    return (
        f"SELECT count(*)::int FROM (SELECT FROM {age.table} WHERE {_where(age, platform=platform)}"
        f" AND {age.column} < ${first}{free} LIMIT ${first + 1}) found"
    )


def _where(age: Age, *, platform: bool) -> str:
    return f"{'true' if platform else 'account_id = $1'}{f' AND ({age.where})' if age.where else ''}"


def overdue(found: list[Found]) -> Mapping[str, int]:
    """Classes of which something is past its time."""
    return {one.name: one.overdue for one in found if one.overdue}
