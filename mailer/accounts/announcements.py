"""What every owner is told by mail: a new version of a policy, a new sub-processor (A-039, A-047).

One row an announcement; a job writes the mails in groups and moves `told_up_to` in the same transaction, so
that each owner gets one mail, whatever is killed meanwhile. What the mail says is read when it is written.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from mailer.core import outbox, work
from mailer.core.db import SharedTx
from mailer.core.errors import NotFound
from mailer.core.outbox import Kind as MailKind

JOB = "accounts.tell_owners"
GROUP = 500


@dataclass(frozen=True, slots=True)
class Days:
    """`shown_until`: the banner's last day is the one before."""

    effective_on: date
    shown_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """`name` is a version's or a sub-processor's, `policy` the kind of the text, "" for none."""

    id: int
    kind: str
    ref_id: int
    effective_on: date
    policy: str
    name: str
    urgent_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    id: int
    kind: str
    ref_id: int
    announced_at: datetime
    told_up_to: int
    told: int
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    id: int
    email: str
    first_name: str
    language: str


async def announce(
    tx: SharedTx, kind: Literal["policy", "sub_processor"], ref_id: int, now: datetime, days: Days
) -> int:
    """In the transaction of what is announced."""
    announcement_id: int = await tx.value(
        """
        INSERT INTO announcements (kind, ref_id, announced_at, effective_on, shown_until)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id
        """,
        kind,
        ref_id,
        now,
        days.effective_on,
        days.shown_until,
    )
    await work.add(tx, JOB, announcement_id)
    return announcement_id


async def find(tx: SharedTx, announcement_id: int) -> Announcement | None:
    """Locked until the transaction ends."""
    return await tx.first(
        Announcement,
        """
        SELECT id, kind, ref_id, announced_at, told_up_to, told, finished_at
        FROM announcements
        WHERE id = $1
        FOR UPDATE
        """,
        announcement_id,
    )


async def of(tx: SharedTx, kind: str, ref_id: int) -> Announcement | None:
    return await tx.first(
        Announcement,
        """
        SELECT id, kind, ref_id, announced_at, told_up_to, told, finished_at
        FROM announcements
        WHERE kind = $1 AND ref_id = $2
        """,
        kind,
        ref_id,
    )


async def owners(tx: SharedTx, after: int, limit: int = GROUP) -> list[Owner]:
    """Owners of accounts that are not closed, each once."""
    return await tx.many(
        Owner,
        """
        SELECT u.id, u.email, u.first_name, u.language
        FROM users u
        WHERE u.id > $1 AND NOT u.disabled
          AND EXISTS (SELECT FROM memberships m
                      JOIN accounts a ON a.id = m.account_id
                      WHERE m.user_id = u.id AND m.role = 'owner' AND a.status <> 'closed')
        ORDER BY u.id
        LIMIT $2
        """,
        after,
        limit,
    )


async def tell(
    tx: SharedTx, found: Announcement, mail: MailKind, details: dict[str, object], now: datetime
) -> bool:
    """One group of mails; True when there are more. `details` are those that hold for everybody."""
    group = await owners(tx, found.told_up_to)
    for owner in group:
        more = {"name": owner.first_name}
        await outbox.write(tx, mail, owner.email, language=owner.language, details={**details, **more})
    finished = len(group) < GROUP
    await tx.run(
        """
        UPDATE announcements
        SET told_up_to = $2, told = told + $3, finished_at = CASE WHEN $4 THEN $5::timestamptz END
        WHERE id = $1
        """,
        found.id,
        group[-1].id if group else found.told_up_to,
        len(group),
        finished,
        now,
    )
    return not finished


async def unread(tx: SharedTx, user_id: int, today: date) -> list[Unread]:
    """What the person has not said to have seen, while its banner is shown."""
    return await tx.many(
        Unread,
        """
        SELECT a.id, a.kind, a.ref_id, a.effective_on, coalesce(p.kind, '') AS policy,
               coalesce(p.version, s.name) AS name, coalesce(p.urgent_reason, '') AS urgent_reason
        FROM announcements a
        LEFT JOIN policy_versions p ON a.kind = 'policy' AND p.id = a.ref_id
        LEFT JOIN sub_processors s ON a.kind = 'sub_processor' AND s.id = a.ref_id
        WHERE a.shown_until > $2
          AND NOT EXISTS (SELECT FROM announcement_readings r
                          WHERE r.user_id = $1 AND r.announcement_id = a.id)
        ORDER BY a.effective_on, a.id
        """,
        user_id,
        today,
    )


async def note_read(tx: SharedTx, user_id: int, announcement_id: int, now: datetime) -> None:
    """Logged once, with its time (A-039). Raises NotFound."""
    if not await tx.value("SELECT EXISTS (SELECT FROM announcements WHERE id = $1)", announcement_id):
        raise NotFound
    await tx.run(
        """
        INSERT INTO announcement_readings (user_id, announcement_id, at) VALUES ($1, $2, $3)
        ON CONFLICT (user_id, announcement_id) DO NOTHING
        """,
        user_id,
        announcement_id,
        now,
    )


async def withdraw(tx: SharedTx, kind: str, ref_id: int, today: date) -> None:
    """No banner from now on."""
    await tx.run(
        "UPDATE announcements SET shown_until = $3 WHERE kind = $1 AND ref_id = $2", kind, ref_id, today
    )
