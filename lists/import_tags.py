"""Tags that an import puts on the contacts of its file. Counted nowhere; an undo leaves them on who stays."""

from collections.abc import Sequence

from lists import tags
from lists.contacts import search_key
from lists.imports import LEAVING, Choices, Import
from mailer.core.db import AccountTx
from mailer.core.errors import Fault
from mailer.core.text import N_

NO_TAGS = N_("Tags are put on by the modes that add or update. Leave them empty.")
TOO_MANY = N_("An account has at most {limit} tags. Choose among those you have.")


async def faults(tx: AccountTx, choices: Choices) -> list[Fault]:
    if not choices.tags:
        return []
    if choices.mode in LEAVING:
        return [Fault("tags", NO_TAGS, "no_tags")]
    there = {search_key(tag.name) for tag in await tags.names(tx)}
    if len(there | {search_key(name) for name in choices.tags}) > tags.MAX_TAGS:
        return [Fault("tags", TOO_MANY, "too_many", {"limit": tags.MAX_TAGS})]
    return []


async def make(tx: AccountTx, names: Sequence[str]) -> list[int]:
    """The tags of these names, made where they are not there. Raises Invalid."""
    found = [(await tags.named(tx, name)).id for name in names]
    return list(dict.fromkeys(found))


async def bearers(tx: AccountTx, job: Import, part: int) -> list[int]:
    """Contacts of a part that is merged: created, updated or unchanged. Whoever is refused gets no tag."""
    rows = await tx.rows(
        """
        -- who is refused: as in merge._JUDGE
        SELECT c.id
        FROM import_rows r
        CROSS JOIN LATERAL (
            SELECT id, restricted_at FROM contacts k
            WHERE k.account_id = $1 AND k.address_key = r.address_key
            OFFSET 0
        ) AS c
        WHERE r.account_id = $1 AND r.import_id = $2 AND r.part = $3 AND c.restricted_at IS NULL
          AND NOT EXISTS (
              SELECT FROM suppressions s
              WHERE s.account_id = $1 AND s.address_hash = r.address_hash
                AND (s.list_id = ANY ($4::bigint[])
                     OR (s.list_id IS NULL AND ($4 = '{}' OR NOT $4 <@ s.returned_to)))
                AND (s.expires_at IS NULL OR s.expires_at > now())
          )
          AND NOT EXISTS (
              SELECT FROM subscriptions u
              WHERE u.account_id = $1 AND u.contact_id = c.id AND u.list_id = ANY ($4)
                AND u.status = 'unsubscribed'
          )
          AND NOT EXISTS (
              SELECT FROM import_opt_outs o
              WHERE o.account_id = $1 AND o.import_id = $2 AND o.address_hash = r.address_hash
          )
        """,
        job.id,
        part,
        job.choices.list_ids,
    )
    return [contact_id for (contact_id,) in rows]


async def put(tx: AccountTx, job: Import, contact_ids: Sequence[int]) -> None:
    """A tag that was deleted since is passed over."""
    for tag_id in job.tag_ids:
        await tags.put(tx, contact_ids, tag_id)
