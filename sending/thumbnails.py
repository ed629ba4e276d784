"""Small pictures of an account's designs: one job draws each that is missing or out of date.

    design written, kit saved ─ thumbnail_queue ─▶ work ─ draw_designs ─▶ `design_thumbnails` ─▶ gallery

A picture knows which version of the design and of the brand kit it shows, so that the job may run twice, be
killed, or come late: it does what is left.
"""

import asyncio
import functools
import re
import time
from dataclasses import dataclass
from datetime import datetime

from mailer.accounts import identity
from mailer.core import files
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.jobs import TURN_SECONDS, again
from mailer.core.services import Services
from mailer.core.work import Task
from sending import brand, brand_kits, images, mail_drawing, sources, starters
from sending.brand import Brand
from sending.sources import Source

_IMAGES = 8
_IMAGE_BYTES = 4_000_000
_DRAWN_SOURCE = 200_000
_ADDRESS = re.compile(r"[^\s\"'<>]{0,200}/t/img/(\d{1,18}-[0-9a-f]{40}\.(?:png|jpg|gif|webp))")
_EMPTY = "<mjml><mj-body></mj-body></mjml>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stale:
    id: int
    kind: str
    source: str
    version: int
    kit_version: int


async def draw_designs(services: Services, task: Task) -> datetime | None:
    """The job: every design of the account whose picture is not of today's versions."""
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        async with services.db.account(task.account_id) as tx:
            stale = await _next(tx)
            if stale is None:
                return None
            kit = await brand_kits.of(tx, services.settings)
            names = await _names(tx)
            made = sources.mjml_of(Source(stale.kind, stale.source, names["language"]))
            source = brand.fill(_EMPTY if isinstance(made, list) else made[:_DRAWN_SOURCE], kit)
            pictures = await _pictures(tx, source)
        picture = await asyncio.to_thread(mail_drawing.draw, source, pictures=pictures, names=names)
        async with services.db.account(task.account_id) as tx:
            await _keep(tx, stale, picture)
    return again()


async def shown(tx: AccountTx, design_ids: list[int]) -> dict[int, int]:
    """Designs that have a picture → a number that changes with it."""
    rows = await tx.rows(
        """
        SELECT design_id, design_version * 1000 + kit_version
        FROM design_thumbnails
        WHERE account_id = $1 AND design_id = ANY ($2::bigint[])
        """,
        design_ids,
    )
    return dict(rows)


async def find(tx: AccountTx, design_id: int) -> bytes:
    """WEBP. Raises NotFound."""
    found: bytes | None = await tx.value(
        "SELECT picture FROM design_thumbnails WHERE account_id = $1 AND design_id = $2", design_id
    )
    if found is None:
        raise NotFound
    return found


async def of_starter(tx: AccountTx, services: Services, key: str, language: str) -> bytes:
    """WEBP of a starter in the account's kit; the last ones stay in memory. Raises NotFound."""
    starters.find(key)
    kit = await brand_kits.of(tx, services.settings)
    names = await _names(tx)
    pictures = await _pictures(tx, kit.logo)
    return await asyncio.to_thread(
        _of_starter, key, language, kit, tuple(sorted(names.items())), tuple(pictures.items())
    )


@functools.lru_cache(64)
def _of_starter(
    key: str,
    language: str,
    kit: Brand,
    names: tuple[tuple[str, str], ...],
    pictures: tuple[tuple[str, bytes], ...],
) -> bytes:
    source = brand.fill(starters.source(key, language), kit)
    return mail_drawing.draw(source, pictures=dict(pictures), names=dict(names))


async def _next(tx: AccountTx) -> _Stale | None:
    return await tx.first(
        _Stale,
        """
        SELECT d.id, d.kind, d.source, d.version, coalesce(k.version, 0) AS kit_version
        FROM designs d
        LEFT JOIN brand_kits k ON k.account_id = d.account_id
        LEFT JOIN design_thumbnails t ON t.account_id = d.account_id AND t.design_id = d.id
        WHERE d.account_id = $1
          AND (t.design_version, t.kit_version) IS DISTINCT FROM (d.version, coalesce(k.version, 0))
        ORDER BY t.design_id IS NULL DESC, d.id DESC
        LIMIT 1
        """,
    )


async def _keep(tx: AccountTx, stale: _Stale, picture: bytes) -> None:
    """Of a design that was deleted meanwhile nothing is kept."""
    await tx.run(
        """
        INSERT INTO design_thumbnails (account_id, design_id, design_version, kit_version, picture)
        SELECT $1, d.id, $3, $4, $5
        FROM designs d
        WHERE d.account_id = $1 AND d.id = $2
        FOR KEY SHARE
        ON CONFLICT (account_id, design_id) DO UPDATE
        SET design_version = excluded.design_version, kit_version = excluded.kit_version,
            picture = excluded.picture
        """,
        stale.id,
        stale.version,
        stale.kit_version,
        picture,
    )


async def _names(tx: AccountTx) -> dict[str, str]:
    """What merge tags show in a picture."""
    who = await identity.of(tx)
    name = who.legal_name or who.account_name
    return {
        "language": who.language,
        "account.name": name,
        "account.address": who.postal_address,
        "account.email": who.contact_email,
        "list.name": name,
        "sender.name": name,
        "contact.first_name": "Ana",
        "contact.last_name": "Martin",
        "contact.email": "ana.martin@example.com",
    }


async def _pictures(tx: AccountTx, source: str) -> dict[str, bytes]:
    """The account's own images in a source, by address; foreign ones are never fetched."""
    found: dict[str, bytes] = {}
    for match in _ADDRESS.finditer(source):
        if match[0] in found or len(found) >= _IMAGES or not match[1].startswith(f"{tx.account_id}-"):
            continue
        try:
            file_id, _, size = await images.find(tx, match[1])
        except NotFound:
            continue
        if size > _IMAGE_BYTES:
            continue
        data = b""
        while chunk := await files.piece(tx, file_id, offset=len(data)):
            data += chunk
        found[match[0]] = data
    return found
