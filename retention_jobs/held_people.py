"""People under a legal hold when their account is erased: a copy of their data stays, until the hold ends.

Everything else goes, so that what a law names is all that is left (A-005). Whoever operates the service gives
it to the authority or person entitled (`mailer hold open`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lists import contact_history
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import NotFound
from mailer.web import response


async def keep(tx: AccountTx, now: datetime) -> int:
    """At the beginning of an erasure, once. How many people."""
    rows = await tx.rows(
        """
        SELECT contact_id, string_agg(DISTINCT article, '; ' ORDER BY article), max(ends_at)
        FROM legal_holds
        WHERE account_id = $1 AND contact_id IS NOT NULL AND lifted_at IS NULL AND ends_at > $2
        GROUP BY contact_id
        ORDER BY contact_id
        """,
        now,
    )
    for contact_id, articles, ends_at in rows:
        data = await contact_history.archive(tx, contact_id)
        await tx.shared().run(
            """
            INSERT INTO held_people (account_id, contact_id, data, legal_basis, expires_at)
            VALUES ($1, $2, $3, $4, $5)
            """,
            tx.account_id,
            contact_id,
            response.jsonable(data),
            articles,
            ends_at,
        )
    return len(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPerson:
    """`legal_basis`: the articles that hold it."""

    id: int
    account_id: int
    contact_id: int
    legal_basis: str
    expires_at: datetime


async def many(tx: SharedTx) -> list[HeldPerson]:
    """Those whose account is no more, the first to go first."""
    return await tx.many(
        HeldPerson,
        """
        SELECT id, account_id, contact_id, legal_basis, expires_at
        FROM held_people
        ORDER BY expires_at, id
        LIMIT 1000
        """,
    )


async def data(tx: SharedTx, held_id: int) -> dict[str, Any]:
    """Raises NotFound."""
    rows = await tx.rows("SELECT data FROM held_people WHERE id = $1", held_id)
    if not rows:
        raise NotFound
    found: dict[str, Any] = rows[0][0]
    return found
