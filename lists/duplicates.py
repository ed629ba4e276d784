"""Contacts that seem to be one person: looked for over the whole account at once, remembered as pairs.

    search ─▶ job "lists.find_duplicates": three statements ─▶ duplicates
              address  the same mailbox but for dots and what stands behind a plus, at providers known for it
              typo     the same name before the @, and a domain that looks mistyped beside the right one
              field    the same first and last name, and the same telephone or customer number, or date

Nothing is merged by itself. *These are two people* is remembered through later searches.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lists import fields
from lists.field_values import FieldType
from mailer.core import clock, paging, work
from mailer.core.addresses import SLIPS
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.paging import Page

JOB = "lists.find_duplicates"
MOST = 10_000  # pairs of one reason: whoever has more cleans the source first
OLD = timedelta(days=1)
# of one group: 20 people of one name at a switchboard's number are no duplicates
MOST_ALIKE = 20

# Google ignores dots (support.google.com/mail/answer/7436150); all of these what stands behind a plus
DOTLESS = ("gmail.com", "googlemail.com")
PLUS = (
    *DOTLESS, "outlook.com", "outlook.fr", "hotmail.com", "hotmail.fr", "live.com", "live.fr", "icloud.com",
    "me.com", "mac.com", "proton.me", "protonmail.com", "pm.me", "fastmail.com", "zoho.com", "yandex.com",
)  # fmt: skip


class Reason(StrEnum):
    ADDRESS = "address"
    TYPO = "typo"
    FIELD = "field"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A pair, the older contact first."""

    contact_id: int
    email: str
    name: str
    other_id: int
    other_email: str
    other_name: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    asked_at: datetime
    finished_at: datetime | None

    @property
    def is_running(self) -> bool:
        return self.finished_at is None


async def last_search(tx: AccountTx) -> Search | None:
    return await tx.first(
        Search, "SELECT asked_at, finished_at FROM duplicate_searches WHERE account_id = $1"
    )


async def search(tx: AccountTx) -> None:
    """Asks for a search; one that is under way goes on."""
    await tx.run(
        """
        INSERT INTO duplicate_searches (account_id) VALUES ($1)
        ON CONFLICT (account_id) DO UPDATE SET asked_at = now(), finished_at = NULL
        WHERE duplicate_searches.finished_at IS NOT NULL
        """
    )
    await work.add(tx, JOB, 0)


async def is_old(tx: AccountTx) -> bool:
    """Was there no search yet, or none for a day?"""
    last = await last_search(tx)
    return last is None or (last.finished_at is not None and last.finished_at < clock.now() - OLD)


async def many(tx: AccountTx, *, cursor: str | None, limit: int = 25) -> Page[Duplicate]:
    """Pairs nobody decided on, the oldest contacts first."""
    after = paging.decode(cursor, (int, int)) or (0, 0)
    rows = await tx.many(
        Duplicate,
        """
        SELECT d.contact_id, a.email, trim(a.first_name || ' ' || a.last_name) AS name,
               d.other_id, b.email AS other_email, trim(b.first_name || ' ' || b.last_name) AS other_name,
               d.reason
        FROM (
            -- cut before it is joined: a page reads 25 pairs, not two million contacts
            SELECT contact_id, other_id, reason FROM duplicates
            WHERE account_id = $1 AND NOT apart AND (contact_id, other_id) > ($2::bigint, $3::bigint)
            ORDER BY contact_id, other_id
            LIMIT $4
        ) AS d
        JOIN contacts a ON a.account_id = $1 AND a.id = d.contact_id
        JOIN contacts b ON b.account_id = $1 AND b.id = d.other_id
        ORDER BY d.contact_id, d.other_id
        """,
        *after,
        limit + 1,
    )
    return paging.page(rows, limit, key=lambda row: (row.contact_id, row.other_id))


async def keep_apart(tx: AccountTx, contact_id: int, other_id: int) -> None:
    """Two people: no search proposes them again. Raises NotFound."""
    both: int = await tx.value(
        "SELECT count(*) FROM contacts WHERE account_id = $1 AND id IN ($2::bigint, $3::bigint)",
        contact_id,
        other_id,
    )
    if both != 2:
        raise NotFound
    await tx.run(
        """
        INSERT INTO duplicates (account_id, contact_id, other_id, reason, apart)
        VALUES ($1, least($2::bigint, $3::bigint), greatest($2, $3), 'address', true)
        ON CONFLICT (account_id, contact_id, other_id) DO UPDATE SET apart = true
        """,
        contact_id,
        other_id,
    )


