"""Seven days before the last day, two days before, and when it is over: those in charge are told (A-023).

A row of work wakes up by itself for each request; the step that was told stands in the same transaction as
its mails, so that a worker that dies tells nobody twice.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import structlog

from lists import rights_mails, rights_requests
from lists.rights_mails import Notice, Step
from lists.rights_words import Right
from mailer.accounts import identity
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


async def remind(tx: AccountTx, request_id: int, public_url: str, *, now: datetime) -> datetime | None:
    """Tells what is to be told now; returns when to look again, None when nothing is left to tell."""
    found = await tx.first(
        _Open,
        """
        SELECT kind, due_on, reminded
        FROM rights_requests
        WHERE account_id = $1 AND id = $2 AND state = 'open'
        FOR UPDATE
        """,
        request_id,
    )
    if found is None:
        return None
    left = (found.due_on - await rights_requests.local_day(tx, now)).days
    step = next((name for name, days in STEPS if left <= days), None)
    if step is not None and _ORDER.index(step) > _ORDER.index(found.reminded):
        kind = Right(found.kind)
        notice = Notice(request_id=request_id, kind=kind, due_on=found.due_on, public_url=public_url)
        await rights_mails.due(tx, notice, step)
        await tx.run(
            "UPDATE rights_requests SET reminded = $3 WHERE account_id = $1 AND id = $2", request_id, step
        )
        if step == "overdue":
            log.warning("rights request overdue", account=tx.account_id, request=request_id)
    days = next((days for name, days in reversed(STEPS) if days < left), None)
    if days is None:
        return None
    zone = i18n.zone((await identity.of(tx)).time_zone)
    morning = datetime.combine(found.due_on - timedelta(days=days), MORNING, tzinfo=zone)
    return morning.astimezone(UTC)
