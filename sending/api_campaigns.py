"""JSON for programs: campaigns, from the draft to its deliveries."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import AwareDatetime, Field, NaiveDatetime, StringConstraints

from mailer.accounts import access
from mailer.core import paging
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, query, read, services
from mailer.web.response import json
from sending import (
    campaign_lists,
    campaign_segments,
    campaigns,
    deliveries,
    footer,
    local_times,
    remainders,
    sends,
    sources,
)
from sending.campaign_lists import Ids
from sending.campaigns import Campaign, CampaignLine, Kind, Language, Line, Name
from sending.deliveries import Delivery
from sending.letter import Letter
from sending.problems import Problem, blocking
from sending.sources import Source

# white space at the ends of a source counts: line numbers are told of it
Mjml = Annotated[str, StringConstraints(strip_whitespace=False, max_length=500_000)]
SenderId = Annotated[int, Field(ge=1, lt=2**63)]
Version = Annotated[int, Field(ge=0, lt=2**31)]
Address = Annotated[str, StringConstraints(max_length=320)]


class CampaignInput(Input):
    """`segment_ids` narrow the lists: only people who are in each of them.

    `mjml` or `letter` is the content; `footer` adds the standard one to MJML (identity, unsubscribe)."""

    kind: Kind | None = None
    sender_id: SenderId | None = None
    reply_to: Address | None = None
    language: Language | None = None
    subject: Line | None = None
    preheader: Line | None = None
    list_ids: Ids | None = None
    exclude_list_ids: Ids | None = None
    segment_ids: Ids | None = None
    exclude_segment_ids: Ids | None = None
    mjml: Mjml | None = None
    letter: Letter | None = None
    footer: bool = False
    keep_source: bool | None = None


class NewCampaignInput(CampaignInput):
    name: Name


class CampaignPatch(CampaignInput):
    """`version`: refuses with 409 when somebody changed the campaign since it was read."""

    name: Name | None = None
    version: Version | None = None


class CampaignQuery(Input):
    status: Literal["", "draft", "scheduled", "preparing", "sending", "paused", "sent", "cancelled"] = ""
    q: Annotated[str, StringConstraints(max_length=120)] = ""
    archived: bool = False
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 25


class SendInput(Input):
    """`at` None: now. `local_at`: that hour on the clock of each recipient, whose zone or country stands in
    the text field or choice `zone_field`; others get it by the account's. `expected`: 409 when
    the audience is of another size."""

    at: AwareDatetime | None = None
    local_at: NaiveDatetime | None = None
    zone_field: Annotated[str, StringConstraints(max_length=40)] = ""
    expected: Annotated[int, Field(ge=0)] | None = None


class RemainderInput(Input):
    name: Name


class DeliveryQuery(Input):
    """`waiting`: queued, claimed or in hand-over. `deferred`: queued again after a try."""

    status: Literal[
        "", "queued", "deferred", "claimed", "handing", "delivered", "bounced", "failed", "skipped",
        "cancelled", "in_doubt", "waiting",
    ] = ""  # fmt: skip
    reason: Annotated[str, StringConstraints(max_length=40)] = ""
    provider: Annotated[str, StringConstraints(max_length=40)] = ""
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignView:
    """`audience` is frozen when the campaign is prepared; content is null once it is erased (six days).

    `rest_of`: the campaign that stopped, whose remaining recipients alone get this one. `reminder_of`: the
    one that is sent again to those who did not click it.
    """

    id: int
    name: str
    kind: str
    status: str
    pause_reason: str
    pause_figures: dict[str, Any]
    sender_id: int | None
    reply_to: str
    language: str
    subject: str
    preheader: str
    list_ids: list[int]
    exclude_list_ids: list[int]
    segment_ids: list[int]
    exclude_segment_ids: list[int]
    mjml: str | None
    letter: dict[str, Any] | None
    keep_source: bool
    version: int
    scheduled_at: datetime | None
    local_at: datetime | None
    zone_field: str
    audience: int
    started_at: datetime | None
    finished_at: datetime | None
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    rest_of: int | None
    reminder_of: int | None


async def view(tx: AccountTx, campaign: Campaign) -> CampaignView:
    used = await campaign_lists.many(tx, campaign.id)
    narrowed = await campaign_segments.many(tx, campaign.id)
    kept = campaign.content_erased_at is None
    values = {
        name: getattr(campaign, name)
        for name in CampaignView.__dataclass_fields__
        if name in Campaign.__dataclass_fields__
    }
    is_letter = kept and campaign.content_kind == "letter"
    return CampaignView(
        **values,
        list_ids=[one.list_id for one in used if one.use == "include"],
        exclude_list_ids=[one.list_id for one in used if one.use == "exclude"],
        segment_ids=[one.segment_id for one in narrowed if one.use == "include"],
        exclude_segment_ids=[one.segment_id for one in narrowed if one.use == "exclude"],
        mjml=campaign.source if kept and campaign.content_kind == "mjml" else None,
        letter=sources.letter_values(campaign.source) if is_letter else None,
    )


async def _write(tx: AccountTx, campaign: Campaign, given: CampaignInput) -> CampaignView:
    """Content and lists of a body; what it leaves out stays. Raises Invalid with lines and columns."""
    if given.mjml is not None and given.letter is not None:
        raise Invalid(Fault("letter", N_("Give mjml or letter, not both."), "both"))
    if given.mjml is not None:
        source = _with_footer(given.mjml, campaign.language) if given.footer else given.mjml
        found = sources.check_source(
            Source("mjml", source, campaign.language), fields=await sources.field_keys(tx)
        )
        if blocking(found):
            raise Invalid(*_faults("mjml", found))
        campaign = await campaigns.write_content(tx, campaign.id, "mjml", source)
    if given.letter is not None:
        text = orjson.dumps(given.letter.model_dump(exclude={"language"})).decode()
        found = sources.check_source(
            Source("letter", text, campaign.language), fields=await sources.field_keys(tx)
        )
        if blocking(found):
            raise Invalid(*_faults("letter", found))
        campaign = await campaigns.write_content(tx, campaign.id, "letter", text)
    campaign = await _audience(tx, campaign, given)
    return await view(tx, campaign)


async def _audience(tx: AccountTx, campaign: Campaign, given: CampaignInput) -> Campaign:
    """Lists and segments of a body. Raises Invalid with the API's names."""
    lists = given.list_ids, given.exclude_list_ids
    narrowing = given.segment_ids, given.exclude_segment_ids
    if lists == (None, None) and narrowing == (None, None):
        return campaign
    used = [(one.list_id, one.use) for one in await campaign_lists.many(tx, campaign.id)]
    include, exclude = _chosen(used, *lists)
    campaign = await campaign_lists.choose(tx, campaign.id, include=include, exclude=exclude)
    used = [(one.segment_id, one.use) for one in await campaign_segments.many(tx, campaign.id)]
    include, exclude = _chosen(used, *narrowing)
    try:
        await campaign_segments.choose(tx, campaign.id, include=include, exclude=exclude)
    except Invalid as error:
        names = {"include_segments": "segment_ids", "exclude_segments": "exclude_segment_ids"}
        raise Invalid(*(replace(one, field=names[one.field]) for one in error.faults)) from None
    return campaign


