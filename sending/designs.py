"""Designs: content kept to be used again. The author's asset: it outlives the campaign it came from (S12)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from mailer.accounts import audit
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, NotFound, fault
from mailer.core.text import N_
from mailer.web.request import Input
from sending import (
    campaigns,
    draft_versions,
    merge,
    sources,
    starters,
    thumbnail_queue,
)
from sending.campaigns import Campaign
from sending.sources import Source

Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class NewDesign(Input):
    name: Name
    kind: Literal["letter", "mjml"] = "letter"


class DesignChanges(Input):
    name: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    id: int
    name: str
    kind: str
    subject: str
    preheader: str
    source: str
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None

    def content(self, language: str) -> Source:
        return Source(self.kind, self.source, language)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignLine:
    """A design in a list, without its content."""

    id: int
    name: str
    kind: str
    subject: str
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


async def create(tx: AccountTx, new: NewDesign, source: str, subject: str = "") -> Design:
    made = await tx.one(
        Design,
        """
        INSERT INTO designs (account_id, name, kind, source, subject)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id, name, kind, subject, preheader, source, version, created_at, updated_at, archived_at
        """,
        new.name,
        new.kind,
        source,
        subject,
    )
    await thumbnail_queue.ask(tx)
    await audit.write(tx, "created", "design", made.id)
    return made


async def keep(tx: AccountTx, campaign_id: int, name: str) -> Design:
    """A campaign's content as a design. Raises NotFound, and Invalid when it has none (any more)."""
    found = await campaigns.show(tx, campaign_id)
    if not found.source:
        raise fault("name", N_("This campaign has no content to keep."), code="empty")
    made = await tx.one(
        Design,
        """
        INSERT INTO designs (account_id, name, kind, subject, preheader, source)
        SELECT $1, left($3, 120), content_kind, subject, preheader, source
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        RETURNING id, name, kind, subject, preheader, source, version, created_at, updated_at, archived_at
        """,
        campaign_id,
        name,
    )
    await thumbnail_queue.ask(tx)
    await audit.write(tx, "created", "design", made.id)
    return made


async def use(tx: AccountTx, design_id: int, campaign_id: int, *, version: int | None = None) -> Campaign:
    """A design's content in a draft; its subject where the draft has none. Raises NotFound, Conflict."""
    design = await show(tx, design_id)
    kind: sources.ContentKind = "letter" if design.kind == "letter" else "mjml"
    written = await campaigns.write_content(tx, campaign_id, kind, design.source, version=version)
    if written.subject:
        return written
    changes = campaigns.Changes(subject=design.subject, preheader=written.preheader or design.preheader)
    return await campaigns.change(tx, campaign_id, changes)


async def begin(tx: AccountTx, campaign_id: int, key: str, *, version: int | None = None) -> None:
    """A starter in a draft, in its language; its subject where there is none. Raises NotFound, Conflict."""
    campaign = await campaigns.show(tx, campaign_id)
    source = starters.source(key, campaign.language)
    await campaigns.write_content(tx, campaign_id, "mjml", source, version=version)
    if not campaign.subject:
        changes = campaigns.Changes(subject=starters.subject(key, campaign.language))
        await campaigns.change(tx, campaign_id, changes)


async def many(
    tx: AccountTx, *, archived: bool = False, before: int | None = None, limit: int = 50
) -> list[Design]:
    """Newest first, one more than the limit when there are more."""
    return await tx.many(
        Design,
        """
        SELECT id, name, kind, subject, preheader, source, version, created_at, updated_at, archived_at
        FROM designs
        WHERE account_id = $1 AND (archived_at IS NOT NULL) = $2 AND ($3::bigint IS NULL OR id < $3)
        ORDER BY id DESC
        LIMIT $4
        """,
        archived,
        before,
        limit + 1,
    )


async def lines(
    tx: AccountTx, *, archived: bool = False, before: int | None = None, limit: int = 50
) -> list[DesignLine]:
    """Newest first, one more than the limit when there are more."""
    return await tx.many(
        DesignLine,
        """
        SELECT id, name, kind, subject, version, created_at, updated_at, archived_at
        FROM designs
        WHERE account_id = $1 AND (archived_at IS NOT NULL) = $2 AND ($3::bigint IS NULL OR id < $3)
        ORDER BY id DESC
        LIMIT $4
        """,
        archived,
        before,
        limit + 1,
    )


