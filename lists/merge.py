"""Staged rows → contacts, subscriptions and proofs of consent, in parts by line.

A staged row has one fate, the first that fits: set_aside (update only, and nobody has this address), refused
(an opt-out that stays, or that the file itself tells), created, updated, unchanged. With the errors, doubles
and refusals of the file (`import_opt_outs`), which are not staged here, they add up to the rows of the file.
The check judges with the same statement as the import.

A no stays a no (B-28, A-022): a subscription that is there is never touched, and a new one of somebody who is
suppressed is written as unsubscribed. Whose data may only be kept is refused whole (C-13).
"""

from dataclasses import dataclass

from lists import import_changes, import_leave, import_stage, import_tags, wordings
from lists.import_fates import Judged
from lists.import_stage import Held, Superseded
from lists.imports import LEAVING, Choices, Import
from mailer.core import work
from mailer.core.db import AccountTx

_JUDGE = """
    -- one CASE, so that every row has one fate and the numbers add up
    SELECT fate, count(*), (array_agg(line ORDER BY line))[1:20], count(contact_id)
    FROM (
        SELECT r.line, c.id AS contact_id, CASE
            WHEN c.id IS NULL AND $4::text = 'update' THEN 'set_aside'
            WHEN EXISTS (
                SELECT 1 FROM suppressions s
                WHERE s.account_id = $1 AND s.address_hash = r.address_hash
                  AND (s.list_id = ANY ($5::bigint[])
                       OR (s.list_id IS NULL AND ($5 = '{}' OR $7::boolean OR NOT $5 <@ s.returned_to)))
                  AND (s.expires_at IS NULL OR s.expires_at > now())
            ) OR c.restricted_at IS NOT NULL OR EXISTS (
                SELECT 1 FROM subscriptions u
                WHERE u.account_id = $1 AND u.contact_id = c.id AND u.list_id = ANY ($5)
                  AND u.status = 'unsubscribed'
            ) OR EXISTS (
                SELECT 1 FROM import_opt_outs o
                WHERE o.account_id = $1 AND o.import_id = $2 AND o.address_hash = r.address_hash
            ) THEN 'refused'
            WHEN c.id IS NULL THEN 'created'
            WHEN $4 <> 'add' AND (
                c.first_name <> coalesce(
                    r.first_name, CASE WHEN 'first_name' = ANY ($6::text[]) THEN '' ELSE c.first_name END)
                OR c.last_name <> coalesce(
                    r.last_name, CASE WHEN 'last_name' = ANY ($6) THEN '' ELSE c.last_name END)
                OR c.language <> coalesce(
                    r.language, CASE WHEN 'language' = ANY ($6) THEN '' ELSE c.language END)
                OR (c.fields - $6) || r.fields <> c.fields
            ) THEN 'updated'
            WHEN $7 OR EXISTS (
                SELECT 1 FROM unnest($5) AS l (list_id)
                WHERE NOT EXISTS (
                    SELECT 1 FROM subscriptions u
                    WHERE u.account_id = $1 AND u.list_id = l.list_id AND u.contact_id = c.id
                )
            ) THEN 'updated'
            ELSE 'unchanged'
        END AS fate
        FROM import_rows r
        -- OFFSET 0: looked up row by row, always. Where an account is thought to be small, its contacts
        -- would come first, and the whole part be read again for each (measured: 120 s for 12,000 rows)
        LEFT JOIN LATERAL (
            SELECT * FROM contacts k
            WHERE k.account_id = $1 AND k.address_key = r.address_key
            OFFSET 0
        ) AS c ON true
        WHERE r.account_id = $1 AND r.import_id = $2 AND r.part = $3
    ) AS judged
    GROUP BY fate
    """


async def judge(tx: AccountTx, job: Import, part: int) -> Judged:
    """The fate of the rows of a part, as things stand now; changes nothing."""
    choices = job.choices
    if choices.mode in LEAVING:
        return await import_leave.judge(tx, job, part)
    rows = await tx.rows(
        _JUDGE,
        job.id,
        part,
        choices.mode,
        choices.list_ids,
        job.erased_by_empty,
        bool(choices.new_list),
    )
    known = sum(contacts for *_, contacts in rows)
    return Judged(
        {fate: n for fate, n, *_ in rows},
        {fate: lines for fate, _, lines, _ in rows},
        known=known,
        new=sum(n for _, n, *_ in rows) - known,
    )


