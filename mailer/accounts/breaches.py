"""The operator's register of breaches (GDPR 33(5)), whom each concerns, and what they were told (A-035).

record ─▶ concern (accounts, or all of them) ─▶ job: each is counted ─▶ tell ─▶ job: each is told, by mail
   │                                                    ▲ again with what became known (art. 33(4))
   └─▶ work row: reminders a day and six hours before 48 h (accounts) and 72 h (authority), and when late
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from mailer.accounts import breach_facts
from mailer.accounts.breach_facts import AUTHORITY_HOURS, TENANT_HOURS, BreachFacts, Clock
from mailer.core import clock, paging, work
from mailer.core.db import SharedTx
from mailer.core.errors import Conflict, Fault, fault
from mailer.core.text import N_

COUNT = "accounts.count_breach"
TELL = "accounts.tell_breach"
REMIND = "accounts.remind_breach"
Role = Literal["processor", "controller", "both"]
ROLES = {
    "processor": N_("Processor: data of accounts"),
    "controller": N_("Controller: our own data (people who sign in, invoices)"),
    "both": N_("Both"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """`told`: how many notices went to the accounts; `told_at`: when the first did."""

    id: int
    role: str
    aware_at: datetime
    facts: Mapping[str, Any]
    told: int
    told_at: datetime | None
    authority_told_at: datetime | None
    authority_note: str
    recorded_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    reminded_at: datetime | None
    accounts: int

    @property
    def known(self) -> BreachFacts:
        return breach_facts.read(self.facts)

    def clocks(self, now: datetime) -> list[tuple[str, Clock]]:
        """(msgid, clock) of what has to be done in time, also when it was."""
        found = []
        if self.role != "controller":
            tenants = breach_facts.clock_of(self.aware_at, TENANT_HOURS, self.told_at, now)
            found.append((N_("Tell the accounts"), tenants))
        if self.role != "processor":
            authority = breach_facts.clock_of(self.aware_at, AUTHORITY_HOURS, self.authority_told_at, now)
            found.append((N_("Notify the CNIL"), authority))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """`name` "": the account was erased since. `people`, `records` None: not counted yet."""

    account_id: int
    name: str
    people: int | None
    records: int | None


async def record(tx: SharedTx, facts: BreachFacts, role: Role, *, by: int) -> int:
    """Returns its number; the clocks run from `aware_at`."""
    breach_id: int = await tx.value(
        """
        INSERT INTO breaches (role, aware_at, facts, recorded_by) VALUES ($1, $2, $3, $4)
        RETURNING id
        """,
        role,
        facts.aware_at,
        breach_facts.stored(facts),
        by,
    )
    await work.add(tx, REMIND, breach_id)
    return breach_id


async def change(tx: SharedTx, breach_id: int, facts: BreachFacts, role: Role) -> None:
    """Raises NotFound; Conflict once it is closed."""
    await _open(tx, breach_id)
    await tx.run(
        "UPDATE breaches SET role = $2, aware_at = $3, facts = $4, changed_at = $5 WHERE id = $1",
        breach_id,
        role,
        facts.aware_at,
        breach_facts.stored(facts),
        clock.now(),
    )
    await work.add(tx, REMIND, breach_id)


async def _open(tx: SharedTx, breach_id: int) -> Breach:
    await tx.value("SELECT 1 FROM breaches WHERE id = $1 FOR UPDATE", breach_id)
    found = await show(tx, breach_id)
    if found.closed_at is not None:
        raise Conflict(Fault("title", N_("This file is closed."), "state"))
    return found


async def show(tx: SharedTx, breach_id: int) -> Breach:
    """Raises NotFound."""
    return await tx.one(
        Breach,
        """
        SELECT id, role, aware_at, facts, told, told_at, authority_told_at, authority_note, recorded_at,
               changed_at, closed_at, reminded_at,
               (SELECT count(*) FROM breach_accounts WHERE breach_id = $1) AS accounts
        FROM breaches
        WHERE id = $1
        """,
        breach_id,
    )


async def many(tx: SharedTx, cursor: str = "", limit: int = 50) -> paging.Page[Breach]:
    """The newest first. Raises Invalid for a damaged cursor."""
    before = paging.decode(cursor, (int,))
    rows = await tx.many(
        Breach,
        """
        SELECT id, role, aware_at, facts, told, told_at, authority_told_at, authority_note, recorded_at,
               changed_at, closed_at, reminded_at,
               (SELECT count(*) FROM breach_accounts a WHERE a.breach_id = b.id) AS accounts
        FROM breaches b
        WHERE $1::bigint IS NULL OR id < $1
        ORDER BY id DESC
        LIMIT $2
        """,
        before[0] if before else None,
        limit + 1,
    )
    return paging.page(rows, limit, key=lambda row: (row.id,))


async def concern(tx: SharedTx, breach_id: int, account_ids: list[int] | None) -> int:
    """These accounts, or all of them (None), and each is counted; one that holds nothing of it is taken off.

    Returns how many came to it. Raises NotFound, Conflict, and Invalid at `accounts` for a number of nobody.
    """
    await _open(tx, breach_id)
    if account_ids is not None:
        known = await tx.rows("SELECT id FROM accounts WHERE id = ANY ($1::bigint[])", account_ids)
        unknown = sorted(set(account_ids) - {account_id for (account_id,) in known})
        if unknown:
            raise fault(
                "accounts",
                N_("There is no account with this number: {numbers}."),
                numbers=", ".join(map(str, unknown[:20])),
            )
    added = await tx.run(
        """
        INSERT INTO breach_accounts (breach_id, account_id)
        SELECT $1, id FROM accounts WHERE $2::bigint[] IS NULL OR id = ANY ($2)
        ON CONFLICT DO NOTHING
        """,
        breach_id,
        account_ids,
    )
    await _ask(tx, COUNT, breach_id)
    return added


async def release(tx: SharedTx, breach_id: int, account_id: int) -> None:
    """Not concerned after all, as long as nobody was told. Raises NotFound, Conflict."""
    found = await _open(tx, breach_id)
    if found.told:
        raise Conflict(Fault("accounts", N_("The accounts were told already: it stays in the register.")))
    await tx.run(
        "DELETE FROM breach_accounts WHERE breach_id = $1 AND account_id = $2", breach_id, account_id
    )


async def _ask(tx: SharedTx, job: str, breach_id: int) -> None:
    """A row of work for each account of the breach: thousands are told by all workers side by side."""
    rows = await tx.rows("SELECT account_id FROM breach_accounts WHERE breach_id = $1", breach_id)
    await work.ask_accounts(tx, job, [account_id for (account_id,) in rows], ref_id=breach_id)


async def tell(tx: SharedTx, breach_id: int) -> int:
    """Each account is told what is known now; a second time it is a supplement (art. 33(4)). Returns which.

    Raises NotFound, Conflict.
    """
    found = await _open(tx, breach_id)
    if not found.accounts:
        raise Conflict(Fault("accounts", N_("Say first which accounts are concerned.")))
    await tx.run(
        "UPDATE breaches SET told = told + 1, told_at = coalesce(told_at, $2) WHERE id = $1",
        breach_id,
        clock.now(),
    )
    await _ask(tx, TELL, breach_id)
    return found.told + 1


async def note_authority(tx: SharedTx, breach_id: int, at: datetime | None, note: str) -> None:
    """When the CNIL was notified, with its number; no time: why not. Raises as `change`, and Invalid."""
    await _open(tx, breach_id)
    if at is None and not note:
        raise fault("note", N_("Say when it was notified, or why not."))
    await tx.run(
        "UPDATE breaches SET authority_told_at = $2, authority_note = $3 WHERE id = $1", breach_id, at, note
    )


async def close(tx: SharedTx, breach_id: int) -> None:
    """Kept for five years from here. Raises NotFound; Conflict while something is left to do."""
    found = await _open(tx, breach_id)
    if found.role != "controller" and found.accounts and not found.told:
        raise Conflict(Fault("title", N_("The accounts were not told yet."), "state"))
    if found.role != "processor" and not found.authority_told_at and not found.authority_note:
        raise Conflict(Fault("title", N_("Say when it was notified, or why not."), "state"))
    await tx.run("UPDATE breaches SET closed_at = $2 WHERE id = $1", breach_id, clock.now())


async def concerned(tx: SharedTx, breach_id: int, after: int = 0, limit: int = 50) -> list[Concerned]:
    return await tx.many(
        Concerned,
        """
        SELECT b.account_id, coalesce(a.name, '') AS name, b.people, b.records
        FROM breach_accounts b
        LEFT JOIN accounts a ON a.id = b.account_id
        WHERE b.breach_id = $1 AND b.account_id > $2
        ORDER BY b.account_id
        LIMIT $3
        """,
        breach_id,
        after,
        limit,
    )


async def reminded(tx: SharedTx, breach_id: int) -> None:
    await tx.run("UPDATE breaches SET reminded_at = $2 WHERE id = $1", breach_id, clock.now())
