"""An account suspended and back, closed with dates, reactivated, erased sooner (A-005, A-092, A-104).

    active ⇄ suspended          by an owner, or by the operator with a reason that is shown
       └────────┴──▶ closed ──▶ erased, so that backups forget it within three months
                       │        (retention_jobs.closed_accounts)
                       └──▶ pending (waits for an owner's word) ──▶ active

Whoever belongs to the team is told by mail of each step. Reading, exporting and closing stay possible
throughout, and so do the links of recipients.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from mailer.accounts import accounts, audit
from mailer.accounts.accounts import Account
from mailer.core import backup_files, outbox, work
from mailer.core.clock import months_after
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, fault
from mailer.core.text import N_
from mailer.web.request import Input

# nothing of a closed account is anywhere after three months, backups included
MONTHS_UNTIL_GONE = 3
# of the last backup that holds it; a day for the run that removes it (decision 0026)
IN_BACKUPS = backup_files.KEPT + timedelta(days=1)
# Data Act, art. 25(2)(g): everything can be retrieved for at least so long
RETRIEVAL = timedelta(days=30)
By = Literal["owner", "operator"]


class Suspension(Input):
    """`reason`: shown to everybody of the team."""

    reason: str = Field("", max_length=500)


class SoonerErasure(Input):
    """`wanted` thirty: once the 30 days of retrieval are over; now: at once, `waived` gives up the rest."""

    wanted: Literal["thirty", "now"] = "thirty"
    waived: bool = False
    typed: str = Field("", max_length=200)


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    first_name: str
    language: str
    role: str


def erased_when_closed(now: datetime) -> datetime:
    """The day everything goes of an account that is closed now."""
    return months_after(now, MONTHS_UNTIL_GONE) - IN_BACKUPS


def retrievable_until(account: Account) -> datetime | None:
    """Before it, erasing takes that an owner gives the retrieval up. None: it is not closed."""
    return account.closed_at + RETRIEVAL if account.closed_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeExport:
    """The newest archive of the account. `over`: its file is gone."""

    id: int
    state: str
    rows: int
    created_at: datetime
    over: bool


async def last_export(tx: AccountTx) -> WholeExport | None:
    """For the page that closes: export first (A-054). Reads a table of another room and changes nothing."""
    return await tx.first(
        WholeExport,
        """
        SELECT id, state, rows, created_at, coalesce(expires_at <= now(), false) AS over
        FROM exports
        WHERE account_id = $1 AND what = 'account'
        ORDER BY id DESC
        LIMIT 1
        """,
    )


# ---------------------------------------------------------------- suspending


async def suspend(tx: AccountTx, by: By, reason: str, *, now: datetime, public_url: str) -> Account:
    """Nothing leaves from now on; reading and exporting go on. Raises Conflict, Invalid at `reason`."""
    if by == "operator" and not reason.strip():
        raise fault("reason", N_("Say why: the team reads it."))
    done = await tx.run(
        """
        UPDATE accounts
        SET status = 'suspended', resume_as = status, status_reason = $2, suspended_by = $3, suspended_at = $4
        WHERE id = $1 AND status IN ('active', 'pending')
        """,
        reason.strip(),
        by,
        now,
    )
    if not done:
        raise Conflict(Fault("account", N_("This account is suspended or closed already."), "conflict"))
    await audit.write(tx, "suspended", "account", tx.account_id)
    await work.add(tx, "sending.stop_account", tx.account_id)
    account = await accounts.show(tx)
    await tell_team(tx, account, "account_suspended", public_url, reason=account.status_reason, by=by)
    return account


async def lift(tx: AccountTx, by: By) -> Account:
    """As it was before; campaigns stay paused. An owner lifts what an owner did. Raises Conflict."""
    done = await tx.run(
        """
        UPDATE accounts
        SET status = resume_as, status_reason = '', suspended_by = NULL, suspended_at = NULL
        WHERE id = $1 AND status = 'suspended' AND ($2 = 'operator' OR suspended_by = 'owner')
        """,
        by,
    )
    if not done:
        raise Conflict(
            Fault("account", N_("This account is not suspended, or the operator suspended it."), "conflict")
        )
    await audit.write(tx, "unsuspended", "account", tx.account_id)
    return await accounts.show(tx)


# ---------------------------------------------------------------- closing and coming back


async def close(tx: AccountTx, typed_name: str, *, now: datetime, public_url: str) -> Account:
    """Nothing leaves from now on; erased two months later. Raises Invalid at `typed`, Conflict."""
    account = await accounts.show(tx)
    _check_name(account, typed_name)
    closed = await tx.run(
        """
        UPDATE accounts
        SET status = 'closed', reopen_as = status, closed_at = $2, erase_at = $3, retrieval_waived_at = NULL,
            reminded_days = NULL
        WHERE id = $1 AND status <> 'closed'
        """,
        now,
        erased_when_closed(now),
    )
    if not closed:
        raise Conflict(Fault("typed", N_("This account is already closed."), "conflict"))
    await audit.write(tx, "closed", "account", tx.account_id)
    await work.add(tx, "sending.stop_account", tx.account_id)
    await work.add(tx, "lists.hand_over_requests", tx.account_id)
    account = await accounts.show(tx)
    await tell_team(tx, account, "account_closed", public_url)
    return account


def _check_name(account: Account, typed: str) -> None:
    if typed.strip().casefold() != account.name.casefold():
        raise fault("typed", N_("Write the name of the account exactly: {name}."), name=account.name)


async def reactivate(tx: AccountTx, *, now: datetime) -> Account:
    """Until the last day. Nothing leaves before an owner confirms; campaigns stay paused. Raises Conflict.

    What waited for the operator, or was suspended, is so again.
    """
    back = await tx.run(
        """
        UPDATE accounts
        SET status = CASE reopen_as WHEN 'suspended' THEN 'suspended' ELSE 'pending' END,
            awaits = CASE WHEN 'pending' IN (reopen_as, CASE reopen_as WHEN 'suspended' THEN resume_as END)
                          THEN awaits ELSE 'owner' END,
            resume_as = 'pending', closed_at = NULL, erase_at = NULL, retrieval_waived_at = NULL,
            reminded_days = NULL
        WHERE id = $1 AND status = 'closed' AND erase_at > $2
        """,
        now,
    )
    if not back:
        raise Conflict(
            Fault("account", N_("This account is not closed, or its data is already being erased."))
        )
    await audit.write(tx, "reactivated", "account", tx.account_id)
    return await accounts.show(tx)


async def confirm_sending(tx: AccountTx) -> Account:
    """An owner's word after a reactivation: mails may leave again (A-092). Raises Conflict."""
    done = await tx.run(
        "UPDATE accounts SET status = 'active' WHERE id = $1 AND status = 'pending' AND awaits = 'owner'"
    )
    if not done:
        raise Conflict(Fault("account", N_("Nothing waits for your confirmation here."), "conflict"))
    await audit.write(tx, "let_send", "account", tx.account_id)
    return await accounts.show(tx)


