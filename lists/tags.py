"""Tags: words of the team on contacts. Made where one is first put; one tag whatever its writing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from lists.contacts import one_line, search_key
from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound, conflict
from mailer.core.text import N_
from mailer.web.request import Input

MAX_TAGS = 500
COUNT_TO = 10_000  # exact up to here, as in the table of contacts


def _tag_name(text: str) -> str:
    """On one line. Separators of files (U+001C to U+001F) are blanks too: of these alone nothing is left."""
    line = one_line(text)
    if not line:
        raise PydanticCustomError("string_too_short", "no letter")
    return line


MAX_NAME = 60
TagName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME), AfterValidator(_tag_name)]
MaybeTag = Annotated[str, StringConstraints(max_length=MAX_NAME), AfterValidator(one_line)]
"""Of a form: "" when none is named."""
TAKEN = N_("The tag “{name}” is there already.")


class TagInput(Input):
    name: TagName


@dataclass(frozen=True, slots=True)
class Tag:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class CountedTag:
    """`contacts`: exact up to 10,000, then 10,001."""

    id: int
    name: str
    contacts: int


async def many(tx: AccountTx) -> list[CountedTag]:
    """All of the account, by name."""
    return await tx.many(
        CountedTag,
        """
        SELECT t.id, t.name, n.contacts
        FROM tags t
        CROSS JOIN LATERAL (
            SELECT count(*) AS contacts
            FROM (SELECT FROM contact_tags WHERE account_id = $1 AND tag_id = t.id LIMIT $2) AS first
        ) n
        WHERE t.account_id = $1
        ORDER BY t.name_key
        """,
        COUNT_TO + 1,
    )


async def names(tx: AccountTx) -> list[Tag]:
    """By name, without their numbers."""
    return await tx.many(Tag, "SELECT id, name FROM tags WHERE account_id = $1 ORDER BY name_key")


async def show(tx: AccountTx, tag_id: int) -> Tag:
    """Raises NotFound."""
    return await tx.one(Tag, "SELECT id, name FROM tags WHERE account_id = $1 AND id = $2", tag_id)


async def of_contact(tx: AccountTx, contact_id: int) -> list[Tag]:
    """By name."""
    return await tx.many(
        Tag,
        """
        SELECT t.id, t.name
        FROM contact_tags c
        JOIN tags t ON t.account_id = $1 AND t.id = c.tag_id
        WHERE c.account_id = $1 AND c.contact_id = $2
        ORDER BY t.name_key
        """,
        contact_id,
    )


async def named(tx: AccountTx, name: str) -> Tag:
    """The tag of this name, made when it is not there. Raises Invalid for one too many."""
    key = search_key(name)
    number: int = await tx.value("SELECT count(*) FROM tags WHERE account_id = $1 AND name_key <> $2", key)
    if number >= MAX_TAGS:
        message = N_("An account has at most {limit} tags.")
        raise Invalid(Fault("name", message, "too_many", {"limit": MAX_TAGS}))
    made = await tx.value(
        """
        INSERT INTO tags (account_id, name, name_key)
        VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING
        RETURNING id
        """,
        name,
        key,
    )
    if made is not None:
        await audit.write(tx, "created", "tag", made)
    return await tx.one(Tag, "SELECT id, name FROM tags WHERE account_id = $1 AND name_key = $2", key)


async def rename(tx: AccountTx, tag_id: int, name: str) -> Tag:
    """Raises NotFound, and Conflict at `name`."""
    with conflict("tags_name", "name", TAKEN, name=name):
        await tx.run(
            "UPDATE tags SET name = $3, name_key = $4 WHERE account_id = $1 AND id = $2",
            tag_id,
            name,
            search_key(name),
        )
    found = await show(tx, tag_id)
    await audit.write(tx, "changed", "tag", tag_id)
    return found


async def used_by(tx: AccountTx, tag_id: int) -> list[str]:
    """Names of the segments that speak of it."""
    rows = await tx.rows(
        """
        SELECT name
        FROM segments
        WHERE account_id = $1 AND deleted_at IS NULL
          AND jsonb_path_exists(tree, '$.** ? (@.subject == "tag" && @.of == $tag)',
                                jsonb_build_object('tag', $2::bigint))
        ORDER BY name
        """,
        tag_id,
    )
    return [name for (name,) in rows]


async def delete(tx: AccountTx, tag_id: int) -> int:
    """Takes it off every contact. Returns how many had it. Raises NotFound.

    Segments that speak of it keep the condition and cannot be used until it is corrected.
    """
    await show(tx, tag_id)
    taken = await tx.run("DELETE FROM contact_tags WHERE account_id = $1 AND tag_id = $2", tag_id)
    await tx.run("DELETE FROM tags WHERE account_id = $1 AND id = $2", tag_id)
    await audit.write(tx, "deleted", "tag", tag_id, count=taken)
    return taken


async def put(tx: AccountTx, contact_ids: Sequence[int], tag_id: int) -> int:
    """Returns how many did not have it. A tag or contact that is gone is passed over."""
    return await tx.run(
        """
        INSERT INTO contact_tags (account_id, contact_id, tag_id)
        SELECT $1, c.id, t.id
        FROM contacts c
        JOIN tags t ON t.account_id = $1 AND t.id = $3
        WHERE c.account_id = $1 AND c.id = ANY ($2::bigint[])
        ON CONFLICT DO NOTHING
        """,
        list(contact_ids),
        tag_id,
    )


async def take(tx: AccountTx, contact_ids: Sequence[int], tag_id: int) -> int:
    """Returns how many had it."""
    return await tx.run(
        """
        DELETE FROM contact_tags
        WHERE account_id = $1 AND contact_id = ANY ($2::bigint[]) AND tag_id = $3
        """,
        list(contact_ids),
        tag_id,
    )


async def carry(tx: AccountTx, other_id: int, kept_id: int) -> None:
    """The tags of a contact that is merged into another, on that one."""
    await tx.run(
        """
        INSERT INTO contact_tags (account_id, contact_id, tag_id)
        SELECT account_id, $3, tag_id FROM contact_tags WHERE account_id = $1 AND contact_id = $2
        ON CONFLICT DO NOTHING
        """,
        other_id,
        kept_id,
    )


async def put_on(tx: AccountTx, contact_id: int, name: str) -> Tag:
    """On one contact. Raises NotFound, and Invalid at `name`."""
    if not await tx.value("SELECT 1 FROM contacts WHERE account_id = $1 AND id = $2", contact_id):
        raise NotFound
    tag = await named(tx, name)
    await put(tx, [contact_id], tag.id)
    await audit.write(tx, "tagged", "contact", contact_id)
    return tag


async def take_off(tx: AccountTx, contact_id: int, tag_id: int) -> None:
    """Off one contact. Raises NotFound when it is not on it."""
    if not await take(tx, [contact_id], tag_id):
        raise NotFound
    await audit.write(tx, "untagged", "contact", contact_id)
