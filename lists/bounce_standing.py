"""What stands against an address that fails for a while, and how much is too much (D-33).

Each failure loses half its weight in 60 days; `sending/soft_bounces.py` writes them down.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.text import N_

HALF_LIFE = timedelta(days=60)
# at least so many days with a failure, the last so long after the first, and so high a score: five days in
# two weeks reach it, and so do five monthly newsletters; six letters a year never do
DAYS = 5
SPAN = timedelta(days=15)
SCORE = 2.5

# sending.feedback.Reason in words, those that a temporary failure may have
REASONS = {
    "mailbox full": N_("the mailbox is full"),
    "exceeded limit": N_("a limit of the mailbox is reached"),
    "system full": N_("the server has no room left"),
    "system error": N_("the server has a fault"),
    "mailer error": N_("the server has a fault"),
    "network error": N_("the server could not be reached"),
    "expired": N_("the server did not take it for days"),
    "on hold": N_("the server keeps it waiting"),
}
OTHER = N_("the server gave no clear reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """So many days with a failure since `first_at`; `reason` of the last one."""

    days: int
    score: float
    first_at: datetime
    last_at: datetime
    reason: str

    @property
    def over(self) -> bool:
        return self.days >= DAYS and self.last_at - self.first_at >= SPAN and self.score >= SCORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One day's."""

    day: date
    reason: str
    at: datetime


async def of_contact(tx: AccountTx, contact_id: int) -> Standing | None:
    """What counts now: of the address as it is, since the person's last act and their last sure delivery."""
    return await tx.first(
        Standing,
        """
        SELECT count(*)::int AS days, min(b.at) AS first_at, max(b.at) AS last_at,
               sum(power(0.5, extract(epoch FROM $3::timestamptz - b.at) / extract(epoch FROM $4::interval)))
               ::float8 AS score,
               (array_agg(b.reason ORDER BY b.at DESC))[1] AS reason
        FROM soft_bounces b
        JOIN contacts c ON c.account_id = $1 AND c.id = b.contact_id AND c.address_hash = b.address_hash
        WHERE b.account_id = $1 AND b.contact_id = $2 AND (c.last_act_at IS NULL OR b.at > c.last_act_at)
        HAVING count(*) > 0
        """,
        contact_id,
        clock.now(),
        HALF_LIFE,
    )


async def failures(tx: AccountTx, contact_id: int) -> list[Failure]:
    """All that is kept of a contact, for a copy of their data (C-10)."""
    return await tx.many(
        Failure,
        "SELECT day, reason, at FROM soft_bounces WHERE account_id = $1 AND contact_id = $2 ORDER BY day",
        contact_id,
    )
