"""From where a program's key was used last: forgotten before the key, whether revoked or only resting."""

from datetime import datetime

from mailer.core.db import AccountTx


async def forget_places(tx: AccountTx, before: datetime, *, limit: int) -> int:
    """Blanks up to `limit` addresses of keys last used before then; returns how many. The day stays."""
    return await tx.run(
        """
        UPDATE api_keys SET last_used_ip = NULL
        WHERE account_id = $1 AND id IN (
            SELECT id FROM api_keys
            WHERE account_id = $1 AND last_used_ip IS NOT NULL AND last_used_at < $2
            LIMIT $3
        )
        """,
        before,
        limit,
    )
