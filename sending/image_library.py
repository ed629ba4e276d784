"""The library of images: looked through by words and folder, page by page; no byte of a file is read."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.links import Links
from sending import images
from sending.images import Image

MOST_FOLDERS = 500
UNUSED_MONTHS = 13
"""So long an image stays that nothing uses (A-084); a test sees that the table of retention says the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """`folder` None: all of them, "" those in none. `undescribed`: only those that wait for a description."""

    q: str = ""
    folder: str | None = None
    unused: bool = False
    undescribed: bool = False
    before: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageView:
    """An image as programs see it, ours and others'. `url` and `thumbnail_url` stay as they are for ever.

    `described` false: it waits for `alt`, or for the word that it is `decorative`. `shown_width`: pixels on a
    screen; the file has up to twice as many. `seconds` of moving, -1 for ever, 0 for a still image.
    """

    id: int
    url: str
    thumbnail_url: str
    alt: str
    decorative: bool
    described: bool
    label: str
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


def view(image: Image, links: Links) -> ImageView:
    return ImageView(
        id=image.id,
        url=links.image(image.name),
        thumbnail_url=links.image(image.thumbnail_name or image.name),
        alt=image.alt,
        decorative=image.decorative,
        described=image.described,
        label=image.label,
        folder=image.folder,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        shown_width=image.shown_width,
        size=image.size,
        frames=image.frames,
        seconds=image.seconds,
        kept=image.kept,
        created_at=image.created_at,
    )


@dataclass(frozen=True, slots=True)
class Folder:
    name: str
    images: int


async def many(tx: AccountTx, asked: Looking) -> list[Image]:
    """Newest first, one more than the limit when there are more."""
    return await tx.many(
        Image,
        """
        -- by the key downwards, whatever is asked: 50,000 rows are walked in some hundredths of a second,
        -- and no other index would serve words in the middle of a text under the wall (S8)
        SELECT id, name, thumbnail_name, label, alt, decorative, folder, media_type, width, height,
               shown_width, size, frames, seconds, kept, created_at
        FROM images
        WHERE account_id = $1 AND ($2::bigint IS NULL OR id < $2)
          AND ($3::text = '' OR position($3 IN search) > 0)
          AND ($4::text IS NULL OR folder = $4)
          AND (NOT $5::boolean OR (alt = '' AND NOT decorative))
          AND (NOT $6::boolean OR used_until IS NOT NULL)
        ORDER BY id DESC
        LIMIT $7
        """,
        asked.before,
        images.folded(asked.q),
        asked.folder,
        asked.undescribed,
        asked.unused,
        asked.limit + 1,
    )


async def folders(tx: AccountTx) -> list[Folder]:
    """With how many images are in each, by name; a folder is there while something is in it."""
    return await tx.many(
        Folder,
        """
        SELECT folder AS name, count(*) AS images
        FROM images
        WHERE account_id = $1 AND folder <> ''
        GROUP BY folder
        ORDER BY folder
        LIMIT $2
        """,
        MOST_FOLDERS,
    )


async def move_all(tx: AccountTx, folder: str, to: str) -> int:
    """Every image of a folder into another, or into none. Returns how many."""
    return await tx.run(
        """
        UPDATE images
        SET folder = $3, search = left(search, greatest(length(search) - length($4), 0)) || $5
        WHERE account_id = $1 AND folder = $2
        """,
        folder,
        to,
        images.folded(folder),
        images.folded(to),
    )


async def undescribed(tx: AccountTx) -> int:
    """How many images wait for a description."""
    found: int = await tx.value(
        "SELECT count(*) FROM images WHERE account_id = $1 AND alt = '' AND NOT decorative"
    )
    return found


async def by_names(tx: AccountTx, names: list[str]) -> list[Image]:
    """Those that are there, in the order of the names; a thumbnail's name finds its image."""
    return await tx.many(
        Image,
        """
        SELECT i.id, i.name, i.thumbnail_name, i.label, i.alt, i.decorative, i.folder, i.media_type, i.width,
               i.height, i.shown_width, i.size, i.frames, i.seconds, i.kept, i.created_at
        FROM unnest($2::text[]) WITH ORDINALITY AS wanted (name, n)
        JOIN images i ON i.account_id = $1 AND (i.name = wanted.name OR i.thumbnail_name = wanted.name)
        ORDER BY wanted.n
        """,
        names,
    )


async def unused_since(tx: AccountTx, image_id: int) -> datetime | None:
    """None while something uses it, or when it is kept. Raises NotFound."""
    found = await tx.rows("SELECT used_until, kept FROM images WHERE account_id = $1 AND id = $2", image_id)
    if not found:
        raise NotFound
    used_until, kept = found[0]
    return None if kept else used_until