async def erase_sooner(tx: AccountTx, new: SoonerErasure, *, now: datetime, public_url: str) -> Account:
    """Brings the erasure of a closed account forward. Raises Conflict, Invalid at `typed`, `waived`.

    Not before the 30 days of retrieval are over, unless the owner gives them up expressly.
    """
    account = await accounts.show(tx)
    retrievable = retrievable_until(account)
    if retrievable is None or account.erase_at is None:
        raise Conflict(Fault("account", N_("Only a closed account is erased."), "conflict"))
    _check_name(account, new.typed)
    waives = new.wanted == "now" and now < retrievable
    if waives and not new.waived:
        raise fault("waived", N_("Tick the box: you give up the days in which everything can be retrieved."))
    wanted = now if new.wanted == "now" else max(now, retrievable)
    moved = await tx.run(
        """
        UPDATE accounts
        SET erase_at = $2, retrieval_waived_at = CASE WHEN $3 THEN $4::timestamptz END,
            -- this mail tells the days that are left: no reminder of the same follows it
            reminded_days = CASE WHEN $2 <= $4 + interval '7 days' THEN 7
                                 WHEN $2 <= $4 + interval '30 days' THEN 30 END
        WHERE id = $1 AND status = 'closed' AND erase_at > $2
        """,
        wanted,
        waives,
        now,
    )
    if not moved:
        raise Conflict(Fault("account", N_("It is erased on that day, or sooner, already."), "conflict"))
    await audit.write(tx, "hastened", "account", tx.account_id)
    account = await accounts.show(tx)
    await tell_team(tx, account, "account_closed", public_url)
    return account


# ---------------------------------------------------------------- telling


def _day(at: datetime | None, zone: str) -> str:
    """As the account's pages show it."""
    return at.astimezone(ZoneInfo(zone)).date().isoformat() if at else ""


async def team(tx: AccountTx) -> list[Person]:
    return await tx.many(
        Person,
        """
        SELECT u.email, u.first_name, u.language, m.role
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1
        ORDER BY u.id
        """,
    )


async def tell_team(
    tx: AccountTx, account: Account, kind: outbox.Kind, public_url: str, **more: object
) -> None:
    """One mail to everybody who belongs to it, in their language."""
    for person in await team(tx):
        await outbox.write(
            tx,
            kind,
            person.email,
            language=person.language,
            details={
                "name": person.first_name,
                "account": account.name,
                "erase_on": _day(account.erase_at, account.time_zone),
                "link": f"{public_url}/app/{account.id}/settings/account",
                **more,
            },
        )
