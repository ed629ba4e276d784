"""What an import changed, remembered for seven days so that it can be undone."""

from collections.abc import Collection
from datetime import timedelta

from mailer.core.db import AccountTx

REMEMBERED = timedelta(days=7)  # from the end of the import


async def remember(tx: AccountTx, import_id: int, part: int, contact_ids: Collection[int]) -> None:
    """Contacts of a part that were there before, besides those that it made."""
    if not contact_ids:
        return
    await tx.run(
        """
        INSERT INTO import_changes (account_id, import_id, part, contact_ids)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (account_id, import_id, part) DO UPDATE
        SET contact_ids = import_changes.contact_ids || excluded.contact_ids
        """,
        import_id,
        part,
        list(contact_ids),
    )


async def remember_removals(
    tx: AccountTx, import_id: int, contact_ids: Collection[int], list_ids: Collection[int]
) -> list[int]:
    """The subscriptions that are about to be removed. Returns whose."""
    rows = await tx.rows(
        """
        INSERT INTO import_removals (account_id, import_id, contact_id, list_id, status, legal_basis,
                                     created_at, status_at, given_by)
        SELECT $1, $2, contact_id, list_id, status, legal_basis, created_at, status_at, import_id
        FROM subscriptions s
        WHERE account_id = $1 AND contact_id = ANY ($3::bigint[]) AND list_id = ANY ($4::bigint[])
          AND status <> 'unsubscribed'
          -- as subscriptions.remove: whoever's use is limited stays where they are (C-13)
          AND NOT EXISTS (SELECT FROM contacts c
                          WHERE c.account_id = $1 AND c.id = s.contact_id AND c.restricted_at IS NOT NULL)
        RETURNING contact_id
        """,
        import_id,
        list(contact_ids),
        list(list_ids),
    )
    return list({contact_id for (contact_id,) in rows})


async def forget(tx: AccountTx, import_id: int) -> bool:
    """A part at a time. False when nothing was left."""
    found = await tx.rows(
        """
        DELETE FROM import_changes
        WHERE account_id = $1 AND import_id = $2 AND part = (
            SELECT min(part) FROM import_changes WHERE account_id = $1 AND import_id = $2
        )
        RETURNING contact_ids
        """,
        import_id,
    )
    for (contact_ids,) in found:
        await tx.run(
            """
            DELETE FROM import_values
            WHERE account_id = $1 AND contact_id = ANY ($3::bigint[]) AND import_id = $2
            """,
            import_id,
            contact_ids,
        )
        await tx.run(
            """
            DELETE FROM import_removals
            WHERE account_id = $1 AND contact_id = ANY ($3::bigint[]) AND import_id = $2
            """,
            import_id,
            contact_ids,
        )
    return bool(found)