async def merge(tx: AccountTx, job: Import, *, after: int) -> int | None:
    """One part of a running import, its counts and its position. The last line of it, or None at the end.

    Raises Superseded when the import is no longer at `after`.
    """
    part = await import_stage.next_part(tx, job.id, after=after)
    if part is None:
        return None
    await lock(tx)
    await plan_each(tx)
    judged = await judge(tx, job, part)
    ours = await tx.run(
        """
        UPDATE imports
        SET merged_to_line = $5, counts = $6
        WHERE account_id = $1 AND id = $2 AND state = 'running' AND attempt = $3 AND merged_to_line = $4
        """,
        job.id,
        job.attempt,
        after,
        part,
        judged.counts_with(job.counts),
    )
    if not ours:
        raise Superseded
    await _write(tx, job, part, judged)
    if job.tag_ids:
        await plan_each(tx)
        bearers = await import_tags.bearers(tx, job, part)
        await plan_once(tx)
        await import_tags.put(tx, job, bearers)
    await plan_once(tx)  # for the keys that are checked at the end
    job.counts.update(judged.counts_with(job.counts))
    return part


async def _write(tx: AccountTx, job: Import, part: int, judged: Judged) -> None:
    choices = job.choices
    if choices.mode in LEAVING:
        await import_leave.write(tx, job, part)
        return
    created = 0
    if judged.new and choices.mode != "update":
        refusals = await _refusals(tx, job, part)
        await plan_once(tx)
        created = await _create(tx, job.id, part, choices, refusals)
        await plan_each(tx)
    # fewer than were judged: somebody else made one this moment
    if not judged.known and created == judged.new:
        return
    changed: set[int] = set()
    # an unsubscription of this moment is seen by the next statement
    held = [one for one in await import_stage.locked(tx, job.id, part) if not one.restricted]
    if choices.mode != "add":
        await tx.run_plain("SET LOCAL enable_nestloop = off")
        changed.update(await _update(tx, job, part, [one.id for one in held]))
        await tx.run_plain("SET LOCAL enable_nestloop = on")
    if choices.list_ids:
        refusals = await _refusals(tx, job, part)
        await plan_once(tx)
        changed.update(await _subscribe(tx, job.id, choices, held, refusals))
    await import_changes.remember(tx, job.id, part, changed)


async def plan_each(tx: AccountTx) -> None:
    """From here on each statement is planned for what is there now: a plan made while `contacts` was empty
    reads it whole for each row when it has filled (measured: 100,000 new rows took 104 s).
    """
    await tx.plan_afresh()
    await tx.run_plain("SET LOCAL enable_nestloop = on")


async def plan_once(tx: AccountTx) -> None:
    """For statements that add rows and look up nothing else."""
    await tx.plan_as_ever()
    # rows of arrays are guessed at ten: loops over thousands of them would be chosen
    await tx.run_plain("SET LOCAL enable_nestloop = off")


async def lock(tx: AccountTx) -> None:
    """Imports of one account write in turn: no two lock the same contacts crosswise."""
    await tx.value("SELECT pg_advisory_xact_lock(hashtextextended('import ' || $1::bigint, 0))")


@dataclass(frozen=True, slots=True)
class Refusals:
    """Addresses of a part that a list must not write to, as two columns."""

    hashes: list[bytes]
    list_ids: list[int]


async def _refusals(tx: AccountTx, job: Import, part: int) -> Refusals:
    rows = await tx.rows(
        """
        SELECT s.address_hash, l.list_id
        FROM import_rows r
        JOIN suppressions s ON s.account_id = r.account_id AND s.address_hash = r.address_hash
        JOIN unnest($4::bigint[]) AS l (list_id) ON stops(s, l.list_id)
        WHERE r.account_id = $1 AND r.import_id = $2 AND r.part = $3
        """,
        job.id,
        part,
        job.choices.list_ids,
    )
    return Refusals([found for found, _ in rows], [list_id for _, list_id in rows])


