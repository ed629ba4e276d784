"""Values that follow their field: a field deleted, an option renamed or taken away, at a million contacts.

    start ─▶ few contacts: all at once
          └▶ many: job "lists.change_field", PART contacts a transaction, the position saved with them

The field itself changes at once, so that nothing writes the old value any more; only the values lag behind.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mailer.core import work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault
from mailer.core.text import N_

JOB = "lists.change_field"
PART = 5_000  # contacts changed in one transaction
IMPORT_RUNS = N_("An import is running. Change the field when it has finished.")


class Act(StrEnum):
    DELETE_FIELD = "delete_field"
    RENAME_OPTION = "rename_option"
    DELETE_OPTION = "delete_option"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChanged:
    """A row of `field_changes`. `reached`: the last contact looked at; `total`: values when it began."""

    id: int
    key: str
    act: Act
    before: str
    after: str
    reached: int
    changed: int
    total: int
    created_at: datetime
    finished_at: datetime | None


async def is_large(tx: AccountTx) -> bool:
    """Has the account more contacts than one transaction should change?"""
    more: bool = await tx.value(
        """
        SELECT count(*) > $2
        FROM (SELECT FROM contacts WHERE account_id = $1 LIMIT $2 + 1) AS first
        """,
        PART,
    )
    return more


async def need_no_import(tx: AccountTx) -> None:
    """Raises Conflict while an import writes values that were checked against the field as it was."""
    if await tx.value("SELECT true FROM imports WHERE account_id = $1 AND state = 'running' LIMIT 1"):
        raise Conflict(Fault("state", IMPORT_RUNS, "import_running"))


async def is_being_deleted(tx: AccountTx, key: str) -> bool:
    """Are values of a deleted field with this key still being erased?"""
    found = await tx.value(
        """
        SELECT true FROM field_changes
        WHERE account_id = $1 AND key = $2 AND act = 'delete_field' AND finished_at IS NULL
        """,
        key,
    )
    return found is not None


async def start(
    tx: AccountTx, key: str, act: Act, *, option: tuple[str, str] = ("", ""), total: int
) -> FieldChanged:
    """`option`: before and after. Done when it returns, or under way when `finished_at` is None."""
    change_id: int = await tx.value(
        """
        INSERT INTO field_changes (account_id, key, act, before, after, total)
        VALUES ($1, $2, $3, $4, $5, $6)
        RETURNING id
        """,
        key,
        act,
        *option,
        total,
    )
    if await is_large(tx):
        await work.add(tx, JOB, change_id)
    else:
        while not await step(tx, change_id):
            pass
    return await show(tx, change_id)


async def show(tx: AccountTx, change_id: int) -> FieldChanged:
    """Raises NotFound."""
    return await tx.one(
        FieldChanged,
        """
        SELECT id, key, act, before, after, reached, changed, total, created_at, finished_at
        FROM field_changes
        WHERE account_id = $1 AND id = $2
        """,
        change_id,
    )


async def step(tx: AccountTx, change_id: int) -> bool:
    """The next contacts; True when all are done."""
    change = await tx.first(
        FieldChanged,
        """
        SELECT id, key, act, before, after, reached, changed, total, created_at, finished_at
        FROM field_changes
        WHERE account_id = $1 AND id = $2 AND finished_at IS NULL
        FOR UPDATE
        """,
        change_id,
    )
    if change is None:
        return True
    to: int | None = await tx.value(
        """
        SELECT max(id)
        FROM (SELECT id FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS part
        """,
        change.reached,
        PART,
    )
    changed = 0 if to is None else await _apply(tx, change, to=to)
    await tx.run(
        """
        UPDATE field_changes
        SET reached = coalesce($3, reached), changed = changed + $4,
            finished_at = CASE WHEN $3::bigint IS NULL THEN now() END
        WHERE account_id = $1 AND id = $2
        """,
        change_id,
        to,
        changed,
    )
    return to is None


async def _apply(tx: AccountTx, change: FieldChanged, *, to: int) -> int:
    if change.act == Act.DELETE_FIELD:
        return await tx.run(
            """
            UPDATE contacts
            SET fields = fields - $2, updated_at = now()
            WHERE account_id = $1 AND id > $3 AND id <= $4 AND fields ? $2
            """,
            change.key,
            change.reached,
            to,
        )
    # a value of several choices is an array, of one a text: `?` finds the option in both
    return await tx.run(
        """
        UPDATE contacts c
        SET fields = (c.fields - $2) || coalesce((
                SELECT jsonb_build_object(
                    $2::text,
                    CASE jsonb_typeof(c.fields -> $2) WHEN 'array' THEN jsonb_agg(kept ORDER BY n)
                         ELSE to_jsonb(min(kept)) END
                )
                FROM (
                    SELECT CASE WHEN v = $5 THEN nullif($6, '') ELSE v END AS kept, n
                    FROM jsonb_array_elements_text(
                        CASE jsonb_typeof(c.fields -> $2) WHEN 'array' THEN c.fields -> $2
                             ELSE jsonb_build_array(c.fields -> $2) END
                    ) WITH ORDINALITY AS e (v, n)
                ) AS options
                WHERE kept IS NOT NULL
                HAVING count(*) > 0
            ), '{}'),
            updated_at = now()
        WHERE c.account_id = $1 AND c.id > $3 AND c.id <= $4 AND c.fields -> $2 ? $5
        """,
        change.key,
        change.reached,
        to,
        change.before,
        change.after,
    )
