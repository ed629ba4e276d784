"""The team of a closed account is told again, 30 and 7 days before everything in it is erased (A-005)."""

from datetime import datetime, timedelta

from mailer.accounts import account_life, accounts
from mailer.core.db import Database

DAYS = (30, 7)


async def remind(db: Database, now: datetime, public_url: str) -> int:
    """Each once, in the transaction that notes it; of two that are due, the later. How many accounts."""
    async with db.shared() as tx:
        due = await tx.rows(
            """
            SELECT id
            FROM accounts
            WHERE status = 'closed' AND erase_at > $1 AND erase_at <= $2
              AND coalesce(reminded_days, 1000) > CASE WHEN erase_at <= $3 THEN $5::int ELSE $4::int END
            ORDER BY erase_at
            LIMIT 500
            """,
            now,
            now + timedelta(days=DAYS[0]),
            now + timedelta(days=DAYS[1]),
            *DAYS,
        )
    return sum([await _one(db, account_id, now, public_url) for (account_id,) in due])


async def _one(db: Database, account_id: int, now: datetime, public_url: str) -> bool:
    async with db.account(account_id) as tx:
        days = await tx.value(
            """
            UPDATE accounts
            SET reminded_days = CASE WHEN erase_at <= $3 THEN $5::int ELSE $4::int END
            WHERE id = $1 AND status = 'closed' AND erase_at > $2
              AND coalesce(reminded_days, 1000) > CASE WHEN erase_at <= $3 THEN $5::int ELSE $4::int END
            RETURNING ceil(extract(epoch FROM erase_at - $2) / 86400)::int
            """,
            now,
            now + timedelta(days=DAYS[1]),
            *DAYS,
        )
        if days is None:
            return False
        account = await accounts.show(tx)
        await account_life.tell_team(tx, account, "account_erased_soon", public_url, days=days)
    return True
