"""Images that nothing but one design shows: they go with it (A-084)."""

import re

from mailer.core.db import AccountTx
from sending import designs, images
from sending.designs import Design

_NAME = re.compile(r"/t/img/(\d{1,18}-[0-9a-f]{40}\.(?:png|jpg|gif|webp))")


async def unshared(tx: AccountTx, design: Design) -> list[tuple[int, str]]:
    """Id and words of each. A campaign holds its source, and so its images, until its content is erased."""
    names = list(dict.fromkeys(_NAME.findall(design.source)))
    rows = await tx.rows(
        """
        SELECT i.id, coalesce(nullif(i.label, ''), nullif(i.alt, ''), i.name)
        FROM images i
        WHERE i.account_id = $1 AND i.name = ANY ($3::text[])
          AND NOT EXISTS (SELECT FROM designs d
                          WHERE d.account_id = $1 AND d.id <> $2 AND position(i.name IN d.source) > 0)
          AND NOT EXISTS (SELECT FROM campaigns c
                          WHERE c.account_id = $1 AND position(i.name IN c.source) > 0)
          AND NOT EXISTS (SELECT FROM ab_variants v
                          WHERE v.account_id = $1 AND position(i.name IN v.source) > 0)
          AND NOT EXISTS (SELECT FROM brand_kits k WHERE k.account_id = $1 AND k.logo_image_id = i.id)
        ORDER BY i.id
        """,
        design.id,
        names,
    )
    return [(image_id, words) for image_id, words in rows]


async def delete(tx: AccountTx, design_id: int, *, with_images: bool = True) -> None:
    """The design, and what only it showed. Raises NotFound."""
    design = await designs.show(tx, design_id)
    found = await unshared(tx, design) if with_images else []
    await designs.delete(tx, design_id)
    for image_id, _ in found:
        await images.delete(tx, image_id)
