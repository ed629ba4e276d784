"""The journal: who did what to which row, never values (B-60, B-61); add and read only (S11)."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import AccountTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    id: int
    at: datetime
    actor: str
    actor_id: int | None
    action: str
    object: str
    object_id: int | None
    count: int | None


async def write(
    tx: AccountTx, action: str, object_: str, object_id: int | None = None, *, count: int | None = None
) -> None:
    """In the transaction of the act itself. `action` is a past participle: "created", "exported"."""
    actor = tx.actor
    await tx.run(
        """
        INSERT INTO audit (account_id, actor, actor_id, action, object, object_id, count, ip, request_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8::inet, $9)
        """,
        actor.kind,
        actor.id,
        action,
        object_,
        object_id,
        count,
        actor.ip,
        actor.request_id,
    )


async def latest(tx: AccountTx, limit: int = 50) -> list[Entry]:
    return await tx.many(
        Entry,
        """
        SELECT id, at, actor, actor_id, action, object, object_id, count
        FROM audit
        WHERE account_id = $1
        ORDER BY id DESC
        LIMIT $2
        """,
        limit,
    )
