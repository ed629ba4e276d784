"""Rows of a file that say no: they stop their address, and are then out of the import's hands (B-28).

Somebody who left there leaves the lists of the import; who was blocked, complained or bounced is stopped
everywhere. Nobody becomes a contact by saying no, and what stands here already is only made stricter.
"""

from collections.abc import Sequence

from lists.csv_contacts import ContactRow
from lists.imports import Import
from mailer.core.db import AccountTx


async def strengthen(tx: AccountTx, import_id: int, doubles: Sequence[ContactRow]) -> None:
    """A no further down in the file counts for its address, whatever the first row says."""
    said = [row for row in doubles if row.opt_out]
    if said:
        await tx.run(
            """
            UPDATE import_rows r
            SET opt_out = d.opt_out
            FROM unnest($3::text[], $4::text[]) AS d (address_key, opt_out)
            WHERE r.account_id = $1 AND r.import_id = $2 AND r.address_key = d.address_key AND r.opt_out = ''
            """,
            import_id,
            [row.key for row in said],
            [row.opt_out for row in said],
        )


async def apply(tx: AccountTx, job: Import, *, after: int, to: int, wording: str) -> None:
    """The part's rows that say no; afterwards they are staged no more, so that nothing else meets them.

    `wording`: the statement, for the ledger.
    """
    choices = job.choices
    lists = choices.list_ids
    if not await tx.value(
        """
        SELECT EXISTS (
            SELECT FROM import_rows
            WHERE account_id = $1 AND import_id = $2 AND line > $3 AND line <= $4 AND opt_out <> ''
        )
        """,
        job.id,
        after,
        to,
    ):
        return
    await _stop(tx, job.id, lists, after=after, to=to)
    await tx.run(
        """
        WITH said AS (
            SELECT c.id AS contact_id, c.address_hash, r.opt_out
            FROM import_rows r
            JOIN contacts c ON c.account_id = r.account_id AND c.address_key = r.address_key
            WHERE r.account_id = $1 AND r.import_id = $2 AND r.line > $3 AND r.line <= $4 AND r.opt_out <> ''
            ORDER BY c.id
            FOR NO KEY UPDATE OF c
        ), left_ AS (
            UPDATE subscriptions u
            SET status = 'unsubscribed', status_at = now()
            FROM said
            WHERE u.account_id = $1 AND u.contact_id = said.contact_id AND u.status <> 'unsubscribed'
              AND (said.opt_out <> 'unsubscribed' OR $5::bigint[] = '{}' OR u.list_id = ANY ($5))
            RETURNING u.contact_id, u.list_id, said.address_hash, said.opt_out
        )
        INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method, wording,
                              source, source_id)
        SELECT $1, contact_id, address_hash, 'mail', list_id, 'withdrawn', 'import', $6, $7, $2
        FROM left_
        WHERE opt_out <> 'bounced'
        """,
        job.id,
        after,
        to,
        lists,
        wording,
        choices.source,
    )
    await tx.run(
        """
        DELETE FROM import_rows
        WHERE account_id = $1 AND import_id = $2 AND line > $3 AND line <= $4 AND opt_out <> ''
        """,
        job.id,
        after,
        to,
    )


async def _stop(tx: AccountTx, import_id: int, lists: Sequence[int], *, after: int, to: int) -> None:
    await tx.run(
        """
        -- as in suppressions.add: a refusal by the person replaces a bounce or what a team added
        INSERT INTO suppressions (account_id, address_hash, list_id, reason)
        SELECT $1, r.address_hash, l.list_id,
               CASE WHEN r.opt_out = 'blocked' THEN 'unsubscribed' ELSE r.opt_out END
        FROM import_rows r
        CROSS JOIN LATERAL unnest(
            CASE WHEN r.opt_out = 'unsubscribed' AND $5::bigint[] <> '{}' THEN $5 ELSE ARRAY[NULL::bigint] END
        ) AS l (list_id)
        WHERE r.account_id = $1 AND r.import_id = $2 AND r.line > $3 AND r.line <= $4 AND r.opt_out <> ''
        ORDER BY r.address_hash, l.list_id
        ON CONFLICT ON CONSTRAINT suppressions_scope DO UPDATE
        SET reason = CASE WHEN suppressions.expires_at <= now() OR excluded.reason <> 'bounced'
                          THEN excluded.reason ELSE suppressions.reason END,
            since = CASE WHEN suppressions.expires_at <= now() OR excluded.reason <> 'bounced'
                         THEN now() ELSE suppressions.since END,
            campaign_id = NULL, expires_at = NULL, returned_to = '{}'
        WHERE suppressions.expires_at <= now() OR suppressions.returned_to <> '{}'
           OR (suppressions.reason IN ('bounced', 'added') AND excluded.reason <> 'bounced')
        """,
        import_id,
        after,
        to,
        list(lists),
    )