async def _create(tx: AccountTx, import_id: int, part: int, choices: Choices, refusals: Refusals) -> int:
    """Those who are not there, with subscriptions and their proof (A-020, B-25). Returns how many."""
    created: int = await tx.value(
        """
        -- one statement: what it has just written need not be looked up again
        WITH created AS (
            INSERT INTO contacts (account_id, email, address_key, address_hash, first_name, last_name,
                                  first_name_key, last_name_key, language, fields, source, import_id)
            SELECT r.account_id, r.email, r.address_key, r.address_hash, coalesce(r.first_name, ''),
                   coalesce(r.last_name, ''), coalesce(r.first_name_key, ''), coalesce(r.last_name_key, ''),
                   coalesce(r.language, ''), r.fields, 'import', r.import_id
            FROM import_rows r
            WHERE r.account_id = $1 AND r.import_id = $2 AND r.part = $3
            ORDER BY r.address_key
            ON CONFLICT (account_id, address_key) DO NOTHING
            RETURNING id, address_hash
        ), wanted AS MATERIALIZED (
            SELECT l.list_id, c.id AS contact_id, c.address_hash, (c.address_hash, l.list_id) IN (
                SELECT hash, list_id FROM unnest($8::bytea[], $9::bigint[]) AS refused (hash, list_id)
            ) AS refused
            FROM created c
            CROSS JOIN unnest($4::bigint[]) AS l (list_id)
        ), added AS (
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis, import_id)
            SELECT $1, list_id, contact_id, CASE WHEN refused THEN 'unsubscribed' ELSE 'active' END,
                   CASE WHEN refused THEN '' ELSE $5 END, $2
            FROM wanted
        ), proved AS (
            INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method,
                                  legal_basis, wording_id, source, source_id, basis_date, basis_about)
            SELECT $1, contact_id, address_hash, 'mail', list_id, 'granted', 'import', $5, $6, $7, $2,
                   $10, $11
            FROM wanted
            WHERE NOT refused
        ), remembered AS (
            INSERT INTO import_changes (account_id, import_id, part, contact_ids)
            SELECT $1, $2, $3, array_agg(id) FROM created
            HAVING count(*) > 0
        )
        SELECT count(*) FROM created
        """,
        import_id,
        part,
        choices.list_ids,
        choices.legal_basis,
        await wordings.keep(tx, "import", statement(choices)),
        choices.source,
        refusals.hashes,
        refusals.list_ids,
        choices.date_for(choices.legal_basis),
        choices.about_for(choices.legal_basis),
    )
    return created


async def _update(tx: AccountTx, job: Import, part: int, held: list[int]) -> list[int]:
    """What the file says is taken; what it does not say stays, unless empty cells were said to erase.

    `held`: those who were there and may be changed, locked. Returns whose values changed.
    """
    rows = await tx.rows(
        """
        -- both sides by their ids, then hashed: a loop would read all values again for each contact
        WITH told AS (
            SELECT r.address_key, r.fields, coalesce(r.language, no_language) AS language,
                   coalesce(r.first_name, no_first) AS first_name,
                   coalesce(r.last_name, no_last) AS last_name,
                   coalesce(r.first_name_key, no_first) AS first_name_key,
                   coalesce(r.last_name_key, no_last) AS last_name_key
            FROM import_rows r
            CROSS JOIN (
                SELECT CASE WHEN 'first_name' = ANY ($4::text[]) THEN '' END AS no_first,
                       CASE WHEN 'last_name' = ANY ($4) THEN '' END AS no_last,
                       CASE WHEN 'language' = ANY ($4) THEN '' END AS no_language
            ) AS erased
            WHERE r.account_id = $1 AND r.import_id = $2 AND r.part = $3
        ), before AS MATERIALIZED (
            SELECT c.id, c.first_name, c.last_name, c.first_name_key, c.last_name_key, c.language, c.fields,
                   c.updated_at, coalesce(t.first_name, c.first_name) AS new_first,
                   coalesce(t.last_name, c.last_name) AS new_last,
                   coalesce(t.first_name_key, c.first_name_key) AS new_first_key,
                   coalesce(t.last_name_key, c.last_name_key) AS new_last_key,
                   coalesce(t.language, c.language) AS new_language, (c.fields - $4) || t.fields AS new_fields
            FROM told t
            CROSS JOIN LATERAL (
                SELECT * FROM contacts k WHERE k.account_id = $1 AND k.address_key = t.address_key OFFSET 0
            ) AS c
            WHERE c.id IN (SELECT unnest($5::bigint[]))
              AND (coalesce(t.first_name, c.first_name) <> c.first_name
                   OR coalesce(t.last_name, c.last_name) <> c.last_name
                   OR coalesce(t.language, c.language) <> c.language
                   OR (c.fields - $4) || t.fields <> c.fields)
        ), remembered AS (
            INSERT INTO import_values (account_id, import_id, contact_id, first_name, last_name,
                                       first_name_key, last_name_key, language, fields, updated_at)
            SELECT $1, $2, id, first_name, last_name, first_name_key, last_name_key, language, fields,
                   updated_at
            FROM before
        ), changed AS (
            UPDATE contacts c
            SET first_name = b.new_first, last_name = b.new_last, first_name_key = b.new_first_key,
                last_name_key = b.new_last_key, language = b.new_language, fields = b.new_fields,
                updated_at = now()
            FROM before b
            WHERE c.account_id = $1 AND c.id = ANY ($5) AND c.id = b.id
        )
        SELECT id FROM before
        """,
        job.id,
        part,
        job.erased_by_empty,
        held,
    )
    return [contact_id for (contact_id,) in rows]


