"""The journal: who did what to which row, never values (B-60, B-61); add and read only (S11)."""

from collections.abc import Sequence
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


async def write_each(tx: AccountTx, action: str, object_: str, object_ids: Sequence[int]) -> None:
    """One line for each of these, in one statement."""
    actor = tx.actor
    await tx.run(
        """
        INSERT INTO audit (account_id, actor, actor_id, action, object, object_id, ip, request_id)
        SELECT $1, $2, $3, $4, $5, object_id, $7::inet, $8
        FROM unnest($6::bigint[]) AS o (object_id)
        """,
        actor.kind,
        actor.id,
        action,
        object_,
        list(object_ids),
        actor.ip,
        actor.request_id,
    )


async def makers(tx: AccountTx, object_: str, object_ids: Sequence[int]) -> dict[int, str]:
    """Who created each of these, by name, where the journal still knows a member of the team."""
    rows = await tx.rows(
        """
        SELECT a.object_id, trim(u.first_name || ' ' || u.last_name)
        FROM audit a
        JOIN memberships m ON m.account_id = a.account_id AND m.user_id = a.actor_id
        JOIN users u ON u.id = m.user_id
        WHERE a.account_id = $1 AND a.object = $2 AND a.object_id = ANY ($3::bigint[])
          AND a.actor = 'user' AND a.action = 'created'
        ORDER BY a.id
        """,
        object_,
        list(object_ids),
    )
    return {object_id: name for object_id, name in rows if name}


async def members(tx: AccountTx) -> dict[int, str]:
    """The people of the account by id, for lines that name one."""
    rows = await tx.rows(
        """
        SELECT u.id, trim(u.first_name || ' ' || u.last_name)
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1
        """
    )
    return {user_id: name for user_id, name in rows if name}


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
