"""Requests about people's data that wait for an answer, for the home page (the room is lists)."""

from dataclasses import dataclass

from mailer.core import clock
from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDue:
    """`days`: left; below nought it is overdue."""

    id: int
    days: int


async def many(tx: AccountTx) -> list[RequestDue]:
    """The nearest first (A-023)."""
    return await tx.many(
        RequestDue,
        """
        SELECT r.id, r.due_on - ($2::timestamptz AT TIME ZONE a.time_zone)::date AS days
        FROM rights_requests r
        JOIN accounts a ON a.id = r.account_id
        WHERE r.account_id = $1 AND r.state = 'open'
        ORDER BY r.due_on, r.id
        LIMIT 5
        """,
        clock.now(),
    )
