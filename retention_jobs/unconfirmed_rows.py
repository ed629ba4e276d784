"""Requests that nobody confirmed, and contacts that were nothing else."""

from datetime import datetime

from lists import erasing
from mailer.core.db import AccountTx
from retention_jobs.policies import UNCONFIRMED

# as purge.BATCH, whose file imports this one
BATCH = 10_000


async def purge(tx: AccountTx, now: datetime) -> int:
    """After 30 days (B-26)."""
    before = now - UNCONFIRMED
    waited = await tx.rows(
        """
        WITH asked AS (
            DELETE FROM seeds
            WHERE account_id = $1 AND status IN ('pending', 'removed') AND asked_at < $2
        ), pending AS (
            DELETE FROM subscriptions
            WHERE account_id = $1 AND status = 'pending' AND status_at < $2
            RETURNING contact_id
        ), requests AS (
            DELETE FROM signup_requests
            WHERE account_id = $1 AND id IN (
                SELECT id FROM signup_requests
                WHERE account_id = $1 AND asked_at < $2
                ORDER BY asked_at
                LIMIT $3
            )
            RETURNING contact_id
        )
        SELECT contact_id FROM pending UNION ALL SELECT contact_id FROM requests
        """,
        before,
        BATCH,
    )
    if not waited:
        return 0
    # who never did anything of their own: a contact that came by a form and confirmed stays, on a list or not
    strangers = await tx.rows(
        """
        SELECT c.id
        FROM contacts c
        WHERE c.account_id = $1 AND c.id = ANY($3::bigint[]) AND c.source = 'form' AND c.last_act_at IS NULL
          AND c.created_at < $2
          AND NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.account_id = $1 AND s.contact_id = c.id)
          AND NOT EXISTS (SELECT 1 FROM signup_requests r WHERE r.account_id = $1 AND r.contact_id = c.id)
        """,
        before,
        [contact_id for (contact_id,) in waited],
    )
    await erasing.erase(tx, [contact_id for (contact_id,) in strangers], erasing.Why.RETENTION)
    return len(waited)
