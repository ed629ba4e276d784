"""In how many contacts each field is filled in: exact while there are few, else counted by a job."""

from datetime import timedelta

from lists import field_changes
from mailer.core import clock, work
from mailer.core.db import AccountTx

JOB = "lists.count_fields"
FRESH = timedelta(hours=1)


async def refresh(tx: AccountTx) -> bool:
    """Counts now while the account is small; a large one is counted by the job, once an hour at most.

    True when the figures are of now.
    """
    if not await field_changes.is_large(tx):
        await count(tx)
        return True
    stale = await tx.value(
        "SELECT true FROM fields WHERE account_id = $1 AND (filled_at IS NULL OR filled_at < $2) LIMIT 1",
        clock.now() - FRESH,
    )
    if stale:
        await work.add(tx, JOB, 0)
    return False


async def count(tx: AccountTx) -> None:
    """All fields in one pass over the contacts."""
    await tx.run(
        """
        UPDATE fields f
        SET filled = coalesce(k.n, 0), filled_at = now()
        FROM fields g
        LEFT JOIN (
            SELECT key, count(*) AS n
            FROM contacts, jsonb_object_keys(contacts.fields) AS key
            WHERE contacts.account_id = $1
            GROUP BY key
        ) AS k ON k.key = g.key
        WHERE f.account_id = $1 AND g.account_id = $1 AND g.id = f.id
          -- a page that is looked at again writes nothing
          AND (f.filled IS DISTINCT FROM coalesce(k.n, 0) OR f.filled_at IS NULL
               OR f.filled_at < now() - interval '1 hour')
        """
    )
