"""Campaigns: what is written and for whom, until it is sent; `sends` decides when it leaves.

    draft → scheduled → preparing → sending ⇄ paused → sent        any of the middle four → cancelled (S2)
      ◀──── recall, while nothing has left ──── paused

Only a draft changes. Each change names the version it was made on: two people never overwrite each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from mailer.accounts import audit, identity
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Invalid, fault
from mailer.core.text import N_
from mailer.web.request import Input
from sending import ab_variants, campaign_segments, draft_versions, merge, senders, sources

Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Line = Annotated[str, StringConstraints(max_length=500)]
Kind = Literal["newsletter", "promotion", "service"]
Language = Literal["fr", "en"]


class Status(StrEnum):
    """The words of S2: the same in SQL, API and pages."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PREPARING = "preparing"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class NewCampaign(Input):
    """`sender_id` None: the first confirmed sender. `language` None: the account's."""

    name: Name
    kind: Kind = "newsletter"
    sender_id: int | None = None
    reply_to: Annotated[str, StringConstraints(max_length=320)] = ""
    language: Language | None = None
    subject: Line = ""
    preheader: Line = ""


class Changes(Input):
    """What is None stays. `version`: the one the change was made on, None to change whatever is there."""

    version: int | None = None
    name: Name | None = None
    kind: Kind | None = None
    sender_id: int | None = None
    reply_to: Annotated[str, StringConstraints(max_length=320)] | None = None
    language: Language | None = None
    subject: Line | None = None
    preheader: Line | None = None
    keep_source: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """`audience` is frozen when prepared; `lists` counts the included ones. `rest_of`: see `remainders`;
    `automation_id`: see `automation_mails`.

    Subject and source are gone six days after the end (S12).
    """

    id: int
    name: str
    kind: str
    status: str
    pause_reason: str
    pause_figures: Mapping[str, Any]
    sender_id: int | None
    reply_to: str
    language: str
    subject: str
    preheader: str
    content_kind: str
    lists: int
    source: str
    keep_source: bool
    tested_at: datetime | None
    version: int
    scheduled_at: datetime | None
    local_at: datetime | None
    zone_field: str
    time_zone: str
    audience: int
    prepared_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    content_erased_at: datetime | None
    created_by: int | None
    sent_by: int | None
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    rest_of: int | None
    reminder_of: int | None
    feed_shown: list[dict[str, str]] | None
    automation_id: int | None

    @property
    def content(self) -> sources.Source:
        return sources.of(self.content_kind, self.source, self.language, self.feed_shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLine:
    """A row of the list of campaigns."""

    id: int
    name: str
    kind: str
    status: str
    pause_reason: str
    audience: int
    scheduled_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list of campaigns shows. `before` is the id of the last row of the page before."""

    status: str = ""
    q: str = ""
    archived: bool = False
    before: int | None = None
    limit: int = 25


async def create(tx: AccountTx, new: NewCampaign) -> Campaign:
    """A draft. Raises Invalid: a sender of nobody's, a reply-to that is no address, merge tags at fault."""
    who = await identity.of(tx)
    faults = sources.line_faults(new.subject, new.preheader, await sources.field_keys(tx))
    if faults:
        raise Invalid(*faults)
    sender_id = new.sender_id or await tx.value(
        "SELECT id FROM senders WHERE account_id = $1 AND status = 'confirmed' ORDER BY id LIMIT 1"
    )
    await _check_sender(tx, sender_id)
    campaign_id: int = await tx.value(
        """
        INSERT INTO campaigns (account_id, name, kind, sender_id, reply_to, language, subject, preheader,
                               keep_source, time_zone, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        RETURNING id
        """,
        new.name,
        new.kind,
        sender_id,
        _reply_to(new.reply_to),
        new.language or who.language,
        new.subject,
        new.preheader,
        who.keep_sources,
        who.time_zone,
        tx.actor.id if tx.actor.kind == "user" else None,
    )
    await audit.write(tx, "created", "campaign", campaign_id)
    return await show(tx, campaign_id)


async def show(tx: AccountTx, campaign_id: int) -> Campaign:
    """Raises NotFound."""
    return await tx.one(
        Campaign,
        """
        SELECT id, name, kind, status, pause_reason, pause_figures, sender_id, reply_to, language, subject,
               preheader, content_kind,
               (SELECT count(*)::int FROM campaign_lists l
                WHERE l.account_id = $1 AND l.campaign_id = $2 AND l.use = 'include') AS lists,
               source, keep_source, tested_at, version, scheduled_at, local_at, zone_field,
               time_zone, audience, prepared_at, started_at, finished_at, content_erased_at, created_by,
               sent_by, created_at, updated_at, archived_at, rest_of, reminder_of, automation_id,
               (SELECT r.feed_shown FROM recurrences r
                WHERE r.account_id = $1 AND r.campaign_id = $2 AND r.feed_url <> '') AS feed_shown
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
    )


async def many(tx: AccountTx, wanted: Filter) -> list[CampaignLine]:
    """Newest first, one more than the limit when there are more. `q` is part of the name."""
    return await tx.many(
        CampaignLine,
        """
        SELECT id, name, kind, status, pause_reason, audience, scheduled_at, started_at, finished_at,
               created_at, updated_at, archived_at
        FROM campaigns
        WHERE account_id = $1 AND automation_id IS NULL
          AND ($2 = '' OR status = $2)
          AND ($3 = '' OR position(lower($3) IN lower(name)) > 0)
          AND (archived_at IS NOT NULL) = $4
          AND ($5::bigint IS NULL OR id < $5)
        ORDER BY id DESC
        LIMIT $6
        """,
        wanted.status,
        wanted.q,
        wanted.archived,
        wanted.before,
        wanted.limit + 1,
    )


async def change(tx: AccountTx, campaign_id: int, changes: Changes) -> Campaign:
    """A draft's setup. Raises NotFound, Conflict (no draft any more, or another version), Invalid."""
    faults = sources.line_faults(changes.subject or "", changes.preheader or "", await sources.field_keys(tx))
    if faults:
        raise Invalid(*faults)
    await _check_sender(tx, changes.sender_id)
    changed = await tx.run(
        """
        UPDATE campaigns
        SET name = coalesce($4, name), kind = coalesce($5, kind), sender_id = coalesce($6, sender_id),
            reply_to = coalesce($7, reply_to), language = coalesce($8, language),
            subject = coalesce($9, subject), preheader = coalesce($10, preheader),
            keep_source = coalesce($11, keep_source), version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'draft' AND version = coalesce($3, version)
        """,
        campaign_id,
        changes.version,
        changes.name,
        changes.kind,
        changes.sender_id,
        None if changes.reply_to is None else _reply_to(changes.reply_to),
        changes.language,
        changes.subject,
        changes.preheader,
        changes.keep_source,
    )
    return await after_change(tx, campaign_id, changed)


async def write_content(
    tx: AccountTx, campaign_id: int, kind: sources.ContentKind, source: str, *, version: int | None = None
) -> Campaign:
    """A draft's source, as it is: what is wrong with it is shown, and blocks the send, not the saving.

    Raises NotFound, Conflict, and Invalid at `source` when it is too long to be read.
    """
    if len(source) > merge.MAX_SOURCE:
        message = N_("The source holds {size} characters; {limit} at most. Shorten it.")
        raise fault("source", message, code="source_too_long", size=len(source), limit=merge.MAX_SOURCE)
    await draft_versions.keep_campaign(tx, campaign_id, own=False)
    changed = await tx.run(
        """
        UPDATE campaigns
        SET content_kind = $4, source = $5, version = version + 1, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status = 'draft' AND version = coalesce($3, version)
        """,
        campaign_id,
        version,
        kind,
        source.replace("\0", ""),
    )
    written = await after_change(tx, campaign_id, changed)
    await draft_versions.keep_campaign(tx, campaign_id)
    await draft_versions.thin(tx, draft_versions.Draft(campaign_id=campaign_id))
    return written


async def duplicate(tx: AccountTx, campaign_id: int, name: str) -> Campaign:
    """A new draft with the same lists, sender and, while it is kept, content."""
    found = await copy(tx, campaign_id, name)
    await audit.write(tx, "duplicated", "campaign", campaign_id)
    return found


async def copy(tx: AccountTx, campaign_id: int, name: str) -> Campaign:
    """The same without a line in the journal: for what nobody asked for in so many words."""
    copy_id: int | None = await tx.value(
        """
        INSERT INTO campaigns (account_id, name, kind, sender_id, reply_to, language, subject, preheader,
                               content_kind, source, keep_source, time_zone, created_by, unmeasured,
                               asks_measurement)
        SELECT $1, left($3, 120), kind, sender_id, reply_to, language, subject, preheader,
               CASE WHEN source = '' THEN 'none' ELSE content_kind END, source, keep_source, time_zone, $4,
               unmeasured, asks_measurement
        FROM campaigns
        WHERE account_id = $1 AND id = $2
        RETURNING id
        """,
        campaign_id,
        name,
        tx.actor.id if tx.actor.kind == "user" else None,
    )
    found = await show(tx, copy_id or campaign_id)
    await tx.run(
        """
        INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position)
        SELECT c.account_id, $3, c.list_id, c.use, c.position
        FROM campaign_lists c
        JOIN mailing_lists l ON l.account_id = c.account_id AND l.id = c.list_id
        WHERE c.account_id = $1 AND c.campaign_id = $2 AND l.deleted_at IS NULL
        """,
        campaign_id,
        found.id,
    )
    await campaign_segments.copy(tx, campaign_id, to=found.id)
    await ab_variants.copy(tx, campaign_id, to=found.id)
    await tx.run(
        """
        INSERT INTO utm_settings (account_id, campaign_id, active, source, medium, campaign, content, rule,
                                  domains)
        SELECT account_id, $3, active, source, medium, campaign, content, rule, domains
        FROM utm_settings
        WHERE account_id = $1 AND campaign_id = $2
        """,
        campaign_id,
        found.id,
    )
    return found


async def archive(tx: AccountTx, campaign_id: int, *, archived: bool) -> None:
    """Out of the list, or back into it. Raises NotFound, and Conflict while it is being sent."""
    changed = await tx.run(
        """
        UPDATE campaigns
        SET archived_at = CASE WHEN $3 THEN coalesce(archived_at, now()) END
        WHERE account_id = $1 AND id = $2 AND status IN ('draft', 'sent', 'cancelled')
        """,
        campaign_id,
        archived,
    )
    if not changed:
        await show(tx, campaign_id)
        raise _wrong_state(N_("A campaign that is being sent cannot be archived."))
    await audit.write(tx, "archived" if archived else "unarchived", "campaign", campaign_id)


async def delete(tx: AccountTx, campaign_id: int) -> None:
    """A draft, for good. Raises NotFound, and Conflict for what was ever sent."""
    changed = await tx.run(
        """
        DELETE FROM campaigns
        WHERE account_id = $1 AND id = $2 AND status = 'draft' AND automation_id IS NULL
          AND NOT EXISTS (SELECT FROM recurrences
                          WHERE account_id = $1 AND campaign_id = $2 AND status <> 'ended')
        """,
        campaign_id,
    )
    if not changed:
        if (await show(tx, campaign_id)).status == Status.DRAFT:
            raise _wrong_state(N_("This draft is the model of a recurring campaign. Delete its plan first."))
        raise _wrong_state(N_("Only drafts can be deleted. Archive this campaign instead."))
    await audit.write(tx, "deleted", "campaign", campaign_id)


def changed_meanwhile() -> Conflict:
    """Somebody saved another version since this one was shown (ui 2.3)."""
    message = N_("Somebody saved this campaign while you worked. Your text is kept: compare both.")
    return Conflict(Fault("version", message, "version"))


def _wrong_state(message: str) -> Conflict:
    return Conflict(Fault("status", message, "status"))


async def after_change(tx: AccountTx, campaign_id: int, rows: int) -> Campaign:
    """The campaign after a change that touched `rows`; says why when it touched none."""
    found = await show(tx, campaign_id)
    if rows:
        return found
    if found.status != Status.DRAFT:
        raise _wrong_state(N_("This campaign is no draft any more: it can no longer be changed."))
    raise changed_meanwhile()


async def _check_sender(tx: AccountTx, sender_id: int | None) -> None:
    if sender_id is not None and not await tx.value(
        "SELECT 1 FROM senders WHERE account_id = $1 AND id = $2", sender_id
    ):
        raise fault("sender_id", N_("Choose a sender of this account."), code="unknown")


def _reply_to(text: str) -> str:
    return senders.read_address(text, "reply_to").email if text.strip() else ""
