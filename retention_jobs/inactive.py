"""People of whom nothing was heard for three years: found, the account told, asked once, deleted (B-27).

    walk ─▶ inactive_contacts ─▶ tell the account ─▶ 30 days ─▶ choice "delete" ─────────────▶ deleted
            30 days ahead          (told_at, due_at)       └──▶ choice "ask": a mail ─ 30 days ─▶ deleted
                                                                    any sign of the person ─▶ off the list

A sign is a click, an answer, a form or a choice by the person; never an open. Whoever holds a service
subscription is a customer and stays; so does whoever's data may only be kept (C-13). Nobody is deleted whom
the account was not told of 30 days before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lists import contacts, erasing
from mailer.accounts import audit
from mailer.core import outbox
from mailer.core.clock import months_before
from mailer.core.db import AccountTx
from mailer.core.links import Links
from mailer.core.paging import Page, decode, page
from retention_jobs import reading_mail
from retention_jobs.policies import INACTIVE_MONTHS

NOTICE = timedelta(days=30)
ANSWER = timedelta(days=30)
TOLD_EVERY = timedelta(days=7)
WALKED = 10_000
STEP = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Inactive:
    """A row of the page. `due_at` None: the account is told of it at the next turn."""

    contact_id: int
    email: str
    idle_since: datetime
    due_at: datetime | None
    asked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the account chose, and how many wait for it. `next_due`: the first day on which it is done."""

    choice: str
    found: int
    asked: int
    next_due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    id: int
    email: str
    address_hash: bytes
    language: str
    asked: bool
    reachable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    email: str
    language: str


# ---------------------------------------------------------------- finding


async def walk(tx: AccountTx, now: datetime) -> bool:
    """The next 10,000 contacts; True when all were looked at, or a day has not passed since they were."""
    found = await tx.rows(
        """
        INSERT INTO inactive_walks (account_id, next_at) VALUES ($1, $2)
        ON CONFLICT (account_id) DO UPDATE SET cursor = inactive_walks.cursor
        RETURNING cursor, next_at
        """,
        now,
    )
    cursor, next_at = found[0]
    if next_at > now:
        return True
    last: int | None = await tx.value(
        """
        SELECT max(id)
        FROM (SELECT id FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS part
        """,
        cursor,
        WALKED,
    )
    # 30 days ahead, so that the account is told before the three years are over
    await _look(tx, cursor, last or 2**63 - 1, months_before(now + NOTICE, INACTIVE_MONTHS))
    await tx.run(
        "UPDATE inactive_walks SET cursor = $2, next_at = $3 WHERE account_id = $1",
        last or 0,
        next_at if last else now + timedelta(days=1),
    )
    return last is None


async def _look(tx: AccountTx, after: int, to: int, before: datetime) -> None:
    await tx.run(
        """
        DELETE FROM inactive_contacts i
        USING contacts c
        WHERE i.account_id = $1 AND i.contact_id > $2 AND i.contact_id <= $3
          AND c.account_id = $1 AND c.id = i.contact_id
          AND (greatest(c.created_at, c.last_act_at) >= $4 OR c.restricted_at IS NOT NULL
               OR EXISTS (SELECT FROM subscriptions s
                          WHERE s.account_id = $1 AND s.contact_id = c.id AND s.status = 'active'
                            AND s.legal_basis = 'service'))
        """,
        after,
        to,
        before,
    )
    await tx.run(
        """
        INSERT INTO inactive_contacts (account_id, contact_id, idle_since)
        SELECT $1, c.id, greatest(c.created_at, c.last_act_at)
        FROM contacts c
        WHERE c.account_id = $1 AND c.id > $2 AND c.id <= $3
          AND greatest(c.created_at, c.last_act_at) < $4 AND c.restricted_at IS NULL
          AND NOT EXISTS (SELECT FROM subscriptions s
                          WHERE s.account_id = $1 AND s.contact_id = c.id AND s.status = 'active'
                            AND s.legal_basis = 'service')
        ON CONFLICT DO NOTHING
        """,
        after,
        to,
        before,
    )


# ---------------------------------------------------------------- telling


async def tell(tx: AccountTx, now: datetime, public_url: str) -> int:
    """Tells the owners of those found since the last time, once a week at most. Returns of how many."""
    waits = await tx.value("SELECT told_at FROM inactive_walks WHERE account_id = $1 FOR UPDATE")
    if waits is not None and waits + TOLD_EVERY > now:
        return 0
    due_at = now + NOTICE
    told = await tx.run(
        """
        UPDATE inactive_contacts
        SET told_at = $2, due_at = greatest($3, idle_since + make_interval(months => $4))
        WHERE account_id = $1 AND told_at IS NULL
        """,
        now,
        due_at,
        INACTIVE_MONTHS,
    )
    if not told:
        return 0
    await tx.run("UPDATE inactive_walks SET told_at = $2 WHERE account_id = $1", now)
    await audit.write(tx, "told", "inactive_contacts", count=told)
    account = await tx.rows("SELECT name, inactive_choice FROM accounts WHERE id = $1")
    name, choice = account[0]
    for owner in await _owners(tx):
        await outbox.write(
            tx,
            "contacts_inactive",
            owner.email,
            language=owner.language,
            details={
                "account": name,
                "count": told,
                "choice": choice,
                "due_on": due_at.date().isoformat(),
                "link": f"{public_url}/app/{tx.account_id}/privacy/inactive",
            },
        )
    return told


