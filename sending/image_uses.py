"""What uses an image, and what becomes of it: replaced everywhere in drafts and designs, or deleted.

The table `image_uses` is kept by triggers on each source (migrations 0144, 0165), so that a use is found by
name and no writer can forget to say it. A source that is past its six days holds nothing any more (S12): what
was sent before then is in other people's mailboxes, and shows the image as long as it is here (A-084).
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
OPEN = ("scheduled", "preparing", "sending", "paused", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """`state`: of a campaign (also of one whose variant it is) or of an automatic one; "" of everything else.

    `campaign_version`, `design_version`: an earlier version of `id`, which itself does not show it any more.
    """

    kind: Literal["campaign", "automation", "design", "form", "brand", "campaign_version", "design_version"]
    id: int
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Uses:
    """`n` of them; the first hundred are in `items`. `replaceable`: drafts and designs (see `replace`)."""

    items: Sequence[Use]
    n: int
    under_way: int
    brand: int
    fixed: int
    replaceable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found(Use):
    """With what is counted over all of them."""

    n: int
    under_way: int
    brand: int
    fixed: int


async def of(tx: AccountTx, image: Image) -> Uses:
    """Each draft, design, form, campaign once, however often its source holds the image; a version only when
    its draft itself does not."""
    found = await _found(tx, _names(image))
    if not found:
        return Uses((), 0, 0, 0, 0, 0)
    first = found[0]
    items = [Use(kind=one.kind, id=one.id, name=one.name, state=one.state) for one in found]
    replaceable = await _count_replaceable(tx, _names(image))
    return Uses(items, first.n, first.under_way, first.brand, first.fixed, replaceable)


async def _found(tx: AccountTx, names: list[str]) -> list[_Found]:
    return await tx.many(
        _Found,
        """
        WITH held AS (
            SELECT kind, ref_id FROM image_uses WHERE account_id = $1 AND name = ANY ($2::text[])
        ), used AS (
            -- a mail of an automatic campaign is a campaign to the triggers; to people it is that one's
            SELECT CASE WHEN a.id IS NULL THEN 'campaign' ELSE 'automation' END AS kind,
                   coalesce(a.id, c.id) AS id, coalesce(a.name, c.name) AS name,
                   coalesce(a.status, c.status) AS state
            FROM held h
            JOIN campaigns c ON c.account_id = $1 AND c.id = h.ref_id
            LEFT JOIN automations a ON a.account_id = $1 AND a.id = c.automation_id AND c.mailing_of IS NULL
            WHERE h.kind IN ('campaign', 'variant')
            UNION
            SELECT h.kind, h.ref_id, coalesce(d.name, f.name, ''), ''
            FROM held h
            LEFT JOIN designs d ON d.account_id = $1 AND d.id = h.ref_id AND h.kind = 'design'
            LEFT JOIN signup_forms f ON f.account_id = $1 AND f.id = h.ref_id AND h.kind = 'form'
            WHERE h.kind IN ('design', 'form', 'brand')
            UNION
            SELECT CASE WHEN v.design_id IS NULL THEN 'campaign_version' ELSE 'design_version' END,
                   coalesce(v.design_id, v.campaign_id), coalesce(d.name, c.name), ''
            FROM held h
            JOIN draft_versions v ON v.account_id = $1 AND v.id = h.ref_id
            LEFT JOIN campaigns c ON c.account_id = $1 AND c.id = v.campaign_id
            LEFT JOIN designs d ON d.account_id = $1 AND d.id = v.design_id
            WHERE h.kind = 'version' AND NOT EXISTS (
                SELECT FROM held x
                WHERE x.ref_id = v.campaign_id AND x.kind IN ('campaign', 'variant')
                   OR x.ref_id = v.design_id AND x.kind = 'design')
        )
        SELECT kind, id, name, state, count(*) OVER () AS n,
               count(*) FILTER (WHERE state = ANY ($3::text[])) OVER () AS under_way,
               count(*) FILTER (WHERE kind = 'brand') OVER () AS brand,
               count(*) FILTER (WHERE state NOT IN ('', 'draft') OR kind NOT IN (
                                'campaign', 'automation', 'design')) OVER () AS fixed
        FROM used
        ORDER BY kind, id DESC
        LIMIT $4
        """,
        names,
        list(OPEN),
        SHOWN,
    )


async def _count_replaceable(tx: AccountTx, names: list[str]) -> int:
    n: int = await tx.value(
        """
        SELECT count(DISTINCT (u.kind = 'design', u.ref_id))
        FROM image_uses u
        LEFT JOIN campaigns c ON c.account_id = $1 AND c.id = u.ref_id AND u.kind <> 'design'
        LEFT JOIN automation_steps s ON s.account_id = $1 AND s.id = c.step_id AND s.published_id = c.id
        WHERE u.account_id = $1 AND u.name = ANY ($2::text[]) AND u.kind IN ('campaign', 'variant', 'design')
          AND (u.kind = 'design' OR c.status = 'draft' AND s.id IS NULL)
        """,
        names,
    )
    return n


async def _hold_replaceable(tx: AccountTx, image: Image) -> tuple[list[int], list[int]]:
    """Drafts of campaigns and designs that hold it: their rows are locked until the transaction ends.

    Not the published mail of an automatic campaign: that leaves as it was checked until it is published anew.
    """
    drafts = await tx.rows(
        """
        SELECT id FROM campaigns c
        WHERE account_id = $1 AND status = 'draft' AND id IN (
            SELECT ref_id FROM image_uses
            WHERE account_id = $1 AND name = ANY ($2::text[]) AND kind IN ('campaign', 'variant'))
          AND NOT EXISTS (
            SELECT FROM automation_steps s
            WHERE s.account_id = $1 AND s.id = c.step_id AND s.published_id = c.id)
        ORDER BY id
        FOR UPDATE OF c
        """,
        _names(image),
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
        _names(image),
    )
    return [one for (one,) in drafts], [one for (one,) in designs]


async def replace(tx: AccountTx, old: Image, new: Image, *, expected: int) -> int:
    """The address of one image by another's in every draft and design. Returns in how many.

    `expected`: how many the person was told. Raises Conflict when there are others by now, Invalid at `by`
    when both are the same. Each changed source is a new version: who has it open does not overwrite it.
    """
    if old.id == new.id:
        raise fault("by", N_("Choose another image than this one."), code="same")
    # the rows are held first: what is counted is what is changed
    drafts, designs = await _hold_replaceable(tx, old)
    found = len(drafts) + len(designs)
    if found != expected:
        message = N_("Meanwhile the image is used in {n} drafts and designs. Look again, then replace it.")
        raise Conflict(Fault("expected", message, "changed", {"n": found}))
    for name in _names(old):
        await _swap(tx, name, new.name, drafts, designs)
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

    at `image` while a campaign under way or the brand kit uses it, at `anyway` when something else does and
    it was not said.
    """
    found = await images.show(tx, image_id)
    uses = await of(tx, found)
    if uses.under_way:
        used = next((one.name for one in uses.items if one.state in OPEN), "")
        message = N_("The campaign “{name}” is on its way and shows this image. Wait until it is sent.")
        raise Conflict(Fault("image", message, "in_use", {"name": used}))
    if uses.brand:
        # mails under way may show it as well: their sources do not hold the logo's name
        message = N_("The brand kit shows this image as its logo. Choose another logo there first.")
        raise Conflict(Fault("image", message, "in_use"))
    if uses.n and not anyway:
        message = N_("Say that the image may disappear from what uses it, or replace it there first.")
        raise Conflict(Fault("anyway", message, "in_use", {"n": uses.n}))
    await _erase(tx, [image_id])
    await audit.write(tx, "deleted", "image", image_id)


async def unshared(tx: AccountTx, design_id: int) -> list[int]:
    """Images that this design and its earlier versions alone use, and that nobody asked to keep: they go with
    it (A-084)."""
    found = await tx.rows(
        """
        WITH own AS (
            SELECT 'design' AS kind, $2::bigint AS ref_id
            UNION ALL SELECT 'version', id FROM draft_versions WHERE account_id = $1 AND design_id = $2
        )
        SELECT DISTINCT i.id
        FROM own
        JOIN image_uses u ON u.account_id = $1 AND u.kind = own.kind AND u.ref_id = own.ref_id
        JOIN images i ON i.account_id = $1 AND (i.name = u.name OR i.thumbnail_name = u.name)
        WHERE NOT i.kept AND NOT EXISTS (
            SELECT FROM image_uses other
            WHERE other.account_id = $1 AND other.name IN (i.name, i.thumbnail_name)
              AND (other.kind, other.ref_id) NOT IN (SELECT kind, ref_id FROM own))
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
