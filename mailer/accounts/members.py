"""Who somebody is in an account: a member with a role, or the operator's people while they may read it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from mailer.accounts import staff_access
from mailer.core import clock
from mailer.core.db import SharedTx


class Role(IntEnum):
    """What a member may do; each includes those before it. Sending is a right of its own (`can_send`)."""

    ANALYST = 1
    EDITOR = 2
    MANAGER = 3
    OWNER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The signed-in person's place in the account of this request."""

    account_id: int
    account_name: str
    status: str
    # whose word a pending account waits for
    awaits: str
    # of a closed account, for the banner of every page
    erase_at: datetime | None
    time_zone: str
    language: str
    role_name: str
    can_send: bool
    accounts: int
    second_factor_required: bool
    # of the whole installation: an operator has to look at a restored database first
    sending_held: bool
    # the next day on which something announced begins that this person has not said to have seen
    change_on: date | None = None
    # the newest access of the operator's people that is open or waits, for the banner
    staff_id: int | None = None
    staff_purpose: str = ""
    staff_until: datetime | None = None
    is_staff: bool = False

    @property
    def staff_why(self) -> str:
        """A msgid."""
        return staff_access.PURPOSES.get(self.staff_purpose, "")

    @property
    def role(self) -> Role:
        return Role[self.role_name.upper()]


async def find(tx: SharedTx, account_id: int, user_id: int) -> Member | None:
    return await tx.first(
        Member,
        """
        SELECT a.id AS account_id, a.name AS account_name, a.status, a.awaits, a.erase_at, a.time_zone,
               a.language, m.role AS role_name, m.can_send, a.second_factor_required,
               (SELECT count(*)::int FROM memberships WHERE user_id = $2) AS accounts,
               EXISTS (SELECT FROM installation WHERE held_since IS NOT NULL) AS sending_held,
               (SELECT min(c.effective_on) FROM announcements c
                WHERE c.shown_until > $3::date
                  AND NOT EXISTS (SELECT FROM announcement_readings r
                                  WHERE r.user_id = $2 AND r.announcement_id = c.id)) AS change_on,
               s.id AS staff_id, coalesce(s.purpose, '') AS staff_purpose, s.ends_at AS staff_until
        FROM memberships m
        JOIN accounts a ON a.id = m.account_id
        LEFT JOIN LATERAL (
            SELECT id, purpose, ends_at
            FROM staff_accesses
            WHERE account_id = $1 AND ended_at IS NULL AND coalesce(ends_at, asked_at + $4) > $3
            ORDER BY id DESC
            LIMIT 1
        ) s ON true
        WHERE m.account_id = $1 AND m.user_id = $2
        """,
        account_id,
        user_id,
        clock.now(),
        staff_access.WAITS,
    )


async def staff(tx: SharedTx, account_id: int, user_id: int) -> Member | None:
    """An operator with an open access stands in the account as somebody who may read (A-018)."""
    return await tx.first(
        Member,
        """
        SELECT a.id AS account_id, a.name AS account_name, a.status, a.awaits, a.erase_at, a.time_zone,
               a.language, 'analyst' AS role_name, false AS can_send, 0 AS accounts, false AS sending_held,
               a.second_factor_required,
               s.id AS staff_id, s.purpose AS staff_purpose, s.ends_at AS staff_until, true AS is_staff
        FROM staff_accesses s
        JOIN accounts a ON a.id = s.account_id
        WHERE s.account_id = $1 AND s.operator_id = $2 AND s.ended_at IS NULL AND s.ends_at > $3
        LIMIT 1
        """,
        account_id,
        user_id,
        clock.now(),
    )
