"""JSON for programs: the plan of a recurring campaign and its editions."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.core import paging
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, query, read, services
from mailer.web.response import json
from sending import campaigns, editions, feeds, recurrences
from sending.editions import Edition
from sending.recurrence_times import Every
from sending.recurrences import Plan, Recurrence


class PageQuery(Input):
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrenceView:
    """`status`: active, paused or ended. `faults`: why the checks of an edition paused it, empty when a
    person did. `upcoming`: the next five times. `number`: of the last edition.

    `feed_error`: in a word why the feed was not read, "" when it was."""

    campaign_id: int
    every: Every
    weekdays: list[int]
    month_day: int | None
    last_weekday: int | None
    at: str
    time_zone: str
    ends_on: date | None
    skip_unchanged: bool
    feed_url: str
    feed_error: str
    feed_read_at: datetime | None
    status: str
    faults: list[dict[str, Any]]
    next_at: datetime | None
    upcoming: list[datetime]
    number: int
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionView:
    """`result`: made (not scheduled yet), scheduled, unchanged, nothing_new, blocked or missed.

    `campaign_id`: of the campaign that it became."""

    due_at: datetime
    result: str
    number: int | None
    campaign_id: int | None
    faults: list[dict[str, Any]]


def _view(found: Recurrence) -> RecurrenceView:
    names = RecurrenceView.__dataclass_fields__.keys() & Recurrence.__dataclass_fields__.keys()
    values = {name: getattr(found, name) for name in names}
    return RecurrenceView(
        **values
        | {"weekdays": list(found.weekdays), "at": f"{found.at:%H:%M}", "faults": found.pause_faults},
        upcoming=[one.at for one in found.upcoming()],
    )


def _edition(found: Edition) -> EditionView:
    return EditionView(**{name: getattr(found, name) for name in EditionView.__dataclass_fields__})


@operation("List the plans of recurring campaigns", returns=page_of(RecurrenceView), scope="campaigns:read")
async def list_all(request: web.Request) -> web.Response:
    asked = query(request, PageQuery)
    key = paging.decode(asked.cursor, (int,))
    async with access.api_tx(request) as tx:
        rows = await recurrences.many(tx, before=int(str(key[0])) if key else None, limit=asked.limit)
    page = paging.page(rows, asked.limit, key=lambda row: (row.id,))
    return json({"items": [_view(row) for row in page.items], "next_cursor": page.next_cursor})


@operation("Show the plan of a recurring campaign", returns=RecurrenceView, scope="campaigns:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(_view(await recurrences.show(tx, id_in_path(request))))


@operation(
    "Repeat a draft by a plan",
    body=Plan,
    returns=RecurrenceView,
    scope="campaigns:send",
    errors=(409,),
)
async def put(request: web.Request) -> web.Response:
    given = await read(request, Plan)
    async with access.api_look(request) as tx:
        await campaigns.show(tx, id_in_path(request))
    feed = await feeds.first_look(services(request), given.feed_url)
    async with access.api_tx(request) as tx:
        return json(_view(await recurrences.put(tx, services(request), id_in_path(request), given, feed)))


@operation("Delete the plan of a recurring campaign", status=204, scope="campaigns:send")
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await recurrences.remove(tx, id_in_path(request))
    return web.Response(status=204)


@operation("Pause a recurring campaign", returns=RecurrenceView, scope="campaigns:send", errors=(409,))
async def pause(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(_view(await recurrences.pause(tx, id_in_path(request))))


@operation("Resume a recurring campaign", returns=RecurrenceView, scope="campaigns:send", errors=(409,))
async def resume(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(_view(await recurrences.resume(tx, services(request), id_in_path(request))))


@operation("List the editions of a recurring campaign", returns=page_of(EditionView), scope="campaigns:read")
async def list_editions(request: web.Request) -> web.Response:
    asked = query(request, PageQuery)
    before = editions.before(asked.cursor)
    async with access.api_tx(request) as tx:
        plan = await recurrences.show(tx, id_in_path(request))
        rows = await editions.many(tx, plan.id, before=before, limit=asked.limit)
    page = editions.page(rows, asked.limit)
    return json({"items": [_edition(row) for row in page.items], "next_cursor": page.next_cursor})


ROUTES: list[web.RouteDef] = [
    web.get("/recurrences", list_all),
    web.get("/campaigns/{id}/recurrence", show),
    web.put("/campaigns/{id}/recurrence", put),
    web.delete("/campaigns/{id}/recurrence", delete),
    web.post("/campaigns/{id}/recurrence/pauses", pause),
    web.post("/campaigns/{id}/recurrence/resumptions", resume),
    web.get("/campaigns/{id}/recurrence/editions", list_editions),
]