def _chosen(
    used: list[tuple[int, str]], include: list[int] | None, exclude: list[int] | None
) -> tuple[list[int], list[int]]:
    """What the body leaves out stays."""
    return (
        [one for one, use in used if use == "include"] if include is None else include,
        [one for one, use in used if use == "exclude"] if exclude is None else exclude,
    )


def _with_footer(source: str, language: str) -> str:
    made = footer.add_footer(source, language=language)
    if isinstance(made, Problem):
        raise Invalid(*_faults("mjml", [made]))
    return made


def _faults(field: str, problems: list[Problem]) -> list[Fault]:
    return [Fault(field, one.message, one.code, one.params, one.line or None, one.column) for one in problems]


@operation(
    "List campaigns, newest first",
    query=CampaignQuery,
    returns=page_of(CampaignLine),
    scope="campaigns:read",
)
async def index(request: web.Request) -> web.Response:
    asked = query(request, CampaignQuery)
    key = paging.decode(asked.cursor, (int,))
    wanted = campaigns.Filter(
        status=asked.status,
        q=asked.q,
        archived=asked.archived,
        before=int(str(key[0])) if key else None,
        limit=asked.limit,
    )
    async with access.api_tx(request) as tx:
        rows = await campaigns.many(tx, wanted)
    return json(paging.page(rows, asked.limit, key=lambda row: (row.id,)))


