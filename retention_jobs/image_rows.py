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
        SET used_until = NULL
        WHERE account_id = $1 AND used_until < $2 AND EXISTS (
            SELECT FROM image_uses u
            WHERE u.account_id = $1 AND u.name IN (i.name, i.thumbnail_name))
        """,
        before,
    )
    await tx.run(
        """
        UPDATE images i
        SET used_until = $2
        WHERE account_id = $1 AND used_until IS NULL AND NOT EXISTS (
            SELECT FROM image_uses u
            WHERE u.account_id = $1 AND u.name IN (i.name, i.thumbnail_name))
        """,
        now,
    )
    gone = await tx.rows(
        """
        DELETE FROM images
        WHERE account_id = $1 AND id IN (
            SELECT id FROM images
            WHERE account_id = $1 AND NOT kept AND used_until < $2
            ORDER BY used_until
            LIMIT $3
            FOR UPDATE
        )
        RETURNING file_id, thumbnail_file_id
        """,
        before,
        BATCH,
    )
    await tx.run(
        """
        DELETE FROM files
        WHERE account_id = $1 AND (id = ANY ($2::bigint[]) OR (kind = 'image' AND expires_at <= $3))
        """,
        [one for row in gone for one in row if one is not None],
        now,
    )
    return len(gone)
