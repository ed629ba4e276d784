"""Which contacts an export holds. The one seam for new kinds: ids above a position, ascending.

A kind that is slow to ask twice freezes its contacts first (`selections.freeze_ids(tx, "export", …)`) and
exports the selection. Who had their data limited is in none (C-13): that person's own copy alone shows them.
"""

from lists.exports import Export
from mailer.core.db import AccountTx


def is_partial(export: Export) -> bool:
    """False when every contact between two positions is in it."""
    return bool(export.selection_id or export.list_id or export.status)


async def next_ids(tx: AccountTx, export: Export, *, limit: int) -> list[int]:
    """Contacts behind the position, none that was added after the export began."""
    if export.selection_id is not None:
        found = await _of_selection(tx, export, limit)
    elif export.list_id is not None:
        found = await _of_list(tx, export, limit)
    else:
        found = await _of_account(tx, export, limit)
    return [contact_id for (contact_id,) in found]


async def _of_selection(tx: AccountTx, export: Export, limit: int) -> list[tuple[int]]:
    return await tx.rows(
        """
        SELECT s.contact_id
        FROM selection_contacts s
        JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id AND c.restricted_at IS NULL
        WHERE s.account_id = $1 AND s.selection_id = $2 AND s.contact_id > $3
        ORDER BY s.contact_id
        LIMIT $4
        """,
        export.selection_id,
        export.position,
        limit,
    )


async def _of_list(tx: AccountTx, export: Export, limit: int) -> list[tuple[int]]:
    return await tx.rows(
        """
        SELECT s.contact_id
        FROM subscriptions s
        WHERE s.account_id = $1 AND s.list_id = $2 AND s.contact_id > $3 AND s.contact_id <= $4
          AND ($5 = '' OR s.status = $5)
          AND NOT EXISTS (SELECT FROM contacts c
                          WHERE c.account_id = $1 AND c.id = s.contact_id AND c.restricted_at IS NOT NULL)
        ORDER BY s.contact_id
        LIMIT $6
        """,
        export.list_id,
        export.position,
        export.top_id,
        export.status,
        limit,
    )


async def _of_account(tx: AccountTx, export: Export, limit: int) -> list[tuple[int]]:
    return await tx.rows(
        """
        SELECT c.id
        FROM contacts c
        WHERE c.account_id = $1 AND c.id > $2 AND c.id <= $3 AND c.restricted_at IS NULL
          AND ($4 = '' OR EXISTS (SELECT FROM subscriptions s
                                  WHERE s.account_id = $1 AND s.contact_id = c.id AND s.status = $4))
        ORDER BY c.id
        LIMIT $5
        """,
        export.position,
        export.top_id,
        export.status,
        limit,
    )
