"""Imports that take people off: unsubscribing the addresses of a file, or removing its contacts from lists.

Unsubscribing is a refusal in the person's name: it is kept by the hash of the address, also of one that is no
contact, and no import, undo or erasure lifts it. Removing lifts no refusal: who left stays as who left.
"""

from collections.abc import Sequence

from lists import import_changes, import_stage, subscriptions
from lists.consents import Evidence, Method
from lists.import_fates import Judged
from lists.imports import Import, Mode
from mailer.core.db import AccountTx

_UNSUBSCRIBED = """
    -- a scope is a list, or NULL for everything: something changes where no whole refusal of it stands
    SELECT CASE WHEN changes THEN 'unsubscribed' ELSE 'unchanged' END AS fate, count(*),
           (array_agg(line ORDER BY line))[1:20], 0
    FROM (
        SELECT r.line, EXISTS (
            SELECT 1 FROM unnest(CASE WHEN $4::bigint[] = '{}' THEN '{NULL}' ELSE $4 END) AS l (list_id)
            WHERE NOT EXISTS (
                SELECT 1 FROM suppressions s
                WHERE s.account_id = $1 AND s.address_hash = r.address_hash
                  AND (s.list_id = l.list_id OR s.list_id IS NULL) AND s.returned_to = '{}'
                  AND s.reason NOT IN ('bounced', 'added')
                  AND (s.expires_at IS NULL OR s.expires_at > now())
            )
        ) OR EXISTS (
            SELECT 1 FROM contacts c
            JOIN subscriptions u ON u.account_id = c.account_id AND u.contact_id = c.id
            WHERE c.account_id = $1 AND c.address_key = r.address_key AND u.status <> 'unsubscribed'
              AND ($4 = '{}' OR u.list_id = ANY ($4))
        ) AS changes
        FROM import_rows r
        WHERE r.account_id = $1 AND r.import_id = $2 AND r.part = $3
    ) AS judged
    GROUP BY changes
    """

_REMOVED = """
    SELECT fate, count(*), (array_agg(line ORDER BY line))[1:20], 0
    FROM (
        SELECT r.line, CASE
            WHEN c.id IS NULL THEN 'set_aside'
            WHEN EXISTS (
                SELECT 1 FROM subscriptions u
                WHERE u.account_id = $1 AND u.contact_id = c.id AND u.list_id = ANY ($4::bigint[])
                  AND u.status <> 'unsubscribed'
            ) THEN 'removed'
            ELSE 'unchanged'
        END AS fate
        FROM import_rows r
        -- OFFSET 0, as in merge._JUDGE
        LEFT JOIN LATERAL (
            SELECT id FROM contacts k
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
    if choices.mode == Mode.REMOVE:
        rows = await tx.rows(_REMOVED, job.id, part, choices.list_ids)
    else:
        rows = await tx.rows(_UNSUBSCRIBED, job.id, part, choices.list_ids)
    return Judged({fate: n for fate, n, *_ in rows}, {fate: lines for fate, _, lines, _ in rows})


async def write(tx: AccountTx, job: Import, part: int) -> None:
    choices = job.choices
    found = await _locked(tx, job.id, part)
    if choices.mode == Mode.REMOVE:
        contact_ids = [contact_id for contact_id, _ in found if contact_id]
        left = await import_changes.remember_removals(tx, job.id, contact_ids, choices.list_ids)
        for list_id in choices.list_ids:
            await subscriptions.remove(tx, contact_ids, list_id)
        await import_changes.remember(tx, job.id, part, left)
        return
    evidence = Evidence(method=Method.IMPORT, source=choices.source, source_id=job.id)
    scopes: Sequence[int | None] = choices.list_ids or [None]
    for scope in scopes:
        await subscriptions.withdraw(tx, found, scope, evidence=evidence)


async def _locked(tx: AccountTx, import_id: int, part: int) -> list[tuple[int, bytes]]:
    """Contact (0: there is none) and hash of each address, the contacts locked in their order."""
    known = {one.address_hash: one.id for one in await import_stage.locked(tx, import_id, part)}
    hashes = await tx.rows(
        "SELECT address_hash FROM import_rows WHERE account_id = $1 AND import_id = $2 AND part = $3",
        import_id,
        part,
    )
    return [(known.get(found, 0), found) for (found,) in hashes]
