"""Versions of a draft: the list, two of them side by side, bringing one back; and who else has it open."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import paging
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.request import Input, id_in_path, query, read
from sending import (
    ab_tests,
    campaigns,
    designs,
    differences,
    draft_versions,
    letter_words,
    pages_together,
    preview,
)
from sending.draft_versions import Draft
from sending.pages_campaigns import Number
from sending.pages_content import frame_links
from sending.preview import Kind, Subject
from sending.sources import Source


class Asked(Input):
    """`variant`: of an A/B test. `other`: the version to compare with; none, the draft as it is now."""

    variant: Annotated[int, Field(ge=1, le=4)] = 1
    cursor: str = ""
    other: Number = None


class Restoration(Input):
    """`version`: the one of the draft that the page showed."""

    version: Number = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A draft as these pages show it. `editor`, `frame`: addresses; `changing`: it can still be changed."""

    draft: Draft
    base: str
    which: str
    editor: str
    frame: str
    name: str
    source: Source
    version: int
    changing: bool


async def _place(request: web.Request, tx: AccountTx) -> Place:
    """Raises NotFound."""
    number = query(request, Asked).variant
    of, account = id_in_path(request), access.member(request)
    if "/designs/" in request.path:
        design = await designs.show(tx, of)
        base = f"/app/{account.account_id}/designs/{of}"
        return Place(
            draft=Draft(design_id=of),
            base=base,
            which="",
            editor=f"{base}/edit",
            frame=f"{base}/preview/frame",
            name=design.name,
            source=design.content(account.language),
            version=design.version,
            changing=True,
        )
    campaign = await campaigns.show(tx, of)
    if number > 1:
        campaign = await ab_tests.variant(tx, campaign, number)
    base, which = f"/app/{account.account_id}/campaigns/{of}", _which(request)
    return Place(
        draft=Draft(campaign_id=of, variant=number),
        base=base,
        which=which,
        editor=f"{base}/content{which}",
        frame=f"{base}/preview/frame{which}",
        name=campaign.name,
        source=campaign.content,
        version=campaign.version,
        changing=campaign.status == "draft",
    )


async def index(request: web.Request) -> web.Response:
    asked = query(request, Asked)
    key = paging.decode(asked.cursor, (int,))
    async with access.account_tx(request) as tx:
        place = await _place(request, tx)
        before = int(str(key[0])) if key else None
        found = await draft_versions.many(tx, place.draft, before=before)
        people = await pages_together.names(tx, [one.saved_by for one in found])
    page = paging.page(found, 50, key=lambda row: (row.id,))
    context = {"place": place, "page": page, "people": people, "asked": asked}
    return response.page(request, "sending/drafts/versions.html", context)


async def show(request: web.Request) -> web.Response:
    """A version beside the draft as it is now, or beside another version: older on the left."""
    asked = query(request, Asked)
    async with access.account_tx(request) as tx:
        place = await _place(request, tx)
        version = await draft_versions.show(tx, _version_in_path(request), place.draft)
        other = None if asked.other is None else await draft_versions.show(tx, asked.other, place.draft)
        lines = (await draft_versions.many(tx, place.draft))[:50]
        people = await pages_together.names(
            tx, [version.saved_by, other.saved_by if other else None, *_savers(lines)]
        )
    old, new = version.source, other.source if other else place.source.text
    old_kind, new_kind = version.kind, other.kind if other else place.source.kind
    rows = await asyncio.to_thread(_compared, Source(old_kind, old, ""), Source(new_kind, new, ""))
    context = {
        "place": place,
        "one": version,
        "other": other,
        "others": [line for line in lines if line.id != version.id],
        "rows": rows,
        "people": people,
        "form": forms.filled({"other": str(asked.other or ""), "variant": str(asked.variant)}),
    }
    return response.page(request, "sending/drafts/comparison.html", context)


def _savers(lines: list[draft_versions.Line]) -> list[int | None]:
    return [line.saved_by for line in lines]


def _compared(old: Source, new: Source) -> list[differences.Row]:
    return differences.compare(letter_words.readable(old), letter_words.readable(new))


def _version_in_path(request: web.Request) -> int:
    return int(request.match_info["version"])


async def restore(request: web.Request) -> web.Response:
    """Brings a version back as the newest. Raises NotFound, and Conflict when it is no draft any more."""
    given = await read(request, Restoration)
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            place = await _place(request, tx)
            version = await draft_versions.show(tx, _version_in_path(request), place.draft)
            await _bring_back(tx, place, version, given.version)
    except Conflict as error:
        if not pages_together.is_late(error):
            raise
        # nothing was lost: both are versions, and the page shows them as they are now
        message = N_("Somebody saved meanwhile. Here are both again: look, then decide.")
        await access.flash(request, message, kind="warning")
        return response.redirect(request.path.removesuffix("/restorations") + _which(request))
    await access.flash(request, N_("Restored. What was there before is among the versions."))
    return response.redirect(place.editor)


def _which(request: web.Request) -> str:
    number = query(request, Asked).variant
    return f"?variant={number}" if number > 1 else ""


async def _bring_back(
    tx: AccountTx, place: Place, version: draft_versions.Version, number: int | None
) -> None:
    source = Source(version.kind, version.source, "")
    kind: Any = version.kind
    of = place.draft.campaign_id or 0
    if place.draft.design_id is not None:
        await designs.write(tx, place.draft.design_id, source.text, version=number)
    elif place.draft.variant > 1:
        await ab_tests.write_content(tx, of, place.draft.variant, source, version=number)
    else:
        await campaigns.write_content(tx, of, kind, source.text, version=number)
    await draft_versions.mark_restored(tx, place.draft, version)
    if version.refused:
        await draft_versions.drop_refused(tx, version.id)


async def remove(request: web.Request) -> web.Response:
    """A refused text is given up by its author."""
    async with access.account_tx(request, Role.EDITOR) as tx:
        place = await _place(request, tx)
        version = await draft_versions.show(tx, _version_in_path(request), place.draft)
        await draft_versions.drop_refused(tx, version.id)
    await access.flash(request, N_("Your other text is deleted. What was saved stays."))
    return response.redirect(place.editor)


async def frame(request: web.Request) -> web.Response:
    """A version as a sample person would get it, by a token of ten minutes (E-04)."""
    async with access.account_tx(request) as tx:
        place = await _place(request, tx)
        version = await draft_versions.show(tx, _version_in_path(request), place.draft)
    what = Subject(kind=Kind.VERSION, id=version.id)
    return response.redirect(preview.frame_url(frame_links(request), access.member(request).account_id, what))


async def present(request: web.Request) -> web.Response:
    """Who else has this draft open, asked by its editor every few seconds; being asked is being there."""
    async with access.account_tx(request) as tx:
        place = await _place(request, tx)
        context = await pages_together.presence_context(request, tx, place.draft, place.version)
    return response.page(request, "sending/drafts/presence.html", context)


def _of(noun: str) -> list[web.RouteDef]:
    base = rf"/{{a}}/{noun}/{{id:\d+}}"
    return [
        web.get(rf"{base}/versions", index),
        web.get(rf"{base}/versions/{{version:\d+}}", show),
        web.get(rf"{base}/versions/{{version:\d+}}/frame", frame),
        web.post(rf"{base}/versions/{{version:\d+}}/restorations", restore),
        web.post(rf"{base}/versions/{{version:\d+}}/removals", remove),
        web.get(rf"{base}/presence", present),
    ]


ROUTES: list[web.RouteDef] = [*_of("campaigns"), *_of("designs")]
