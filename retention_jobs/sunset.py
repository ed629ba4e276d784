"""People who open nothing any more, where only the day of the last open is kept (B-33, D-83).

    walk, each day ─▶ sunset_contacts ─▶ asked once by mail ─ 30 days ─▶ taken off the lists they asked for
                        └ any open, click, answer or choice: off the list

The one use of those days: to stop writing to addresses that nobody reads. Nobody is deleted for it, nobody's
refusal is made up, and whoever was sent fewer than three mails with the image is not judged. An open never
prolongs the three years of `inactive`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lists import subscriptions
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.links import Links
from retention_jobs import eraser, reading_mail

WALKED = 10_000
STEP = 500
ANSWER = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    id: int
    email: str
    address_hash: bytes
    language: str


async def turn(tx: AccountTx, now: datetime, links: Links) -> bool:
    """One step; True when nothing is left for today. In any other mode there is nobody to look for."""
    rows = await tx.rows(
        """
        SELECT sunset_cursor, sunset_next_at
        FROM measurement_settings
        WHERE account_id = $1 AND opens = 'last_day'
        FOR NO KEY UPDATE
        """
    )
    if not rows:
        await tx.run("DELETE FROM sunset_contacts WHERE account_id = $1")
        return True
    cursor, next_at = rows[0]
    if next_at <= now:
        await _walk(tx, cursor, now)
        return False
    return not (await _ask(tx, now, links) or await _end(tx, now))


async def _walk(tx: AccountTx, cursor: int, now: datetime) -> None:
    """The next 10,000 contacts: who is silent enters, who gave a sign leaves."""
    last: int | None = await tx.value(
        """
        SELECT max(id)
        FROM (SELECT id FROM contacts WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3) AS part
        """,
        cursor,
        WALKED,
    )
    if last is not None:
        silent = await eraser.silent_contacts(tx, cursor, last, now)
        ids = [contact_id for contact_id, _ in silent]
        await tx.run(
            """
            DELETE FROM sunset_contacts
            WHERE account_id = $1 AND contact_id > $2 AND contact_id <= $3
              AND contact_id <> ALL ($4::bigint[])
            """,
            cursor,
            last,
            ids,
        )
        await tx.run(
            """
            INSERT INTO sunset_contacts (account_id, contact_id, silent_since)
            SELECT $1, id, since FROM unnest($2::bigint[], $3::timestamptz[]) AS s (id, since)
            ON CONFLICT DO NOTHING
            """,
            ids,
            [since for _, since in silent],
        )
    await tx.run(
        """
        UPDATE measurement_settings
        SET sunset_cursor = $2, sunset_next_at = $3
        WHERE account_id = $1
        """,
        last or 0,
        now if last else now + timedelta(days=1),
    )


async def _ask(tx: AccountTx, now: datetime, links: Links) -> int:
    """One mail each, once, with a page where a press is the sign. Returns how many were asked."""
    people = await tx.many(
        _Person,
        """
        SELECT c.id, c.email, c.address_hash, c.language
        FROM sunset_contacts s
        JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
        WHERE s.account_id = $1 AND s.asked_at IS NULL
        ORDER BY s.contact_id
        LIMIT $2
        FOR UPDATE OF s
        """,
        STEP,
    )
    if not people:
        return 0
    await reading_mail.ask(tx, "still_reading", people, until=now + ANSWER, links=links)
    await tx.run(
        "UPDATE sunset_contacts SET asked_at = $3 WHERE account_id = $1 AND contact_id = ANY ($2::bigint[])",
        [one.id for one in people],
        now,
    )
    await audit.write(tx, "asked", "silent_contacts", count=len(people))
    return len(people)


async def _end(tx: AccountTx, now: datetime) -> int:
    """Whoever gave no sign in 30 days is taken off the lists. Returns how many were looked at."""
    rows = await tx.rows(
        """
        SELECT s.contact_id, c.last_act_at > s.silent_since OR c.restricted_at IS NOT NULL
        FROM sunset_contacts s
        JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
        WHERE s.account_id = $1 AND s.asked_at <= $2
        ORDER BY s.asked_at, s.contact_id
        LIMIT $3
        FOR UPDATE OF s
        """,
        now - ANSWER,
        STEP,
    )
    gone = [contact_id for contact_id, stays in rows if not stays]
    if gone:
        await _take_off(tx, gone)
    await tx.run(
        "DELETE FROM sunset_contacts WHERE account_id = $1 AND contact_id = ANY ($2::bigint[])",
        [contact_id for contact_id, _ in rows],
    )
    return len(rows)


async def _take_off(tx: AccountTx, contact_ids: Sequence[int]) -> None:
    """Off the lists joined by consent: mail of the service goes on, and so do other agreements."""
    lists = await tx.rows(
        """
        SELECT list_id, array_agg(contact_id ORDER BY contact_id)
        FROM subscriptions
        WHERE account_id = $1 AND contact_id = ANY ($2::bigint[]) AND status = 'active'
          AND legal_basis = 'consent'
        GROUP BY list_id
        ORDER BY list_id
        """,
        list(contact_ids),
    )
    for list_id, members in lists:
        await subscriptions.remove(tx, members, list_id)
    await audit.write(tx, "removed", "silent_contacts", count=len(contact_ids))