async def _subscribe(
    tx: AccountTx, import_id: int, choices: Choices, held: list[Held], refusals: Refusals
) -> list[int]:
    """Of those who were there, as `_create` of the others. A subscription that is there stays as it is.

    Returns who is on a list now that was not before.
    """
    rows = await tx.rows(
        """
        WITH wanted AS MATERIALIZED (
            SELECT l.list_id, c.contact_id, c.address_hash, (c.address_hash, l.list_id) IN (
                SELECT hash, list_id FROM unnest($8::bytea[], $9::bigint[]) AS refused (hash, list_id)
            ) AS refused
            FROM unnest($2::bigint[], $3::bytea[]) AS c (contact_id, address_hash)
            CROSS JOIN unnest($4::bigint[]) AS l (list_id)
        ), added AS (
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis, import_id)
            SELECT $1, list_id, contact_id, CASE WHEN refused THEN 'unsubscribed' ELSE 'active' END,
                   CASE WHEN refused THEN '' ELSE $5 END, $10
            FROM wanted
            ORDER BY contact_id, list_id
            ON CONFLICT (account_id, list_id, contact_id) DO NOTHING
            RETURNING list_id, contact_id, status
        ), proved AS (
            INSERT INTO consents (account_id, contact_id, address_hash, purpose, list_id, act, method,
                                  legal_basis, wording_id, source, source_id, basis_date, basis_about)
            SELECT $1, w.contact_id, w.address_hash, 'mail', w.list_id, 'granted', 'import', $5, $6, $7, $10,
                   $11, $12
            FROM added a
            JOIN wanted w ON w.list_id = a.list_id AND w.contact_id = a.contact_id
            WHERE a.status = 'active'
        )
        SELECT DISTINCT contact_id FROM added
        """,
        [one.id for one in held],
        [one.address_hash for one in held],
        choices.list_ids,
        choices.legal_basis,
        await wordings.keep(tx, "import", statement(choices)),
        choices.source,
        refusals.hashes,
        refusals.list_ids,
        import_id,
        choices.date_for(choices.legal_basis),
        choices.about_for(choices.legal_basis),
    )
    return [contact_id for (contact_id,) in rows]


def statement(choices: Choices) -> str:
    """Who stated what, for the ledger: it outlives the import's own row."""
    days = " – ".join(str(day) for day in (choices.collected_from, choices.collected_to) if day)
    return " · ".join(part for part in (choices.attested_by, days) if part)


async def finish(tx: AccountTx, job: Import) -> bool:
    """Done: the counts stay, what was staged goes. False when somebody else has finished it."""
    ended = await tx.run(
        """
        UPDATE imports
        SET state = 'done', finished_at = now(), sample = '[]', examples = '{}'
        WHERE account_id = $1 AND id = $2 AND state = 'running' AND attempt = $3
        """,
        job.id,
        job.attempt,
    )
    if ended:
        await work.add(tx, "lists.close_import", job.id)
    return bool(ended)
