"""JSON for programs: segments and their numbers (S19)."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from lists import segment_known, segment_words, segments
from lists.api_contacts import Paging
from lists.segment_known import Known
from lists.segment_tree import Tree
from lists.segments import NewSegment, Segment, SegmentChange
from mailer.accounts import access
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.paging import Page
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, query, read
from mailer.web.response import json


class Question(Input):
    """A rule that need not be saved."""

    tree: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentShown:
    """`contacts`: the exact number at `counted_at`; `current`: of this rule, not an earlier one.

    `usable` is false when a condition speaks of something that was deleted. `sentence` is in the language of
    the request.
    """

    id: int
    name: str
    tree: Tree
    sentence: str
    usable: bool
    version: int
    contacts: int | None
    counted_at: datetime | None
    current: bool
    counting: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleShown:
    id: int
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateShown:
    """`exact` false: from a sample of 1 % of the contacts, give or take `margin`. `examples`: at most ten."""

    contacts: int
    exact: bool
    margin: int
    sentence: str
    examples: list[ExampleShown]


def _shown(one: Segment, tree: Tree, known: Known) -> SegmentShown:
    return SegmentShown(
        id=one.id,
        name=one.name,
        tree=tree,
        sentence=segment_words.sentence(tree, known),
        usable=not segment_known.faults(tree, known),
        version=one.version,
        contacts=one.contacts,
        counted_at=one.counted_at,
        current=one.current,
        counting=one.counting,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


async def _one(tx: AccountTx, one: Segment) -> SegmentShown:
    tree = one.rule
    return _shown(one, tree, await segment_known.load(tx, tree))


@operation("List the segments", query=Paging, returns=page_of(SegmentShown), scope="segments:read")
async def index(request: web.Request) -> web.Response:
    asked = query(request, Paging)
    async with access.api_tx(request) as tx:
        found = await segments.many(tx, cursor=asked.cursor, limit=asked.limit)
        trees = [one.rule for one in found.items]
        known = await segment_known.load(tx, *trees)
    shown = [_shown(one, tree, known) for one, tree in zip(found.items, trees, strict=True)]
    return json(Page(shown, found.next_cursor))


@operation(
    "Create a segment",
    body=NewSegment,
    returns=SegmentShown,
    status=201,
    scope="segments:write",
    errors=(409,),
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewSegment)
    async with access.api_tx(request) as tx:
        made = await _one(tx, await segments.create(tx, new))
    return json(made, status=201, headers={"Location": f"/api/v1/segments/{made.id}"})


@operation("Show a segment", returns=SegmentShown, scope="segments:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _one(tx, await segments.show(tx, id_in_path(request))))


@operation(
    "Change a segment", body=SegmentChange, returns=SegmentShown, scope="segments:write", errors=(409,)
)
async def change(request: web.Request) -> web.Response:
    wanted = await read(request, SegmentChange)
    async with access.api_tx(request) as tx:
        return json(await _one(tx, await segments.change(tx, id_in_path(request), wanted)))


@operation("Delete a segment that no campaign uses", status=204, scope="segments:write", errors=(409,))
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await segments.delete(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "Estimate how many contacts a rule has",
    body=Question,
    returns=EstimateShown,
    scope="segments:read",
    keyed=False,
)
async def estimate(request: web.Request) -> web.Response:
    asked = await read(request, Question)
    async with access.api_tx(request) as tx:
        known = await segment_known.load(tx, asked.tree)
        faults = segment_known.faults(asked.tree, known)
        if faults:
            raise Invalid(*segments.in_tree(faults))
        found = await segments.estimate(tx, asked.tree, known)
    return json(
        EstimateShown(
            contacts=found.contacts,
            exact=found.exact,
            margin=found.margin,
            sentence=segment_words.sentence(asked.tree, known),
            examples=[ExampleShown(id=one.id, email=one.email) for one in found.people],
        )
    )


@operation("Count a segment exactly", returns=SegmentShown, status=202, scope="segments:write")
async def count(request: web.Request) -> web.Response:
    segment_id = id_in_path(request)
    async with access.api_tx(request) as tx:
        await segments.ask_count(tx, segment_id)
        return json(await _one(tx, await segments.show(tx, segment_id)), status=202)


ROUTES: list[web.RouteDef] = [
    web.get("/segments", index),
    web.post("/segments", create),
    web.post("/segment-estimates", estimate),
    web.get("/segments/{id}", show),
    web.patch("/segments/{id}", change),
    web.delete("/segments/{id}", delete),
    web.post("/segments/{id}/counts", count),
]
