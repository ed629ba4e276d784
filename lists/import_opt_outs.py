"""Rows of a file that say no: set apart while the file is read, taken over before anybody is imported (B-28).

Somebody who left there leaves the lists of the import; who was blocked, complained or bounced is stopped
everywhere. Nobody becomes a contact by saying no, and what stands here already is only made stricter. A no
anywhere in the file counts for its address, whatever another row says: that row meets the refusal.
"""

from collections.abc import Sequence

from lists import import_stage, merge, wordings
from lists.csv_contacts import ContactRow
from lists.imports import Import
from mailer.core import keys
from mailer.core.db import AccountTx, Database

PART = 5_000  # rows taken over in one transaction
ERASED_AT_ONCE = 50_000


Columns = tuple[list[int], list[bytes], list[str]]
"""Lines, hashes of addresses, what was said."""


def columns(rows: Sequence[ContactRow], key: bytes) -> Columns:
    """Rows as the table has them: made in the thread that read them."""
    return (
        [row.line for row in rows],
        [keys.address_hash(key, row.key) for row in rows],
        [str(row.opt_out) for row in rows],
    )


async def stage(tx: AccountTx, import_id: int, found: Columns) -> None:
    if found[0]:
        await tx.run(
            """
            INSERT INTO import_opt_outs (account_id, import_id, line, address_hash, opt_out)
            SELECT $1, $2, line, address_hash, opt_out
            FROM unnest($3::bigint[], $4::bytea[], $5::text[]) AS r (line, address_hash, opt_out)
            """,
            import_id,
            *found,
        )


async def unstage(db: Database, account_id: int, import_id: int, *, before: Import | None = None) -> None:
    """Deletes them, a part a transaction.

    `before`: a check that is about to read. Raises import_stage.Superseded when another turn of it has begun.
    """
    more = True
    while more:
        async with db.account(account_id) as tx:
            if before is not None:
                await import_stage.need_unread(tx, before)
            more = await _unstage_part(tx, import_id)


async def _unstage_part(tx: AccountTx, import_id: int) -> bool:
    deleted = await tx.run(
        """
        DELETE FROM import_opt_outs
        WHERE account_id = $1 AND import_id = $2 AND line IN (
            SELECT line FROM import_opt_outs
            WHERE account_id = $1 AND import_id = $2
            LIMIT $3
        )
        """,
        import_id,
        ERASED_AT_ONCE,
    )
    return deleted == ERASED_AT_ONCE


async def take_over(db: Database, account_id: int, job: Import) -> None:
    """All of a running import, a part a transaction. A turn that begins again repeats without effect.

    Raises import_stage.Superseded.
    """
    after: int | None = -1
    while after is not None:
        async with db.account(account_id) as tx:
            await merge.lock(tx)
            running = await tx.value(
                """
                SELECT id FROM imports
                WHERE account_id = $1 AND id = $2 AND state = 'running' AND attempt = $3
                FOR SHARE
                """,
                job.id,
                job.attempt,
            )
            if running is None:
                raise import_stage.Superseded
            to = await _last_line(tx, job.id, after=after)
            if to is not None:
                said = await _said(tx, job.id, after=after, to=to)
                await _stop(tx, job, said)
                await _leave(tx, job, said)
            after = to


async def _last_line(tx: AccountTx, import_id: int, *, after: int) -> int | None:
    found: int | None = await tx.value(
        """
        SELECT max(line)
        FROM (
            SELECT line FROM import_opt_outs
            WHERE account_id = $1 AND import_id = $2 AND line > $3
            ORDER BY line
            LIMIT $4
        ) AS part
        """,
        import_id,
        after,
        PART,
    )
    return found


