"""Images that nothing has used for long, and that nobody asked to keep (A-084)."""

from datetime import datetime

from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from retention_jobs.policies import UNUSED_IMAGES_MONTHS

BATCH = 2_000


async def purge(tx: AccountTx, now: datetime) -> int:
    """With their bytes, and the bytes of uploads that never became an image."""
    before = months_before(now, UNUSED_IMAGES_MONTHS)
    # two sources that changed at the same moment may have left a time on an image that is used, or none on
    # one that is not
    await tx.run(
        """
        UPDATE images i
        SET used_until = CASE WHEN used_until IS NULL THEN $3::timestamptz END
        WHERE account_id = $1 AND (used_until < $2 OR used_until IS NULL)
          AND (used_until IS NOT NULL) = EXISTS (
              SELECT FROM image_uses u
              WHERE u.account_id = $1 AND u.name IN (i.name, i.thumbnail_name))
        """,
        before,
        now,
    )
    deleted: int = await tx.value(
        """
        WITH gone AS (
            DELETE FROM images
            WHERE account_id = $1 AND id IN (
                SELECT id FROM images
                WHERE account_id = $1 AND NOT kept AND used_until < $2
                ORDER BY used_until
                LIMIT $4
                FOR UPDATE
            )
            RETURNING file_id, thumbnail_file_id
        ), bytes AS (
            DELETE FROM files f
            USING gone
            WHERE f.account_id = $1 AND f.id IN (gone.file_id, gone.thumbnail_file_id)
        ), broken_off AS (
            DELETE FROM files WHERE account_id = $1 AND kind = 'image' AND expires_at <= $3
        )
        SELECT count(*) FROM gone
        """,
        before,
        now,
        BATCH,
    )
    return deleted
