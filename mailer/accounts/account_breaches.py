"""An account's own register of breaches, as controller: what the operator told, and its own (GDPR 33(5))."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailer.accounts import audit, breach_facts
from mailer.accounts.breach_facts import AUTHORITY_HOURS, BreachFacts, Clock
from mailer.core import clock, paging, work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, fault
from mailer.core.text import N_

REMIND = "accounts.remind_own_breach"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBreach:
    """`breach_id`: the operator told of it."""

    id: int
    breach_id: int | None
    aware_at: datetime
    facts: Mapping[str, Any]
    authority_told_at: datetime | None
    authority_note: str
    people_told_at: datetime | None
    people_note: str
    recorded_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    reminded_at: datetime | None

    @property
    def known(self) -> BreachFacts:
        return breach_facts.read(self.facts)

    @property
    def decided(self) -> bool:
        """The authority was notified, or it is written down why not."""
        return bool(self.authority_told_at or self.authority_note)

    def clock(self, now: datetime) -> tuple[str, Clock]:
        done = self.authority_told_at or (self.changed_at if self.authority_note else None)
        return N_("Notify the CNIL"), breach_facts.clock_of(self.aware_at, AUTHORITY_HOURS, done, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the operator told, each time as it was."""

    id: int
    ref_id: int
    number: int
    at: datetime
    facts: Mapping[str, Any]


async def record(tx: AccountTx, facts: BreachFacts) -> int:
    own_id = await _insert(tx, None, facts)
    await audit.write(tx, "created", "breach", own_id)
    return own_id


async def begin_from_notice(tx: AccountTx, breach_id: int, facts: BreachFacts) -> int:
    """The file that a notice begins; a later notice stands beside it and changes nothing the account wrote.

    The controller knows of it from the moment it is told: its 72 hours run from there.
    """
    own_id: int | None = await tx.value(
        "SELECT id FROM account_breaches WHERE account_id = $1 AND breach_id = $2", breach_id
    )
    if own_id is not None:
        return own_id
    # how the operator judged the risk is no word of the controller's
    mine = facts.model_copy(update={"aware_at": clock.now(), "risk": "unknown"})
    return await _insert(tx, breach_id, mine)


async def _insert(tx: AccountTx, breach_id: int | None, facts: BreachFacts) -> int:
    own_id: int = await tx.value(
        """
        INSERT INTO account_breaches (account_id, breach_id, aware_at, facts) VALUES ($1, $2, $3, $4)
        RETURNING id
        """,
        breach_id,
        facts.aware_at,
        breach_facts.stored(facts),
    )
    await work.add(tx, REMIND, own_id)
    return own_id


async def change(tx: AccountTx, own_id: int, facts: BreachFacts) -> None:
    """Raises NotFound; Conflict once it is closed."""
    await _open(tx, own_id)
    await tx.run(
        """
        UPDATE account_breaches SET aware_at = $3, facts = $4, changed_at = $5
        WHERE account_id = $1 AND id = $2
        """,
        own_id,
        facts.aware_at,
        breach_facts.stored(facts),
        clock.now(),
    )
    await work.add(tx, REMIND, own_id)
    await audit.write(tx, "changed", "breach", own_id)


async def _open(tx: AccountTx, own_id: int) -> AccountBreach:
    await tx.value("SELECT 1 FROM account_breaches WHERE account_id = $1 AND id = $2 FOR UPDATE", own_id)
    found = await show(tx, own_id)
    if found.closed_at is not None:
        raise Conflict(Fault("title", N_("This file is closed."), "state"))
    return found


async def show(tx: AccountTx, own_id: int) -> AccountBreach:
    """Raises NotFound."""
    return await tx.one(
        AccountBreach,
        """
        SELECT id, breach_id, aware_at, facts, authority_told_at, authority_note, people_told_at, people_note,
               recorded_at, changed_at, closed_at, reminded_at
        FROM account_breaches
        WHERE account_id = $1 AND id = $2
        """,
        own_id,
    )


async def many(tx: AccountTx, cursor: str = "", limit: int = 50) -> paging.Page[AccountBreach]:
    """The newest first. Raises Invalid for a damaged cursor."""
    before = paging.decode(cursor, (int,))
    rows = await tx.many(
        AccountBreach,
        """
        SELECT id, breach_id, aware_at, facts, authority_told_at, authority_note, people_told_at, people_note,
               recorded_at, changed_at, closed_at, reminded_at
        FROM account_breaches
        WHERE account_id = $1 AND ($2::bigint IS NULL OR id < $2)
        ORDER BY id DESC
        LIMIT $3
        """,
        before[0] if before else None,
        limit + 1,
    )
    return paging.page(rows, limit, key=lambda row: (row.id,))


async def notices(tx: AccountTx, kind: str, ref_id: int | None = None) -> list[Notice]:
    """What the operator told, the newest first; of one breach or request, or of all."""
    return await tx.many(
        Notice,
        """
        SELECT id, ref_id, number, at, facts
        FROM notices
        WHERE account_id = $1 AND kind = $2 AND ($3::bigint IS NULL OR ref_id = $3)
        ORDER BY id DESC
        LIMIT 200
        """,
        kind,
        ref_id,
    )


async def note_told(tx: AccountTx, own_id: int, whom: str, at: datetime | None, note: str) -> None:
    """`whom`: authority or people. When they were told, or why not. Raises as `change`, and Invalid."""
    await _open(tx, own_id)
    if at is None and not note:
        raise fault(f"{whom}_note", N_("Say when it was notified, or why not."))
    await tx.run(
        """
        UPDATE account_breaches
        SET authority_told_at = CASE WHEN $3 = 'authority' THEN $4 ELSE authority_told_at END,
            authority_note = CASE WHEN $3 = 'authority' THEN $5 ELSE authority_note END,
            people_told_at = CASE WHEN $3 = 'people' THEN $4 ELSE people_told_at END,
            people_note = CASE WHEN $3 = 'people' THEN $5 ELSE people_note END,
            changed_at = $6
        WHERE account_id = $1 AND id = $2
        """,
        own_id,
        whom,
        at,
        note,
        clock.now(),
    )
    await audit.write(tx, "changed", "breach", own_id)


async def close(tx: AccountTx, own_id: int) -> None:
    """Kept for five years from here. Raises NotFound; Conflict while nothing is said of the authority."""
    found = await _open(tx, own_id)
    if not found.decided:
        raise Conflict(Fault("authority_note", N_("Say when it was notified, or why not."), "state"))
    await tx.run(
        "UPDATE account_breaches SET closed_at = $3 WHERE account_id = $1 AND id = $2", own_id, clock.now()
    )
    await audit.write(tx, "closed", "breach", own_id)


async def reminded(tx: AccountTx, own_id: int) -> None:
    await tx.run(
        "UPDATE account_breaches SET reminded_at = $3 WHERE account_id = $1 AND id = $2", own_id, clock.now()
    )
