"""Who answers what recipients ask: the account's own people, or the operator while nobody there can (A-091).

    closed      until the day on which everything is erased
    no_owner    open, but no owner is left who could sign in

The account stays the controller throughout, and its people may answer as before.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailer.accounts.identity import Reader
from mailer.core import clock
from mailer.core.db import AccountTx, SharedTx

Why = Literal["", "closed", "no_owner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """An account for which the operator answers."""

    id: int
    name: str
    why: Why
    erase_at: datetime | None
    time_zone: str


async def by_operator(tx: AccountTx) -> Why:
    """ "": the account answers itself, or is being erased."""
    why: Why | None = await tx.value(
        """
        SELECT CASE WHEN a.status = 'closed' THEN CASE WHEN a.erase_at > $2 THEN 'closed' ELSE '' END
                    WHEN EXISTS (SELECT FROM memberships m
                                 JOIN users u ON u.id = m.user_id
                                 WHERE m.account_id = a.id AND m.role = 'owner' AND NOT u.disabled) THEN ''
                    ELSE 'no_owner' END
        FROM accounts a
        WHERE a.id = $1
        """,
        clock.now(),
    )
    return why or ""


async def accounts(tx: SharedTx, after: int, limit: int) -> list[Unanswered]:
    """By number."""
    return await tx.many(
        Unanswered,
        """
        SELECT a.id, a.name, CASE a.status WHEN 'closed' THEN 'closed' ELSE 'no_owner' END AS why, a.erase_at,
               a.time_zone
        FROM accounts a
        WHERE a.id > $1
          AND CASE WHEN a.status = 'closed' THEN a.erase_at > $3
                   ELSE NOT EXISTS (SELECT FROM memberships m
                                    JOIN users u ON u.id = m.user_id
                                    WHERE m.account_id = a.id AND m.role = 'owner' AND NOT u.disabled) END
        ORDER BY a.id
        LIMIT $2
        """,
        after,
        limit,
        clock.now(),
    )


async def operators(tx: AccountTx) -> list[Reader]:
    """Whom a request is told."""
    return await tx.shared().many(
        Reader,
        """
        SELECT email, language FROM users
        WHERE is_operator AND NOT disabled AND email_confirmed_at IS NOT NULL
        ORDER BY id
        """,
    )
