"""What uses an image, and what becomes of it: replaced everywhere in drafts and designs, or deleted.

The table `image_uses` is kept by triggers on each source (migration 0144), so that a use is found by name and
no writer can forget to say it. A source that is past its six days holds nothing any more (S12): what was sent
before then is in other people's mailboxes, and shows the image as long as it is here (A-084).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mailer.accounts import audit
from mailer.core import files
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, fault
from mailer.core.text import N_
from sending import designs, images
from sending.images import Image

SHOWN = 100
OPEN = ("scheduled", "preparing", "sending", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """`state`: of a campaign or of the campaign of a variant; "" for designs and forms."""

    kind: Literal["campaign", "variant", "design", "form"]
    id: int
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Uses:
    """`n` of them; the first hundred are in `items`."""

    items: Sequence[Use]
    n: int
    drafts: int
    designs: int
    forms: int
    under_way: int
    sent: int

    @property
    def replaceable(self) -> int:
        return self.drafts + self.designs


async def of(tx: AccountTx, image: Image) -> Uses:
    """Each draft, design, form and campaign once, however often its source holds the image."""
    names = _names(image)
    items = await tx.many(
        Use,
        """
        SELECT used.kind, used.ref_id AS id, coalesce(c.name, d.name, f.name, '') AS name,
               coalesce(c.status, '') AS state
        FROM (
            SELECT DISTINCT CASE kind WHEN 'variant' THEN 'campaign' ELSE kind END AS kind, ref_id
            FROM image_uses
            WHERE account_id = $1 AND name = ANY ($2::text[])
        ) AS used
        LEFT JOIN campaigns c ON c.account_id = $1 AND c.id = used.ref_id AND used.kind = 'campaign'
        LEFT JOIN designs d ON d.account_id = $1 AND d.id = used.ref_id AND used.kind = 'design'
        LEFT JOIN signup_forms f ON f.account_id = $1 AND f.id = used.ref_id AND used.kind = 'form'
        ORDER BY used.kind, used.ref_id DESC
        LIMIT $3
        """,
        names,
        SHOWN,
    )
    counts = await tx.rows(
        """
        SELECT count(*),
               count(*) FILTER (WHERE c.status = 'draft'),
               count(*) FILTER (WHERE used.kind = 'design'),
               count(*) FILTER (WHERE used.kind = 'form'),
               count(*) FILTER (WHERE c.status = ANY ($3::text[])),
               count(*) FILTER (WHERE c.status IN ('sent', 'cancelled'))
        FROM (
            SELECT DISTINCT CASE kind WHEN 'variant' THEN 'campaign' ELSE kind END AS kind, ref_id
            FROM image_uses
            WHERE account_id = $1 AND name = ANY ($2::text[])
        ) AS used
        LEFT JOIN campaigns c ON c.account_id = $1 AND c.id = used.ref_id AND used.kind = 'campaign'
        """,
        names,
        list(OPEN),
    )
    n, drafts, designs, forms, under_way, sent = counts[0]
    return Uses(items, n, drafts, designs, forms, under_way, sent)


async def replace(tx: AccountTx, old: Image, new: Image, *, expected: int) -> int:
    """The address of one image by another's in every draft and design. Returns in how many.

    `expected`: how many the person was told. Raises Conflict when there are others by now, Invalid at `by`
    when both are the same. Each changed source is a new version: who has it open does not overwrite it.
    """
    if old.id == new.id:
        raise fault("by", N_("Choose another image than this one."), code="same")
    # the rows are held first: what is counted is what is changed
    drafts = await tx.rows(
        """
        SELECT id FROM campaigns
        WHERE account_id = $1 AND status = 'draft' AND id IN (
            SELECT ref_id FROM image_uses
            WHERE account_id = $1 AND name = ANY ($2::text[]) AND kind IN ('campaign', 'variant'))
        ORDER BY id
        FOR UPDATE
        """,
        _names(old),
    )
    designs = await tx.rows(
        """
        SELECT id FROM designs
        WHERE account_id = $1 AND id IN (
            SELECT ref_id FROM image_uses
            WHERE account_id = $1 AND name = ANY ($2::text[]) AND kind = 'design')
        ORDER BY id
        FOR UPDATE
        """,
        _names(old),
    )
    found = len(drafts) + len(designs)
    if found != expected:
        message = N_("Meanwhile the image is used in {n} drafts and designs. Look again, then replace it.")
        raise Conflict(Fault("expected", message, "changed", {"n": found}))
    for name in _names(old):
        await _swap(tx, name, new.name, [one for (one,) in drafts], [one for (one,) in designs])
    await audit.write(tx, "replaced", "image", old.id)
    return found


async def _swap(tx: AccountTx, old: str, new: str, drafts: list[int], designs: list[int]) -> None:
    await tx.run(
        """
        UPDATE campaigns
        SET source = replace(source, $2, $3), version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = ANY ($4::bigint[]) AND position($2 IN source) > 0
        """,
        old,
        new,
        drafts,
    )
    await tx.run(
        """
        UPDATE ab_variants
        SET source = replace(source, $2, $3)
        WHERE account_id = $1 AND campaign_id = ANY ($4::bigint[]) AND position($2 IN source) > 0
        """,
        old,
        new,
        drafts,
    )
    await tx.run(
        """
        UPDATE designs
        SET source = replace(source, $2, $3), version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = ANY ($4::bigint[]) AND position($2 IN source) > 0
        """,
        old,
        new,
        designs,
    )


async def delete(tx: AccountTx, image_id: int, *, anyway: bool = False) -> None:
    """For good, also in mails that were sent. Raises NotFound, and Conflict:

    at `image` while a campaign under way uses it, at `anyway` when something else does and it was not said.
    """
    found = await images.show(tx, image_id)
    uses = await of(tx, found)
    if uses.under_way:
        used = next((one.name for one in uses.items if one.state in OPEN), "")
        message = N_("The campaign “{name}” is on its way and shows this image. Wait until it is sent.")
        raise Conflict(Fault("image", message, "in_use", {"name": used}))
    if uses.n and not anyway:
        message = N_("Say that the image may disappear from what uses it, or replace it there first.")
        raise Conflict(Fault("anyway", message, "in_use", {"n": uses.n}))
    await _erase(tx, [image_id])
    await audit.write(tx, "deleted", "image", image_id)


async def unshared(tx: AccountTx, design_id: int) -> list[int]:
    """Images that this design alone uses, and that nobody asked to keep: they go with it (A-084)."""
    found = await tx.rows(
        """
        SELECT DISTINCT i.id
        FROM image_uses u
        JOIN images i ON i.account_id = $1 AND (i.name = u.name OR i.thumbnail_name = u.name)
        WHERE u.account_id = $1 AND u.kind = 'design' AND u.ref_id = $2 AND NOT i.kept
          AND NOT EXISTS (
              SELECT 1 FROM image_uses other
              WHERE other.account_id = $1 AND other.name IN (i.name, i.thumbnail_name)
                AND (other.kind <> 'design' OR other.ref_id <> $2))
        """,
        design_id,
    )
    return [image_id for (image_id,) in found]


async def delete_unused(tx: AccountTx, image_ids: list[int]) -> int:
    """Those of them that nothing uses (any more). Returns how many."""
    found = await tx.rows(
        """
        SELECT id FROM images i
        WHERE account_id = $1 AND id = ANY ($2::bigint[]) AND NOT kept AND NOT EXISTS (
            SELECT 1 FROM image_uses u
            WHERE u.account_id = $1 AND u.name IN (i.name, i.thumbnail_name))
        FOR UPDATE
        """,
        image_ids,
    )
    gone = [image_id for (image_id,) in found]
    await _erase(tx, gone)
    for image_id in gone:
        await audit.write(tx, "deleted", "image", image_id)
    return len(gone)


async def delete_design(tx: AccountTx, design_id: int, *, with_images: bool = True) -> int:
    """The design, and the images that it alone used (A-084). Returns how many those were. Raises NotFound."""
    found = await unshared(tx, design_id) if with_images else []
    await designs.delete(tx, design_id)
    return await delete_unused(tx, found)


async def leaves(tx: AccountTx, html: str) -> None:
    """A program's message holds them, whose source nobody keeps: their time begins again (A-084)."""
    names = images.names_in(html, tx.account_id)
    if names:
        # once a day is enough, and leaves the row alone while a thousand messages show the same logo
        await tx.run(
            """
            UPDATE images
            SET used_until = now()
            WHERE account_id = $1 AND (name = ANY ($2::text[]) OR thumbnail_name = ANY ($2::text[]))
              AND used_until < now() - interval '1 day'
            """,
            names,
        )


async def _erase(tx: AccountTx, image_ids: list[int]) -> None:
    stored = await tx.rows(
        """
        DELETE FROM images
        WHERE account_id = $1 AND id = ANY ($2::bigint[])
        RETURNING file_id, thumbnail_file_id
        """,
        image_ids,
    )
    for file_id in (file_id for row in stored for file_id in row if file_id is not None):
        await files.delete(tx, file_id)


def _names(image: Image) -> list[str]:
    return [name for name in (image.name, image.thumbnail_name) if name is not None]
