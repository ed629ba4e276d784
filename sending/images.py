"""Images of mails: decoded and encoded again, under random names, for ever at the same address.

    upload ─ at most 10 MB ─▶ reencode (a thread) ─▶ file store ─▶ row with two names

A name is `{account}-{40 hex digits}.{extension}`: the account finds the row, 160 random bits keep it from
being guessed, nothing of the uploaded file's name is in it; a thumbnail has its own name (A-081, A-088).
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from mailer.accounts import audit
from mailer.core import files
from mailer.core.db import AccountTx, Database
from mailer.core.errors import Conflict, Fault, Invalid, NotFound, fault
from mailer.core.text import N_
from mailer.web.request import Input
from sending import image_bytes
from sending.image_bytes import CleanImage, ImageFault

_NAME = re.compile(r"([1-9][0-9]{0,17})-[0-9a-f]{40}\.(png|jpg|gif|webp)")


class Words(Input):
    """What is said of an image. `alt` is empty only for one that decorates."""

    label: Annotated[str, StringConstraints(max_length=120)] = ""
    alt: Annotated[str, StringConstraints(max_length=300)] = ""
    decorative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`label` is for the team; `alt` for whoever cannot see it. `size` in bytes, the rest in pixels."""

    id: int
    name: str
    thumbnail_name: str | None
    label: str
    alt: str
    media_type: str
    width: int
    height: int
    size: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Clean:
    """An upload, ready to be stored."""

    image: CleanImage
    thumbnail: CleanImage | None


async def clean(data: bytes) -> Clean:
    """In a thread: seconds of CPU. Raises Invalid at `file`."""
    try:
        image = await asyncio.to_thread(image_bytes.reencode, data)
        thumbnail = await asyncio.to_thread(image_bytes.thumbnail, image)
    except ImageFault as error:
        raise Invalid(Fault("file", error.message, error.code, error.params)) from None
    return Clean(image, thumbnail)


def check_words(words: Words) -> None:
    """Raises Invalid at `alt`: a description, or the choice that there is none."""
    if not words.alt and not words.decorative:
        message = N_("Describe the image, or say that it only decorates.")
        raise fault("alt", message, code="missing")


async def store(db: Database, account_id: int, made: Clean) -> list[tuple[int, CleanImage]]:
    """The bytes in the file store, a transaction a chunk: file ids of the image and of its thumbnail."""
    return [
        (
            await files.store(
                db,
                account_id,
                _once(one.data),
                file=("image", "image", one.media_type),
                max_bytes=4 * image_bytes.MAX_BYTES,
            ),
            one,
        )
        for one in (made.image, made.thumbnail)
        if one is not None
    ]


async def add(tx: AccountTx, stored: list[tuple[int, CleanImage]], words: Words) -> Image:
    """The row that makes stored bytes an image. Raises Invalid at `alt`."""
    check_words(words)
    (file_id, image), *others = stored
    thumbnail_id = others[0][0] if others else None
    made = await tx.one(
        Image,
        """
        INSERT INTO images (account_id, name, file_id, label, alt, media_type, width, height, size,
                            thumbnail_name, thumbnail_file_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        RETURNING id, name, thumbnail_name, label, alt, media_type, width, height, size, created_at
        """,
        _new_name(tx.account_id, image.extension),
        file_id,
        words.label,
        "" if words.decorative else words.alt,
        image.media_type,
        image.width,
        image.height,
        len(image.data),
        _new_name(tx.account_id, others[0][1].extension) if others else None,
        thumbnail_id,
    )
    await audit.write(tx, "created", "image", made.id)
    return made


async def many(tx: AccountTx, *, before: int | None = None, limit: int = 50) -> list[Image]:
    """Newest first, one more than the limit when there are more."""
    return await tx.many(
        Image,
        """
        SELECT id, name, thumbnail_name, label, alt, media_type, width, height, size, created_at
        FROM images
        WHERE account_id = $1 AND ($2::bigint IS NULL OR id < $2)
        ORDER BY id DESC
        LIMIT $3
        """,
        before,
        limit + 1,
    )


async def show(tx: AccountTx, image_id: int) -> Image:
    """Raises NotFound."""
    return await tx.one(
        Image,
        """
        SELECT id, name, thumbnail_name, label, alt, media_type, width, height, size, created_at
        FROM images
        WHERE account_id = $1 AND id = $2
        """,
        image_id,
    )


async def describe(tx: AccountTx, image_id: int, words: Words) -> None:
    """Raises NotFound, and Invalid at `alt`."""
    check_words(words)
    if not await tx.run(
        "UPDATE images SET label = $3, alt = $4 WHERE account_id = $1 AND id = $2",
        image_id,
        words.label,
        "" if words.decorative else words.alt,
    ):
        raise NotFound
    await audit.write(tx, "changed", "image", image_id)


async def used_in(tx: AccountTx, name: str) -> list[str]:
    """Names of the drafts, campaigns under way and designs whose source holds this image."""
    found = await tx.rows(
        """
        SELECT name FROM campaigns WHERE account_id = $1 AND position($2 IN source) > 0
        UNION ALL
        SELECT name FROM designs WHERE account_id = $1 AND position($2 IN source) > 0
        LIMIT 20
        """,
        name,
    )
    return [used for (used,) in found]


async def delete(tx: AccountTx, image_id: int) -> None:
    """For good, also in mails that were sent. Raises NotFound, and Conflict while something uses it."""
    found = await show(tx, image_id)
    used = await used_in(tx, found.name)
    if used:
        message = N_("This image is used in “{name}”. Remove it there first.")
        raise Conflict(Fault("image", message, "in_use", {"name": used[0]}))
    stored = await tx.rows(
        """
        DELETE FROM images
        WHERE account_id = $1 AND id = $2
        RETURNING file_id, thumbnail_file_id
        """,
        image_id,
    )
    for file_id in (file_id for row in stored for file_id in row if file_id is not None):
        await files.delete(tx, file_id)
    await audit.write(tx, "deleted", "image", image_id)


def account_of(name: str) -> int:
    """The account in a name. Raises NotFound for anything that is no name of ours."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise NotFound
    return int(match[1])


async def find(tx: AccountTx, name: str) -> tuple[int, str, int]:
    """File id, media type and size of the image or thumbnail of that name. Raises NotFound."""
    found = await tx.rows(
        """
        SELECT f.id, f.media_type, f.size
        FROM images i
        JOIN files f ON f.account_id = i.account_id
                    AND f.id = CASE WHEN i.name = $2 THEN i.file_id ELSE i.thumbnail_file_id END
        WHERE i.account_id = $1 AND (i.name = $2 OR i.thumbnail_name = $2) AND f.complete
        """,
        name,
    )
    if not found:
        raise NotFound
    return found[0][0], found[0][1], found[0][2]


def _new_name(account_id: int, extension: str) -> str:
    return f"{account_id}-{secrets.token_hex(20)}.{extension}"


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