# ---------------------------------------------------------------- the search itself


async def forget(tx: AccountTx) -> None:
    """What an earlier search found, but not what a person decided."""
    await tx.run("DELETE FROM duplicates WHERE account_id = $1 AND NOT apart")


async def finish(tx: AccountTx) -> None:
    await tx.run("UPDATE duplicate_searches SET finished_at = now() WHERE account_id = $1")


async def find_addresses(tx: AccountTx) -> int:
    """One pass over the addresses; a group's oldest contact is paired with each other."""
    return await tx.run(
        """
        INSERT INTO duplicates (account_id, contact_id, other_id, reason)
        SELECT $1, ids[1], other, 'address'
        FROM (
            SELECT array_agg(id ORDER BY id) AS ids
            FROM (
                SELECT c.id, CASE WHEN p.domain = ANY ($2::text[])
                                  THEN replace(p.local, '.', '') || '@gmail.com'
                                  ELSE p.local || '@' || p.domain END AS mailbox
                FROM contacts c
                CROSS JOIN LATERAL (
                    SELECT split_part(split_part(c.address_key, '@', 1), '+', 1) AS local,
                           split_part(c.address_key, '@', 2) AS domain
                ) AS p
                WHERE c.account_id = $1 AND p.domain = ANY ($3::text[])
            ) AS folded
            GROUP BY mailbox
            HAVING count(*) BETWEEN 2 AND $4
            LIMIT $5
        ) AS alike
        CROSS JOIN LATERAL unnest(ids[2:]) AS other
        ON CONFLICT DO NOTHING
        """,
        list(DOTLESS),
        list(PLUS),
        MOST_ALIKE,
        MOST,
    )


async def find_typos(tx: AccountTx) -> int:
    """The mistyped address beside the right one, unless their names differ."""
    return await tx.run(
        """
        INSERT INTO duplicates (account_id, contact_id, other_id, reason)
        SELECT $1, least(slip.id, meant.id), greatest(slip.id, meant.id), 'typo'
        FROM unnest($2::text[], $3::text[]) AS s (wrong, right_)
        JOIN contacts slip ON slip.account_id = $1 AND split_part(slip.address_key, '@', 2) = s.wrong
        JOIN contacts meant ON meant.account_id = $1
             AND meant.address_key = split_part(slip.address_key, '@', 1) || '@' || s.right_
        WHERE slip.first_name_key IN (meant.first_name_key, '') OR meant.first_name_key = ''
        LIMIT $4
        ON CONFLICT DO NOTHING
        """,
        list(SLIPS),
        list(SLIPS.values()),
        MOST,
    )


async def find_fields(tx: AccountTx) -> int:
    """One name with the same date, or the same number of six digits and more: telephones by the last nine."""
    known = await fields.many(tx)
    numbers = [one.key for one in known if one.type in (FieldType.TEXT, FieldType.NUMBER)]
    dates = [one.key for one in known if one.type == FieldType.DATE]
    return await tx.run(
        """
        INSERT INTO duplicates (account_id, contact_id, other_id, reason)
        SELECT DISTINCT $1::bigint, ids[1], other, 'field'
        FROM (
            SELECT array_agg(id ORDER BY id) AS ids
            FROM (
                SELECT c.id, c.first_name_key, c.last_name_key, f.key, CASE
                    WHEN f.key = ANY ($3::text[]) THEN f.value
                    ELSE right(regexp_replace(f.value, '\\D', '', 'g'), 9)
                END AS value
                FROM contacts c
                CROSS JOIN LATERAL jsonb_each_text(c.fields) AS f
                WHERE c.account_id = $1 AND c.first_name_key <> '' AND c.last_name_key <> ''
                  AND f.key = ANY ($2::text[] || $3)
            ) AS named
            WHERE length(value) >= 6
            GROUP BY first_name_key, last_name_key, key, value
            HAVING count(*) BETWEEN 2 AND $4
            LIMIT $5
        ) AS alike
        CROSS JOIN LATERAL unnest(ids[2:]) AS other
        ON CONFLICT DO NOTHING
        """,
        numbers,
        dates,
        MOST_ALIKE,
        MOST,
    )
