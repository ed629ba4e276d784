"""Checked rows between file and `contacts`: by the thousand, as columns of arrays (view: `import_rows`).

A part is what one transaction judges or merges. At each step a part is whole or not there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from lists.contacts import search_key
from lists.csv_contacts import ContactRow
from lists.imports import Import
from mailer.core import keys
from mailer.core.db import AccountTx, Database
from mailer.core.errors import MailerError

PART = 5_000
ERASED_AT_ONCE = 20  # parts
EXAMPLES = 20


class Superseded(MailerError):
    """The import was cancelled or started anew while this turn ran: it has nothing more to say."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows as columns, as the table has them: made in the thread that read them."""

    last_line: int
    columns: tuple[Sequence[object], ...]


def parts(rows: Sequence[ContactRow], key: bytes) -> list[Part]:
    """`key`: of the account's address hashes."""
    return [_part(rows[begin : begin + PART], key) for begin in range(0, len(rows), PART)]


def _part(rows: Sequence[ContactRow], key: bytes) -> Part:
    lines, emails, address_keys, firsts, lasts, languages, values, _ = zip(*rows, strict=True)
    columns = (
        lines,
        emails,
        address_keys,
        [keys.address_hash(key, address_key) for address_key in address_keys],
        firsts,
        [name and search_key(name) for name in firsts],
        lasts,
        [name and search_key(name) for name in lasts],
        languages,
        [orjson.dumps(found).decode() if found else "{}" for found in values],
    )
    return Part(lines[-1], columns)


async def stage(tx: AccountTx, import_id: int, found: Sequence[Part]) -> None:
    for part in found:
        await tx.run(
            """
            INSERT INTO import_parts (account_id, import_id, last_line, lines, emails, address_keys,
                                      address_hashes, first_names, first_name_keys, last_names,
                                      last_name_keys, languages, fields)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, ($13::text[])::jsonb[])
            """,
            import_id,
            part.last_line,
            *part.columns,
        )


async def next_part(tx: AccountTx, import_id: int, *, after: int) -> int | None:
    """The last line of the part behind line `after`, its name in `import_rows`; None at the end."""
    found: int | None = await tx.value(
        "SELECT min(last_line) FROM import_parts WHERE account_id = $1 AND import_id = $2 AND last_line > $3",
        import_id,
        after,
    )
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """A contact of a part, there before its import. `restricted`: its data may only be kept (C-13)."""

    id: int
    address_hash: bytes
    restricted: bool


async def locked(tx: AccountTx, import_id: int, part: int) -> list[Held]:
    """Those of a part who were there, locked in the order of their numbers."""
    rows = await tx.rows(
        """
        SELECT c.id
        FROM import_rows r
        -- OFFSET 0, as in merge._JUDGE
        CROSS JOIN LATERAL (
            SELECT id, import_id FROM contacts k
            WHERE k.account_id = $1 AND k.address_key = r.address_key
            OFFSET 0
        ) AS c
        WHERE r.account_id = $1 AND r.import_id = $2 AND r.part = $3
          AND c.import_id IS DISTINCT FROM r.import_id
        """,
        import_id,
        part,
    )
    return await tx.many(
        Held,
        """
        SELECT id, address_hash, restricted_at IS NOT NULL AS restricted
        FROM contacts
        WHERE account_id = $1 AND id = ANY ($2::bigint[])
        ORDER BY id
        FOR NO KEY UPDATE
        """,
        [contact_id for (contact_id,) in rows],
    )


async def set_doubles_aside(tx: AccountTx, job: Import) -> None:
    """Of each address the first row stays. Sorted once at the end: an index on each row costs three times as
    much. Raises Superseded.
    """
    # 5,000,000 hashes of 16 bytes are sorted on disk otherwise
    await tx.run_plain("SET LOCAL work_mem = '64MB'")
    [(count, lines)] = await tx.rows(
        """
        WITH repeated AS (
            SELECT last_line, line
            FROM (
                SELECT p.last_line, r.line, row_number() OVER (PARTITION BY r.hash ORDER BY r.line) AS n
                FROM import_parts p
                CROSS JOIN unnest(p.lines, p.address_hashes) AS r (line, hash)
                WHERE p.account_id = $1 AND p.import_id = $2
            ) AS numbered
            WHERE n > 1
        ), marked AS (
            UPDATE import_parts p
            SET doubles = m.lines
            FROM (SELECT last_line, array_agg(line) AS lines FROM repeated GROUP BY last_line) AS m
            WHERE p.account_id = $1 AND p.import_id = $2 AND p.last_line = m.last_line
        )
        SELECT count(*), (array_agg(line ORDER BY line))[1:$3] FROM repeated
        """,
        job.id,
        EXAMPLES,
    )
    counts, examples = job.counts | {"doubles": count}, job.examples | {"doubles": lines or []}
    ours = await tx.run(
        """
        UPDATE imports
        SET counts = $4, examples = $5
        WHERE account_id = $1 AND id = $2 AND state = 'checking' AND attempt = $3 AND merged_to_line = 0
        """,
        job.id,
        job.attempt,
        counts,
        examples,
    )
    if not ours:
        raise Superseded
    job.counts.update(counts)
    job.examples.update(examples)


async def clear(db: Database, account_id: int, job: Import) -> None:
    """Before a check reads. Raises Superseded when another turn of it has staged rows."""
    more = True
    while more:
        async with db.account(account_id) as tx:
            await need_unread(tx, job)
            more = await _clear_part(tx, job.id)
    async with db.account(account_id) as tx:
        await need_unread(tx, job)
        await tx.run("DELETE FROM import_rejects WHERE account_id = $1 AND import_id = $2", job.id)


async def unstage(db: Database, account_id: int, import_id: int) -> None:
    """Deletes staged rows and rejects, some parts a transaction."""
    more = True
    while more:
        async with db.account(account_id) as tx:
            more = await _clear_part(tx, import_id)
    async with db.account(account_id) as tx:
        await tx.run("DELETE FROM import_rejects WHERE account_id = $1 AND import_id = $2", import_id)


async def need_unread(tx: AccountTx, job: Import) -> None:
    found = await tx.value(
        """
        SELECT id FROM imports
        WHERE account_id = $1 AND id = $2 AND state = 'checking' AND attempt = $3 AND rows_read = 0
        FOR UPDATE
        """,
        job.id,
        job.attempt,
    )
    if found is None:
        raise Superseded


async def _clear_part(tx: AccountTx, import_id: int) -> bool:
    """False when there was nothing left."""
    deleted = await tx.run(
        """
        DELETE FROM import_parts
        WHERE account_id = $1 AND import_id = $2 AND last_line IN (
            SELECT last_line FROM import_parts
            WHERE account_id = $1 AND import_id = $2
            ORDER BY last_line
            LIMIT $3
        )
        """,
        import_id,
        ERASED_AT_ONCE,
    )
    return deleted > 0
