"""Images of mails: decoded and encoded again, under random names, for ever at the same address.

    upload ─ at most 10 MB ─▶ reencode (a thread) ─▶ file store ─▶ row with two names

A name is `{account}-{40 hex digits}.{extension}`: the account finds the row, 160 random bits keep it from
being guessed, nothing of the uploaded file's name is in it; a thumbnail has its own name (A-081, A-088).
The library of them: `image_library`; what uses one: `image_uses`.
"""

import asyncio
import re
import secrets
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import StringConstraints

from mailer.accounts import audit
from mailer.core import clock, files
from mailer.core.db import AccountTx, Database
from mailer.core.errors import Fault, Invalid, NotFound, fault
from mailer.core.text import N_
from mailer.web.request import Input
from sending import image_bytes, image_room
from sending.image_bytes import CleanImage, Cut, ImageFault

_NAME = re.compile(r"([1-9][0-9]{0,17})-[0-9a-f]{40}\.(png|jpg|gif|webp)")
COLUMN = 600
"""Pixels of a mail's column; twice as many are sharp on a fine screen, more are weight."""
SHARP = 2 * COLUMN
# 40 million pixels are 160 MB while they are decoded
_AT_ONCE = asyncio.Semaphore(2)


class Words(Input):
    """What is said of an image. `alt` is empty for one that decorates, or that is to be described yet."""

    label: Annotated[str, StringConstraints(max_length=120)] = ""
    alt: Annotated[str, StringConstraints(max_length=300)] = ""
    decorative: bool = False
    folder: Annotated[str, StringConstraints(max_length=80)] = ""

    @property
    def search(self) -> str:
        return folded(f"{self.label} {self.alt} {self.folder}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`label` is for the team; `alt` for whoever cannot see it. `size` in bytes, the rest in pixels.

    `shown_width`: on a screen, of which fine ones have two pixels for one. `seconds` of moving; -1: for ever.
    `kept`: stays also when nothing uses it.
    """

    id: int
    name: str
    thumbnail_name: str | None
    label: str
    alt: str
    decorative: bool
    folder: str
    media_type: str
    width: int
    height: int
    shown_width: int
    size: int
    frames: int
    seconds: float
    kept: bool
    created_at: datetime

    @property
    def described(self) -> bool:
        return self.decorative or bool(self.alt)

    @property
    def words(self) -> Words:
        return Words(label=self.label, alt=self.alt, decorative=self.decorative, folder=self.folder)


@dataclass(frozen=True, slots=True)
class Clean:
    """An upload, ready to be stored."""

    image: CleanImage
    thumbnail: CleanImage | None


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes in the file store, not yet anybody's image. `shown_width` None: as wide as it is, 600 at most."""

    file_id: int
    thumbnail_id: int | None
    clean: Clean
    shown_width: int | None = None

    def shown_at(self, width: int) -> Self:
        return type(self)(self.file_id, self.thumbnail_id, self.clean, width)


async def clean(data: bytes, cut: Cut = image_bytes.WHOLE) -> Clean:
    """In a thread: seconds of CPU. Raises Invalid at `file`."""
    try:
        async with _AT_ONCE:
            image = await asyncio.to_thread(image_bytes.reencode, data, cut)
            thumbnail = await asyncio.to_thread(image_bytes.thumbnail, image)
    except ImageFault as error:
        raise Invalid(Fault("file", error.message, error.code, error.params)) from None
    return Clean(image, thumbnail)


def check_words(words: Words) -> None:
    """Raises Invalid at `alt`: a description, or the choice that there is none."""
    if not words.alt and not words.decorative:
        message = N_("Describe the image, or say that it only decorates.")
        raise fault("alt", message, code="missing")


async def store(db: Database, account_id: int, made: Clean) -> Stored:
    """The bytes in the file store, a transaction a chunk. What `add` does not take goes after a day.

    Raises Invalid at `file` when the account has no room for it.
    """
    async with db.account(account_id) as tx:
        await image_room.check(tx, sum(len(one.data) for one in (made.image, made.thumbnail) if one))
    file_id = await _store(db, account_id, made.image)
    thumbnail_id = await _store(db, account_id, made.thumbnail) if made.thumbnail else None
    return Stored(file_id, thumbnail_id, made)


async def _store(db: Database, account_id: int, one: CleanImage) -> int:
    return await files.store(
        db,
        account_id,
        _once(one.data),
        file=("image", "image", one.media_type),
        max_bytes=4 * image_bytes.MAX_BYTES,
        expires_at=clock.now() + timedelta(days=1),
    )


async def add(tx: AccountTx, stored: Stored, words: Words) -> Image:
    """The row that makes stored bytes an image; to be described yet when `words` say nothing.

    Raises Invalid at `file` when others have taken the account's room meanwhile.
    """
    await image_room.hold(tx)
    image, thumbnail = stored.clean.image, stored.clean.thumbnail
    await files.keep(tx, [one for one in (stored.file_id, stored.thumbnail_id) if one is not None])
    image_id = await tx.value(
        """
        INSERT INTO images (account_id, name, file_id, label, alt, media_type, width, height, size,
                            thumbnail_name, thumbnail_file_id, decorative, folder, search, shown_width,
                            frames, seconds)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        RETURNING id
        """,
        _new_name(tx.account_id, image.extension),
        stored.file_id,
        words.label,
        "" if words.decorative else words.alt,
        image.media_type,
        image.width,
        image.height,
        len(image.data),
        _new_name(tx.account_id, thumbnail.extension) if thumbnail else None,
        stored.thumbnail_id,
        words.decorative,
        words.folder,
        words.search,
        stored.shown_width or min(image.width, COLUMN),
        image.frames,
        image.seconds,
    )
    await audit.write(tx, "created", "image", image_id)
    return await show(tx, image_id)


async def show(tx: AccountTx, image_id: int) -> Image:
    """Raises NotFound."""
    return await tx.one(
        Image,
        """
        SELECT id, name, thumbnail_name, label, alt, decorative, folder, media_type, width, height,
               shown_width, size, frames, seconds, kept, created_at
        FROM images
        WHERE account_id = $1 AND id = $2
        """,
        image_id,
    )


async def describe(tx: AccountTx, image_id: int, words: Words) -> None:
    """Raises NotFound, and Invalid at `alt`."""
    check_words(words)
    if not await tx.run(
        """
        UPDATE images
        SET label = $3, alt = $4, decorative = $5, folder = $6, search = $7
        WHERE account_id = $1 AND id = $2
        """,
        image_id,
        words.label,
        "" if words.decorative else words.alt,
        words.decorative,
        words.folder,
        words.search,
    ):
        raise NotFound
    await audit.write(tx, "changed", "image", image_id)


async def keep(tx: AccountTx, image_id: int, *, kept: bool) -> None:
    """Whether it stays also when nothing uses it (A-084). Raises NotFound."""
    if not await tx.run(
        """
        UPDATE images
        SET kept = $3,
            used_until = CASE WHEN kept AND NOT $3 AND used_until IS NOT NULL THEN now() ELSE used_until END
        WHERE account_id = $1 AND id = $2
        """,
        image_id,
        kept,
    ):
        raise NotFound
    await audit.write(tx, "changed", "image", image_id)


async def original(db: Database, account_id: int, image_id: int) -> bytes:
    """Its bytes, 40 MB at most. Raises NotFound."""
    async with db.account(account_id) as tx:
        file_id = await tx.value("SELECT file_id FROM images WHERE account_id = $1 AND id = $2", image_id)
    if file_id is None:
        raise NotFound
    data = bytearray()
    async for piece in files.read(db, account_id, file_id):
        data += piece
    return bytes(data)


def account_of(name: str) -> int:
    """The account in a name. Raises NotFound for anything that is no name of ours."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise NotFound
    return int(match[1])


def names_in(source: str, account_id: int) -> list[str]:
    """Names of the account's images that stand in a text, each once."""
    found = (match[0] for match in _NAME.finditer(source) if int(match[1]) == account_id)
    return list(dict.fromkeys(found))


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


def folded(text: str) -> str:
    """For searching: without accents, capitals and runs of spaces."""
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(one for one in plain if not unicodedata.combining(one)).casefold().split())


def _new_name(account_id: int, extension: str) -> str:
    return f"{account_id}-{secrets.token_hex(20)}.{extension}"


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
