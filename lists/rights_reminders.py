"""Seven days before the last day, two days before, and when it is over: those in charge are told (A-023).

The operator is told as soon as the answer has become theirs to give (A-091).

A row of work wakes up by itself for each request; the step that was told stands in the same transaction as
its mails, so that a worker that dies tells nobody twice.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import structlog

from lists import rights_mails, rights_requests
from lists.rights_mails import Notice, Step
from lists.rights_words import Right
from mailer.accounts import answering, identity
from mailer.core import work
from mailer.core.db import AccountTx
from mailer.web import i18n

log = structlog.get_logger()
# days left on the day of each step, the last one first
STEPS: tuple[tuple[Step, int], ...] = (("overdue", -1), ("days", 2), ("week", 7))
_ORDER = ("", "week", "days", "overdue")
MORNING = time(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    kind: str
    due_on: date
    reminded: str
    unheard: bool


async def wake_open(tx: AccountTx) -> None:
    """Each open request looks now whether somebody has to be told, also one whose reminders are over."""
    rows = await tx.rows(
        "SELECT id FROM rights_requests WHERE account_id = $1 AND state = 'open' ORDER BY id"
    )
    for (request_id,) in rows:
        await work.add(tx, rights_requests.REMINDER, request_id)


async def remind(tx: AccountTx, request_id: int, public_url: str, *, now: datetime) -> datetime | None:
    """Tells what is to be told now; returns when to look again, None when nothing is left to tell."""
    found = await tx.first(
        _Open,
        """
        SELECT r.kind, r.due_on, r.reminded,
               r.operator_told_at IS NULL OR coalesce(r.operator_told_at < a.closed_at, false) AS unheard
        FROM rights_requests r
        JOIN accounts a ON a.id = r.account_id
        WHERE r.account_id = $1 AND r.id = $2 AND r.state = 'open'
        FOR UPDATE OF r
        """,
        request_id,
    )
    if found is None:
        return None
    left = (found.due_on - await rights_requests.local_day(tx, now)).days
    step = next((name for name, days in STEPS if left <= days), None)
    kind = Right(found.kind)
    notice = Notice(request_id=request_id, kind=kind, due_on=found.due_on, public_url=public_url)
    if step is not None and _ORDER.index(step) > _ORDER.index(found.reminded):
        await rights_mails.due(tx, notice, step)
        await tx.run(
            "UPDATE rights_requests SET reminded = $3 WHERE account_id = $1 AND id = $2", request_id, step
        )
        if step == "overdue":
            log.warning("rights request overdue", account=tx.account_id, request=request_id)
    elif found.unheard and await answering.by_operator(tx):
        await rights_mails.handed_over(tx, notice)
    days = next((days for name, days in reversed(STEPS) if days < left), None)
    if days is None:
        return None
    zone = i18n.zone((await identity.of(tx)).time_zone)
    morning = datetime.combine(found.due_on - timedelta(days=days), MORNING, tzinfo=zone)
    return morning.astimezone(UTC)