@operation(
    "Create a campaign", body=NewCampaignInput, returns=CampaignView, status=201, scope="campaigns:write"
)
async def create(request: web.Request) -> web.Response:
    given = await read(request, NewCampaignInput)
    new = campaigns.NewCampaign(
        name=given.name,
        kind=given.kind or "newsletter",
        sender_id=given.sender_id,
        reply_to=given.reply_to or "",
        language=given.language,
        subject=given.subject or "",
        preheader=given.preheader or "",
    )
    async with access.api_tx(request) as tx:
        campaign = await campaigns.create(tx, new)
        if given.keep_source is not None:
            changes = campaigns.Changes(keep_source=given.keep_source)
            campaign = await campaigns.change(tx, campaign.id, changes)
        return json(await _write(tx, campaign, given), status=201)


@operation("Show a campaign", returns=CampaignView, scope="campaigns:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await view(tx, await campaigns.show(tx, id_in_path(request))))


@operation("Change a draft", body=CampaignPatch, returns=CampaignView, scope="campaigns:write", errors=(409,))
async def change(request: web.Request) -> web.Response:
    given = await read(request, CampaignPatch)
    names = campaigns.Changes.model_fields.keys() & CampaignPatch.model_fields.keys()
    changes = campaigns.Changes(**{name: getattr(given, name) for name in names})
    async with access.api_tx(request) as tx:
        campaign = await campaigns.change(tx, id_in_path(request), changes)
        return json(await _write(tx, campaign, given))


@operation("Delete a draft", status=204, scope="campaigns:write", errors=(409,))
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await campaigns.delete(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "Send a campaign, now or at a time",
    body=SendInput,
    returns=CampaignView,
    status=202,
    scope="campaigns:send",
    errors=(409,),
)
async def send(request: web.Request) -> web.Response:
    given = await read(request, SendInput)
    local = local_times.asked(given.at, given.local_at, given.zone_field)
    order = sends.Order(at=given.at, local=local, expected=given.expected)
    async with access.api_tx(request) as tx:
        campaign = await sends.schedule(tx, services(request), id_in_path(request), order)
        return json(await view(tx, campaign), status=202)


@operation("Pause a campaign", returns=CampaignView, scope="campaigns:send", errors=(409,))
async def pause(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await view(tx, await sends.pause(tx, id_in_path(request))))


@operation(
    "Put a scheduled or paused campaign of which nothing left back to a draft",
    returns=CampaignView,
    scope="campaigns:send",
    errors=(409,),
)
async def recall(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await view(tx, await sends.recall(tx, id_in_path(request))))


@operation(
    "Make a draft for those whom a campaign that stopped has not reached, and cancel its rest",
    body=RemainderInput,
    returns=CampaignView,
    status=201,
    scope="campaigns:send",
    errors=(409,),
)
async def continue_(request: web.Request) -> web.Response:
    given = await read(request, RemainderInput)
    async with access.api_tx(request) as tx:
        made = await remainders.begin(tx, id_in_path(request), given.name)
        return json(await view(tx, made), status=201)


@operation("Cancel a campaign for good", returns=CampaignView, scope="campaigns:send", errors=(409,))
async def cancel(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await view(tx, await sends.cancel(tx, id_in_path(request))))


@operation(
    "List the deliveries of a campaign, by contact",
    query=DeliveryQuery,
    returns=page_of(Delivery),
    scope="campaigns:read",
)
async def list_deliveries(request: web.Request) -> web.Response:
    asked = query(request, DeliveryQuery)
    key = paging.decode(asked.cursor, (int,))
    wanted = deliveries.Filter(
        status=asked.status,
        reason=asked.reason,
        provider=asked.provider,
        after=int(str(key[0])) if key else None,
        limit=asked.limit,
    )
    async with access.api_tx(request) as tx:
        await campaigns.show(tx, id_in_path(request))
        rows = await deliveries.many(tx, id_in_path(request), wanted)
    return json(paging.page(rows, asked.limit, key=lambda row: (row.contact_id,)))


ROUTES: list[web.RouteDef] = [
    web.get("/campaigns", index),
    web.post("/campaigns", create),
    web.get("/campaigns/{id}", show),
    web.patch("/campaigns/{id}", change),
    web.delete("/campaigns/{id}", delete),
    web.post("/campaigns/{id}/sends", send),
    web.post("/campaigns/{id}/pauses", pause),
    web.post("/campaigns/{id}/recalls", recall),
    web.post("/campaigns/{id}/remainders", continue_),
    web.post("/campaigns/{id}/cancellations", cancel),
    web.get("/campaigns/{id}/deliveries", list_deliveries),
]
