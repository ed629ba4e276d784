"""Requests that wait for the operator, since nobody of their account can answer (A-091): nobody's address."""

from dataclasses import dataclass
from datetime import date, datetime

from lists.rights_words import Right
from mailer.accounts import answering
from mailer.accounts.answering import Unanswered, Why
from mailer.core import paging
from mailer.core.clock import now
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import NotFound
from mailer.web import i18n

SCANNED = 200
EACH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: int
    kind: str
    received_at: datetime
    due_on: date
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """`days`: left by the account's calendar; below nought it is overdue."""

    account_id: int
    account: str
    why: Why
    erase_at: datetime | None
    id: int
    kind: Right
    received_at: datetime
    due_on: date
    state: str
    days: int

    def days_left(self, _: date) -> int:
        return self.days


async def many(tx: SharedTx, cursor: str = "") -> paging.Page[Waiting]:
    """Those of the next accounts, the nearest last day first; a page may be empty with more behind.

    Raises Invalid for a damaged cursor.
    """
    after = paging.decode(cursor, (int,))
    accounts = await answering.accounts(tx, int(str(after[0])) if after else 0, SCANNED + 1)
    found: list[Waiting] = []
    for account in accounts[:SCANNED]:
        found += await _open(await tx.enter(account.id), account)
    found.sort(key=lambda one: (one.days, one.account_id, one.id))
    more = len(accounts) > SCANNED
    return paging.Page(found, paging.encode(accounts[SCANNED - 1].id) if more else None)


async def show(tx: SharedTx, account_id: int, request_id: int) -> Waiting:
    """What is told before the request is opened. Raises NotFound when it does not wait for the operator."""
    found = await answering.accounts(tx, account_id - 1, 1)
    if [one.id for one in found] != [account_id]:
        raise NotFound
    inside = await tx.enter(account_id)
    row = await inside.one(
        _Row,
        """
        SELECT id, kind, received_at, due_on, state
        FROM rights_requests
        WHERE account_id = $1 AND id = $2
        """,
        request_id,
    )
    return _waiting(found[0], row)


async def _open(tx: AccountTx, account: Unanswered) -> list[Waiting]:
    rows = await tx.many(
        _Row,
        """
        SELECT id, kind, received_at, due_on, state
        FROM rights_requests
        WHERE account_id = $1 AND state = 'open'
        ORDER BY due_on, id
        LIMIT $2
        """,
        EACH,
    )
    return [_waiting(account, row) for row in rows]


def _waiting(account: Unanswered, row: _Row) -> Waiting:
    today = now().astimezone(i18n.zone(account.time_zone)).date()
    return Waiting(
        account_id=account.id,
        account=account.name,
        why=account.why,
        erase_at=account.erase_at,
        id=row.id,
        kind=Right(row.kind),
        received_at=row.received_at,
        due_on=row.due_on,
        state=row.state,
        days=(row.due_on - today).days,
    )