async def _owners(tx: AccountTx) -> list[_Owner]:
    return await tx.many(
        _Owner,
        """
        SELECT u.email, u.language
        FROM memberships m
        JOIN users u ON u.id = m.user_id
        WHERE m.account_id = $1 AND m.role = 'owner'
        """,
    )


# ---------------------------------------------------------------- carrying out


async def carry_out(tx: AccountTx, now: datetime, links: Links) -> int:
    """The next 500 that are due. Returns how many were looked at: fewer than 500 at the end."""
    await _forgive(tx, now)
    due = await tx.many(
        _Due,
        """
        SELECT c.id, c.email, c.address_hash, c.language, i.asked_at IS NOT NULL AS asked,
               EXISTS (SELECT FROM subscriptions s
                       WHERE s.account_id = $1 AND s.contact_id = c.id AND s.status = 'active'
                         AND NOT EXISTS (SELECT FROM suppressions u
                                         WHERE u.account_id = $1 AND u.address_hash = c.address_hash
                                           AND stops(u, s.list_id))) AS reachable
        FROM inactive_contacts i
        JOIN contacts c ON c.account_id = $1 AND c.id = i.contact_id
        WHERE i.account_id = $1 AND i.due_at <= $2 AND c.restricted_at IS NULL AND NOT held(c.id, $2)
          AND (c.last_act_at IS NULL OR c.last_act_at <= i.idle_since)
        ORDER BY i.due_at, i.contact_id
        LIMIT $3
        FOR UPDATE OF i, c
        """,
        now,
        STEP,
    )
    choice = await tx.value("SELECT inactive_choice FROM accounts WHERE id = $1")
    # who receives nothing cannot be asked: there is no mail that they agreed to
    asked = [one for one in due if choice == "ask" and not one.asked and one.reachable]
    await _ask(tx, asked, now, links)
    gone = {one.id for one in due} - {one.id for one in asked}
    if gone and (deleted := await contacts.delete(tx, sorted(gone), erasing.Why.RETENTION)):
        await audit.write(tx, "deleted", "inactive_contacts", count=deleted)
    return len(due)


async def _forgive(tx: AccountTx, now: datetime) -> None:
    """Whoever gave a sign since they were found, or may only be kept, is on the list no more."""
    await tx.run(
        """
        DELETE FROM inactive_contacts i
        USING contacts c
        WHERE i.account_id = $1 AND i.due_at <= $2 AND c.account_id = $1 AND c.id = i.contact_id
          AND (c.last_act_at > i.idle_since OR c.restricted_at IS NOT NULL
               OR EXISTS (SELECT FROM subscriptions s
                          WHERE s.account_id = $1 AND s.contact_id = c.id AND s.status = 'active'
                            AND s.legal_basis = 'service'))
        """,
        now,
    )


async def _ask(tx: AccountTx, people: list[_Due], now: datetime, links: Links) -> None:
    """One mail each, once, with a page where a press is the sign."""
    if not people:
        return
    await reading_mail.ask(tx, "still_there", people, until=now + ANSWER, links=links)
    await tx.run(
        """
        UPDATE inactive_contacts SET asked_at = $3, due_at = $4
        WHERE account_id = $1 AND contact_id = ANY ($2::bigint[])
        """,
        [one.id for one in people],
        now,
        now + ANSWER,
    )
    await audit.write(tx, "asked", "inactive_contacts", count=len(people))


# ---------------------------------------------------------------- the page


async def state(tx: AccountTx) -> State:
    return await tx.one(
        State,
        """
        SELECT a.inactive_choice AS choice, count(i.contact_id) AS found, count(i.asked_at) AS asked,
               min(i.due_at) AS next_due
        FROM accounts a
        LEFT JOIN inactive_contacts i ON i.account_id = $1
        WHERE a.id = $1
        GROUP BY a.inactive_choice
        """,
    )


async def choose(tx: AccountTx, choice: str) -> None:
    """Ask or delete, from now on, also for those who wait."""
    await tx.run("UPDATE accounts SET inactive_choice = $2 WHERE id = $1", choice)
    await audit.write(tx, "changed", "inactive_contacts")


async def many(tx: AccountTx, *, cursor: str | None = None, limit: int = 50) -> Page[Inactive]:
    """By contact, the oldest first."""
    after = decode(cursor, (int,))
    rows = await tx.many(
        Inactive,
        """
        SELECT i.contact_id, c.email, i.idle_since, i.due_at, i.asked_at
        FROM inactive_contacts i
        JOIN contacts c ON c.account_id = $1 AND c.id = i.contact_id
        WHERE i.account_id = $1 AND i.contact_id > $2
        ORDER BY i.contact_id
        LIMIT $3
        """,
        after[0] if after else 0,
        limit + 1,
    )
    return page(rows, limit, key=lambda row: (row.contact_id,))
