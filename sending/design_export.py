"""A design as a file: .mjml, or a .zip when images of the account stand in it; both can come in again."""

import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass

from mailer.core import files
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from sending import designs, images, mjml_import, sources
from sending.designs import Design

_OURS = re.compile(r"/t/img/(\d{1,18}-[0-9a-f]{40}\.(?:png|jpg|gif|webp))$")
_MOST_IMAGES = 60
_MOST_BYTES = 40_000_000
# not the day of the export: the same design is the same file
_MOMENT = (2000, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Exported:
    name: str
    media_type: str
    data: bytes


async def export(tx: AccountTx, design_id: int, *, language: str) -> Exported:
    """Raises NotFound, and Conflict for a letter that is not filled in yet."""
    design = await designs.show(tx, design_id)
    source = _source(design, language)
    pictures: dict[str, bytes] = {}
    source = mjml_import.exchanged(source, lambda address: _inside(tx.account_id, address, pictures))
    left = _MOST_BYTES
    for name in list(pictures):
        data = await _data(tx, name, left)
        left -= len(data)
        pictures[name] = data
    slug = _slug(design.name)
    if not pictures:
        return Exported(f"{slug}.mjml", "application/octet-stream", source.encode())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("index.mjml", _MOMENT), source.encode())
        for name, data in pictures.items():
            archive.writestr(zipfile.ZipInfo(f"images/{name}", _MOMENT), data)
    return Exported(f"{slug}.zip", "application/zip", out.getvalue())


def _source(design: Design, language: str) -> str:
    made = sources.mjml_of(design.content(language))
    return design.source if isinstance(made, list) else made


def _inside(account_id: int, address: str, pictures: dict[str, bytes]) -> str | None:
    """A path in the archive for an image of this account; others stay as they are."""
    found = _OURS.search(address)
    if found is None or images.account_of(found[1]) != account_id or len(pictures) >= _MOST_IMAGES:
        return None
    pictures[found[1]] = b""
    return f"images/{found[1]}"


async def _data(tx: AccountTx, name: str, most: int) -> bytes:
    """Nothing for one that was deleted meanwhile, or beyond the limit."""
    try:
        file_id, _, size = await images.find(tx, name)
    except NotFound:
        return b""
    data = b""
    while size <= most and (chunk := await files.piece(tx, file_id, offset=len(data))):
        data += chunk
    return data


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "design"