async def _said(tx: AccountTx, import_id: int, *, after: int, to: int) -> tuple[list[bytes], list[str]]:
    """Hashes of addresses, what was said. A no of one address is of all that were merged with it; a bounce is
    that mailbox's own.
    """
    rows = await tx.rows(
        """
        WITH said AS (
            SELECT address_hash, opt_out FROM import_opt_outs
            WHERE account_id = $1 AND import_id = $2 AND line > $3 AND line <= $4
        ), merged AS (
            SELECT s.opt_out, m.kept_id
            FROM said s
            JOIN contact_merges m ON m.account_id = $1 AND m.merged_hash = s.address_hash
            WHERE s.opt_out <> 'bounced'
            UNION
            SELECT s.opt_out, c.id
            FROM said s
            JOIN contacts c ON c.account_id = $1 AND c.address_hash = s.address_hash
            WHERE s.opt_out <> 'bounced' AND EXISTS (
                SELECT FROM contact_merges m WHERE m.account_id = $1 AND m.kept_id = c.id
            )
        )
        SELECT address_hash, opt_out FROM said
        UNION
        SELECT m.merged_hash, p.opt_out
        FROM merged p
        JOIN contact_merges m ON m.account_id = $1 AND m.kept_id = p.kept_id
        UNION
        SELECT c.address_hash, p.opt_out
        FROM merged p
        JOIN contacts c ON c.account_id = $1 AND c.id = p.kept_id
        """,
        import_id,
        after,
        to,
    )
    return [found for found, _ in rows], [word for _, word in rows]


async def _stop(tx: AccountTx, job: Import, said: tuple[list[bytes], list[str]]) -> None:
    await tx.run(
        """
        -- as in suppressions.add: a refusal by the person replaces a bounce or what a team added
        INSERT INTO suppressions (account_id, address_hash, list_id, reason)
        SELECT DISTINCT ON (o.address_hash, l.list_id) $1::bigint, o.address_hash, l.list_id,
               CASE WHEN o.opt_out = 'blocked' THEN 'unsubscribed' ELSE o.opt_out END
        FROM unnest($2::bytea[], $3::text[]) AS o (address_hash, opt_out)
        CROSS JOIN LATERAL unnest(
            CASE WHEN o.opt_out = 'unsubscribed' AND $4::bigint[] <> '{}' THEN $4
                 ELSE ARRAY[NULL::bigint] END
        ) AS l (list_id)
        ORDER BY o.address_hash, l.list_id, o.opt_out = 'bounced', o.opt_out
        ON CONFLICT ON CONSTRAINT suppressions_scope DO UPDATE
        SET reason = CASE WHEN suppressions.expires_at <= now() OR excluded.reason <> 'bounced'
                          THEN excluded.reason ELSE suppressions.reason END,
            since = CASE WHEN suppressions.expires_at <= now() OR excluded.reason <> 'bounced'
                         THEN now() ELSE suppressions.since END,
            campaign_id = NULL, expires_at = NULL, returned_to = '{}'
        WHERE suppressions.expires_at <= now() OR suppressions.returned_to <> '{}'
           OR (suppressions.reason IN ('bounced', 'added') AND excluded.reason <> 'bounced')
        """,
        *said,
        job.choices.list_ids,
    )


async def _leave(tx: AccountTx, job: Import, said: tuple[list[bytes], list[str]]) -> None:
    """Subscriptions end, with the proof of why; a bounce is nobody's act."""
    choices = job.choices
    await tx.run(
        """
        WITH held AS (
            SELECT c.id AS contact_id, c.address_hash, o.opt_out
            FROM unnest($2::bytea[], $3::text[]) AS o (address_hash, opt_out)
            JOIN contacts c ON c.account_id = $1 AND c.address_hash = o.address_hash
            ORDER BY c.id
            FOR NO KEY UPDATE OF c
        ), left_ AS (
            UPDATE subscriptions u
            SET status = 'unsubscribed', status_at = now()
            FROM held
            WHERE u.account_id = $1 AND u.contact_id = held.contact_id AND u.status <> 'unsubscribed'
              AND (held.opt_out <> 'unsubscribed' OR $4::bigint[] = '{}' OR u.list_id = ANY ($4))
            RETURNING u.contact_id, u.list_id, held.address_hash, held.opt_out
        )
        INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method,
                              wording_id, source, source_id)
        SELECT $1, contact_id, address_hash, 'mail', list_id, 'withdrawn', 'import', $5, $6, $7
        FROM left_
        WHERE opt_out <> 'bounced'
        """,
        *said,
        choices.list_ids,
        await wordings.keep(tx, "import", merge.statement(choices)),
        choices.source,
        job.id,
    )