async def show(tx: AccountTx, design_id: int) -> Design:
    """Raises NotFound."""
    return await tx.one(
        Design,
        """
        SELECT id, name, kind, subject, preheader, source, version, created_at, updated_at, archived_at
        FROM designs
        WHERE account_id = $1 AND id = $2
        """,
        design_id,
    )


async def rename(tx: AccountTx, design_id: int, name: str) -> None:
    """Raises NotFound."""
    if not await tx.run(
        "UPDATE designs SET name = $3, updated_at = now() WHERE account_id = $1 AND id = $2", design_id, name
    ):
        raise NotFound
    await audit.write(tx, "changed", "design", design_id)


async def change(
    tx: AccountTx,
    design_id: int,
    *,
    name: str | None = None,
    subject: str | None = None,
    preheader: str | None = None,
) -> Design:
    """What is not given stays. Raises NotFound."""
    if (name, subject, preheader) == (None, None, None):
        return await show(tx, design_id)
    made = await tx.one(
        Design,
        """
        UPDATE designs
        SET name = coalesce($3, name), subject = coalesce($4, subject), preheader = coalesce($5, preheader),
            updated_at = now()
        WHERE account_id = $1 AND id = $2
        RETURNING id, name, kind, subject, preheader, source, version, created_at, updated_at, archived_at
        """,
        design_id,
        name,
        subject,
        preheader,
    )
    await audit.write(tx, "changed", "design", design_id)
    return made


async def write(tx: AccountTx, design_id: int, source: str, *, version: int | None = None) -> Design:
    """Raises NotFound, Conflict when somebody saved another version, Invalid at `source` when too long."""
    if len(source) > merge.MAX_SOURCE:
        message = N_("The source holds {size} characters; {limit} at most. Shorten it.")
        raise fault("source", message, code="source_too_long", size=len(source), limit=merge.MAX_SOURCE)
    await draft_versions.keep_design(tx, design_id, own=False)
    changed = await tx.run(
        """
        UPDATE designs
        SET source = $4, version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND version = coalesce($3, version)
        """,
        design_id,
        version,
        source.replace("\0", ""),
    )
    found = await show(tx, design_id)
    if changed:
        await thumbnail_queue.ask(tx)
    else:
        message = N_("Somebody saved this design while you worked. Your text is kept: compare both.")
        raise Conflict(Fault("version", message, "version"))
    await draft_versions.keep_design(tx, design_id)
    await draft_versions.thin(tx, draft_versions.Draft(design_id=design_id))
    return found


async def duplicate(tx: AccountTx, design_id: int, name: str) -> Design:
    """Raises NotFound."""
    await thumbnail_queue.ask(tx)
    return await tx.one(
        Design,
        """
        INSERT INTO designs (account_id, name, kind, subject, preheader, source)
        SELECT $1, left($3, 120), kind, subject, preheader, source
        FROM designs
        WHERE account_id = $1 AND id = $2
        RETURNING id, name, kind, subject, preheader, source, version, created_at, updated_at, archived_at
        """,
        design_id,
        name,
    )


async def archive(tx: AccountTx, design_id: int, *, archived: bool) -> None:
    """Raises NotFound."""
    if not await tx.run(
        """
        UPDATE designs
        SET archived_at = CASE WHEN $3 THEN coalesce(archived_at, now()) END
        WHERE account_id = $1 AND id = $2
        """,
        design_id,
        archived,
    ):
        raise NotFound
    await audit.write(tx, "archived" if archived else "unarchived", "design", design_id)


async def delete(tx: AccountTx, design_id: int) -> None:
    """For good: what is kept is the author's to throw away (S12). Raises NotFound."""
    if not await tx.run("DELETE FROM designs WHERE account_id = $1 AND id = $2", design_id):
        raise NotFound
    await audit.write(tx, "deleted", "design", design_id)
