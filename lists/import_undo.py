"""Undoing an import within seven days, in the parts that it was merged in.

    made by it and untouched ──▶ erased
    changed by it, and not since ──▶ as before
    taken off a list by it ──▶ on it again, unless they refused since

Touched is who was changed by hand, by themselves, by a later import, to whom a mail is still on its way, or
whose data may only be kept (C-13): they stay, and are counted. An unsubscribe stays, whoever asked for it: an
import that unsubscribed cannot be undone. The ledger is only added to. Each part and its position are
committed together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lists import contacts, import_fates, imports, merge
from lists.import_changes import REMEMBERED
from lists.import_stage import Superseded
from lists.imports import Import, Mode, State
from mailer.accounts import audit
from mailer.core import clock, work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid
from mailer.core.text import N_

TYPED_FROM = 100
COUNTED = 20  # parts that a preview looks at, so that the page comes at once

NOT_DONE = N_("Only an import that is finished can be undone.")
TOO_LATE = N_("An import can be undone for seven days. This one is older.")
FOR_GOOD = N_("Unsubscribes are never lifted: this import cannot be undone.")
TYPE_IT = N_("Write the number of rows: {size}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Contacts that an undo erases, puts back, and leaves as they are."""

    erased: int = 0
    restored: int = 0
    kept: int = 0

    def plus(self, other: "Outcome") -> "Outcome":
        return Outcome(
            erased=self.erased + other.erased,
            restored=self.restored + other.restored,
            kept=self.kept + other.kept,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`rows`: what the import changed; `left`: of its contacts, who unsubscribed since and stays so.

    `exact` false: `outcome` and `left` are those of its first parts only.
    """

    rows: int
    outcome: Outcome
    left: int
    exact: bool
    since: datetime | None
    until: datetime


def until(job: Import) -> datetime | None:
    """Until when it can be undone; None: not at all."""
    if job.state != State.DONE or job.finished_at is None or job.choices.mode == Mode.UNSUBSCRIBE:
        return None
    end = job.finished_at + REMEMBERED
    # of the refusals some came in as contacts, unsubscribed
    came = import_fates.changes(job.counts) + job.counts.get("refused", 0)
    return end if clock.now() < end and came else None


def remembered_until(job: Import) -> datetime | None:
    """When what it changed may be forgotten; None: now."""
    if job.state == State.UNDOING:
        return clock.now() + timedelta(hours=1)
    return until(job)


def need_undoable(job: Import) -> datetime:
    """Until when. Raises Conflict with the reason."""
    end = until(job)
    if end is not None:
        return end
    if job.choices.mode == Mode.UNSUBSCRIBE:
        raise Conflict(Fault("state", FOR_GOOD, "for_good"))
    if job.state == State.DONE and job.finished_at and clock.now() >= job.finished_at + REMEMBERED:
        raise Conflict(Fault("state", TOO_LATE, "too_late"))
    raise Conflict(Fault("state", NOT_DONE, "state", {"state": str(job.state)}))


async def preview(tx: AccountTx, import_id: int) -> Preview:
    """What undoing would do now. Raises NotFound, Conflict."""
    job = await imports.show(tx, import_id)
    end = need_undoable(job)
    await merge.plan_each(tx)
    found, left, after = Outcome(), 0, 0
    for _ in range(COUNTED):
        part = await _next_part(tx, job.id, after=after)
        if part is None:
            break
        found, after = found.plus((await _judged(tx, job.id, part)).outcome), part
        left += await _left_since(tx, job, part)
    return Preview(
        rows=import_fates.changes(job.counts),
        outcome=found,
        left=left,
        exact=await _next_part(tx, job.id, after=after) is None,
        since=job.started_at,
        until=end,
    )


async def _left_since(tx: AccountTx, job: Import, part: int) -> int:
    """Who unsubscribed since it began. Those whom it brought in as unsubscribed did not."""
    found: int = await tx.value(
        """
        SELECT count(*)
        FROM (
            SELECT DISTINCT unnest(contact_ids) AS id FROM import_changes
            WHERE account_id = $1 AND import_id = $2 AND part = $3
        ) AS t
        WHERE EXISTS (
            SELECT FROM subscriptions s
            WHERE s.account_id = $1 AND s.contact_id = t.id AND s.status = 'unsubscribed'
              AND s.status_at > $4 AND s.status_at <> s.created_at
        )
        """,
        job.id,
        part,
        job.started_at,
    )
    return found


async def start(tx: AccountTx, import_id: int, *, typed: str | None = None) -> None:
    """Begins; a second request changes nothing. `typed`: what a person wrote, None when nobody has to.

    Raises NotFound, Conflict, and Invalid at `typed`.
    """
    job = await imports.show(tx, import_id)
    if job.state in (State.UNDOING, State.UNDONE):
        return
    need_undoable(job)
    size = import_fates.changes(job.counts)
    if typed is not None and size >= TYPED_FROM and "".join(filter(str.isdecimal, typed)) != str(size):
        raise Invalid(Fault("typed", TYPE_IT, "typed", {"size": size}))
    begun = await tx.run(
        """
        UPDATE imports
        SET state = 'undoing', attempt = attempt + 1, undone_to_line = 0, undo_counts = '{}',
            started_at = now(), resumed_at_line = NULL
        WHERE account_id = $1 AND id = $2 AND state = 'done' AND attempt = $3
        """,
        import_id,
        job.attempt,
    )
    if not begun:
        raise Conflict(Fault("state", NOT_DONE, "state"))
    await work.add(tx, "lists.undo_import", import_id)
    await audit.write(tx, "undo_started", "import", import_id)


async def _next_part(tx: AccountTx, import_id: int, *, after: int) -> int | None:
    found: int | None = await tx.value(
        "SELECT min(part) FROM import_changes WHERE account_id = $1 AND import_id = $2 AND part > $3",
        import_id,
        after,
    )
    return found


@dataclass(frozen=True, slots=True)
class _Part:
    """Contacts of a part, by what becomes of them. Who is gone by now is in none."""

    erase: list[int]
    restore: list[int]
    keep: int

    @property
    def outcome(self) -> Outcome:
        return Outcome(erased=len(self.erase), restored=len(self.restore), kept=self.keep)


async def _judged(tx: AccountTx, import_id: int, part: int) -> _Part:
    [(erase, restore, keep)] = await tx.rows(
        """
        -- one CASE, so that everybody has one fate; each look-up is of one contact, by an index
        SELECT array_agg(id) FILTER (WHERE fate = 'erase'), array_agg(id) FILTER (WHERE fate = 'restore'),
               count(*) FILTER (WHERE fate = 'keep')
        FROM (
            SELECT c.id, CASE
                WHEN EXISTS (
                    SELECT FROM deliveries d
                    WHERE d.account_id = $1 AND d.contact_id = c.id
                      AND d.status IN ('queued', 'claimed', 'handing')
                ) OR c.restricted_at IS NOT NULL THEN 'keep'
                WHEN c.import_id = $2 THEN CASE
                    WHEN c.updated_at <> c.created_at OR c.last_act_at IS NOT NULL OR EXISTS (
                        SELECT FROM subscriptions s
                        WHERE s.account_id = $1 AND s.contact_id = c.id
                          AND (s.import_id IS DISTINCT FROM $2 OR s.status_at <> s.created_at)
                    ) OR EXISTS (
                        SELECT FROM consents k
                        WHERE k.account_id = $1 AND k.contact_id = c.id AND k.method <> 'import'
                    ) THEN 'keep'
                    ELSE 'erase'
                END
                WHEN EXISTS (
                    SELECT FROM import_values v
                    WHERE v.account_id = $1 AND v.contact_id = c.id AND v.import_id = $2
                      AND v.changed_at <> c.updated_at
                ) THEN 'keep'
                ELSE 'restore'
            END AS fate
            FROM (
                SELECT DISTINCT unnest(contact_ids) AS id FROM import_changes
                WHERE account_id = $1 AND import_id = $2 AND part = $3
            ) AS t
            JOIN contacts c ON c.account_id = $1 AND c.id = t.id
        ) AS judged
        """,
        import_id,
        part,
    )
    return _Part(erase or [], restore or [], keep)


async def undo(tx: AccountTx, job: Import, *, after: int) -> int | None:
    """The part behind line `after`, its counts and its position. None at the end. Raises Superseded."""
    part = await _next_part(tx, job.id, after=after)
    if part is None:
        return None
    await merge.lock(tx)
    await merge.plan_each(tx)
    await tx.run(
        """
        SELECT id FROM contacts
        WHERE account_id = $1 AND id = ANY ((
            SELECT contact_ids FROM import_changes WHERE account_id = $1 AND import_id = $2 AND part = $3
        )::bigint[])
        ORDER BY id
        FOR UPDATE
        """,
        job.id,
        part,
    )
    found = await _judged(tx, job.id, part)
    counts = Outcome(**job.undo_counts).plus(found.outcome)
    stored = {"erased": counts.erased, "restored": counts.restored, "kept": counts.kept}
    ours = await tx.run(
        """
        UPDATE imports
        SET undone_to_line = $5, undo_counts = $6
        WHERE account_id = $1 AND id = $2 AND state = 'undoing' AND attempt = $3 AND undone_to_line = $4
        """,
        job.id,
        job.attempt,
        after,
        part,
        stored,
    )
    if not ours:
        raise Superseded
    if found.restore:
        await _restore(tx, job.id, found.restore)
    await merge.plan_once(tx)
    if found.erase:
        await contacts.delete(tx, found.erase)
    job.undo_counts.update(stored)
    return part


async def _restore(tx: AccountTx, import_id: int, contact_ids: list[int]) -> None:
    """Values as they were, with their time: an import before this one can then be undone, too."""
    # both sides by the same ids, then hashed: a loop would read all values again for each contact
    await tx.run_plain("SET LOCAL enable_nestloop = off")
    await tx.run(
        """
        UPDATE contacts c
        SET first_name = v.first_name, last_name = v.last_name, first_name_key = v.first_name_key,
            last_name_key = v.last_name_key, language = v.language, fields = v.fields,
            updated_at = v.updated_at
        FROM import_values v
        WHERE c.account_id = $1 AND c.id = ANY ($3::bigint[])
          AND v.account_id = $1 AND v.contact_id = c.id AND v.import_id = $2
          AND v.contact_id = ANY ($3)
        """,
        import_id,
        contact_ids,
    )
    await tx.run_plain("SET LOCAL enable_nestloop = on")
    await tx.run(
        """
        DELETE FROM subscriptions
        WHERE account_id = $1 AND contact_id = ANY ($3::bigint[]) AND import_id = $2
          AND status_at = created_at
        """,
        import_id,
        contact_ids,
    )
    # B-28: whoever refused since stays off
    await tx.run(
        """
        INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis, created_at,
                                   status_at, import_id)
        SELECT $1, r.list_id, r.contact_id, r.status, r.legal_basis, r.created_at, r.status_at, r.given_by
        FROM import_removals r
        JOIN contacts c ON c.account_id = $1 AND c.id = r.contact_id
        JOIN mailing_lists l ON l.account_id = $1 AND l.id = r.list_id AND l.deleted_at IS NULL
        WHERE r.account_id = $1 AND r.import_id = $2 AND r.contact_id = ANY ($3::bigint[])
          AND NOT EXISTS (
              SELECT FROM suppressions s
              WHERE s.account_id = $1 AND s.address_hash = c.address_hash AND stops(s, r.list_id)
          )
        ORDER BY r.contact_id, r.list_id
        ON CONFLICT (account_id, list_id, contact_id) DO NOTHING
        """,
        import_id,
        contact_ids,
    )


async def finish(tx: AccountTx, job: Import) -> None:
    ended = await tx.run(
        """
        UPDATE imports
        SET state = 'undone', undone_at = now()
        WHERE account_id = $1 AND id = $2 AND state = 'undoing' AND attempt = $3
        """,
        job.id,
        job.attempt,
    )
    if ended:
        undone = job.undo_counts.get("erased", 0) + job.undo_counts.get("restored", 0)
        await audit.write(tx, "undone", "import", job.id, count=undone)
        await work.add(tx, "lists.close_import", job.id)
