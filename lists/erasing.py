"""The one way a person goes: retention, their right, the team, an import undone, their account's end (B-66).

    retention_jobs (inactive, unconfirmed_rows, closed_accounts) ─┐
    erasures (rights, team) · import_undo · selections           ─┴─▶ erase ─▶ DELETE FROM contacts
                                                            └ tables that know them: by foreign key

What stays, and why, stands in tests/contacts/test_personal_tables.py, which asks the catalogue.
"""

from collections.abc import Sequence
from enum import StrEnum

from lists import suppressions
from mailer.core import clock
from mailer.core.db import AccountTx


class Why(StrEnum):
    """Who may be erased follows from it: at an account's end, and again in a restored copy, everybody."""

    RETENTION = "retention"
    ASKED = "asked"
    CLOSING = "closing"
    AGAIN = "again"


async def erase(tx: AccountTx, contact_ids: Sequence[int], why: Why) -> int:
    """Returns how many there were. Their address's refusals stay, by fingerprint (B-28); the way back ends.

    Whose use is limited stays, since they may need the data (GDPR, art. 18), and who is under a legal hold;
    not at the account's end, which keeps a copy of these apart.
    """
    deleted = await tx.rows(
        """
        DELETE FROM contacts
        WHERE account_id = $1 AND id = ANY($2::bigint[])
          AND ($3 IN ('closing', 'again') OR (restricted_at IS NULL AND NOT held(id, $4)))
        RETURNING address_hash
        """,
        list(contact_ids),
        why,
        clock.now(),
    )
    if why is not Why.CLOSING:
        await suppressions.close_returns(tx, [hashed for (hashed,) in deleted])
    return len(deleted)
