"""Reading the journal: by person, act, object and period, a page or all of it as a table (ui 2.4, B-60).

`audit.py` writes it. Neither shows a value or an address of a contact: there are none in it.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mailer.accounts import audit_words, staff_access
from mailer.core import paging
from mailer.core.db import AccountTx, Database
from mailer.core.errors import fault
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.request import Input

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_PART = 2_000
Day = Annotated[date | None, BeforeValidator(lambda value: None if value == "" else value)]
KINDS = ("api_key", "recipient", "job", "operator")


class Asked(Input):
    """`who`: a kind of actor, or the number of a person of the team. Days are the account's own."""

    who: str = Field("", pattern=r"^(api_key|recipient|job|operator|[1-9][0-9]{0,17})?$")
    action: str = Field("", max_length=40)
    object: str = Field("", max_length=40)
    since: Day = None
    until: Day = None
    cursor: str = Field("", max_length=200)

    @property
    def filtered(self) -> bool:
        return bool(self.who or self.action or self.object or self.since or self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the page. `person`: the name of a user of the account, "" for anybody else."""

    id: int
    at: datetime
    actor: str
    actor_id: int | None
    person: str
    action: str
    object: str
    object_id: int | None
    count: int | None
    ip: str | None
    purpose: str = ""
    ticket: str = ""

    @property
    def who(self) -> str:
        if self.purpose:
            purpose = i18n.translate(staff_access.PURPOSES[self.purpose])
            return i18n.translate(
                N_("Support, reason: {purpose} ({ticket})"), purpose=purpose, ticket=self.ticket
            )
        return self.person or i18n.translate(audit_words.ACTORS[self.actor])


@dataclass(frozen=True, slots=True)
class _Period:
    start: datetime | None
    end: datetime | None


def _period(asked: Asked, zone_name: str) -> _Period:
    """Raises Invalid at `until`."""
    if asked.since and asked.until and asked.until < asked.since:
        raise fault("until", N_("The end lies before the beginning."))
    zone = i18n.zone(zone_name)
    # at both ends of the calendar a day has no instant in UTC; nothing of ours happened there
    since = asked.since if asked.since and asked.since.year > 1970 else None
    until = asked.until + timedelta(days=1) if asked.until and asked.until.year < 9000 else None
    return _Period(
        datetime.combine(since, time(), zone) if since else None,
        datetime.combine(until, time(), zone) if until else None,
    )


async def many(tx: AccountTx, asked: Asked, zone: str, limit: int = 50) -> paging.Page[Line]:
    """The newest first. Raises Invalid for a damaged cursor, or a period that ends before it begins."""
    before = paging.decode(asked.cursor, (int,))
    rows = await _before(tx, asked, _period(asked, zone), int(str(before[0])) if before else None, limit + 1)
    return paging.page(rows, limit, key=lambda row: (row.id,))


async def _before(tx: AccountTx, asked: Asked, period: _Period, before: int | None, limit: int) -> list[Line]:
    person = int(asked.who) if asked.who.isdigit() else None
    return await tx.many(
        Line,
        """
        SELECT a.id, a.at, a.actor, a.actor_id,
               coalesce(trim(u.first_name || ' ' || u.last_name), '') AS person,
               a.action, a.object, a.object_id, a.count, host(a.ip) AS ip,
               coalesce(s.purpose, '') AS purpose, coalesce(s.ticket, '') AS ticket
        FROM audit a
        LEFT JOIN memberships m ON a.actor = 'user' AND m.account_id = a.account_id AND m.user_id = a.actor_id
        LEFT JOIN users u ON u.id = m.user_id
        LEFT JOIN staff_accesses s ON a.actor = 'operator' AND s.account_id = $1 AND s.id = a.actor_id
        WHERE a.account_id = $1 AND ($2::bigint IS NULL OR a.id < $2)
          AND ($3 = '' OR a.actor = $3) AND ($4::bigint IS NULL OR a.actor_id = $4)
          AND ($5 = '' OR a.action = $5) AND ($6 = '' OR a.object = $6)
          AND ($7::timestamptz IS NULL OR a.at >= $7) AND ($8::timestamptz IS NULL OR a.at < $8)
        ORDER BY a.id DESC
        LIMIT $9
        """,
        before,
        "user" if person is not None else asked.who,
        person,
        asked.action,
        asked.object,
        period.start,
        period.end,
        limit,
    )


def check(asked: Asked, zone: str) -> None:
    """Before a table is begun, which could no longer say what is wrong. Raises Invalid."""
    _period(asked, zone)


async def table(db: Database, account_id: int, asked: Asked, zone: str) -> AsyncIterator[bytes]:
    """CSV for spreadsheets, in parts and short transactions, the newest first."""
    yield "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + _csv([_HEAD])
    period, last = _period(asked, zone), None
    while True:
        async with db.account(account_id) as tx:
            rows = await _before(tx, asked, period, last, _PART)
        if rows:
            yield _csv(_cells(row) for row in rows)
        if len(rows) < _PART:
            return
        last = rows[-1].id


_HEAD = ("at", "who", "by", "act", "action", "object", "object_id", "count", "ip")


def _cells(row: Line) -> tuple[str, ...]:
    """`action` and `object` as they are stored, for programs; `act` as a person reads it."""
    return (
        row.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        row.who,
        row.actor,
        said(row),
        row.action,
        row.object,
        "" if row.object_id is None else str(row.object_id),
        "" if row.count is None else str(row.count),
        row.ip or "",
    )


def said(row: Line) -> str:
    """The act as a sentence without its subject: "has exported contacts"."""
    act = i18n.translate(audit_words.ACTS.get(row.action, row.action))
    thing = i18n.translate(audit_words.OBJECTS.get(row.object, row.object))
    return f"{act} {thing}" + ("" if row.object_id is None else f" {row.object_id}")


def _csv(rows: Iterable[tuple[str, ...]]) -> bytes:
    """A name is chosen by its bearer: no cell is a formula (E-52)."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(
        [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows
    )
    return out.getvalue().encode()


Way = Literal["user", "api_key", "recipient", "job", "operator"]
WAYS: dict[Way, str] = {
    "user": N_("Page"),
    "api_key": N_("API"),
    "recipient": N_("Page for contacts"),
    "job": N_("Task"),
    "operator": N_("Operations"),
}
