"""JSON for programs: the register of requests about people's data (A-023, A-090, S19)."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from lists import rights_acts, rights_answers, rights_records, rights_requests
from lists.public_rights_confirm import desk
from lists.rights_answers import Answering, Extension
from lists.rights_records import RecordedRequest
from lists.rights_requests import Request
from mailer.accounts import access
from mailer.core import clock
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, query, read, services
from mailer.web.response import json


class RequestPaging(Input):
    """`state` open: by the last day, the nearest first; else the newest first."""

    state: Literal["", "open", "done", "refused"] = ""
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


@operation(
    "List requests about people's data",
    query=RequestPaging,
    returns=page_of(Request),
    scope="requests:read",
)
async def index(request: web.Request) -> web.Response:
    asked = query(request, RequestPaging)
    async with access.api_tx(request) as tx:
        sealer = services(request).sealer
        return json(
            await rights_requests.many(tx, sealer, state=asked.state, cursor=asked.cursor, limit=asked.limit)
        )


@operation("Show a request", returns=Request, scope="requests:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await rights_requests.show(tx, services(request).sealer, id_in_path(request)))


@operation(
    "Record a request that came by another way",
    body=RecordedRequest,
    returns=Request,
    status=201,
    scope="requests:write",
)
async def record(request: web.Request) -> web.Response:
    wanted = await read(request, RecordedRequest)
    async with access.api_tx(request, even_closed=True) as tx:
        made = await rights_records.record(tx, services(request).sealer, wanted, now=clock.now())
        return json(made, status=201)


@operation(
    "Send the person the link to their file",
    returns=Request,
    status=201,
    scope="requests:write",
    errors=(409,),
)
async def copy(request: web.Request) -> web.Response:
    request_id = id_in_path(request)
    async with access.api_tx(request, even_closed=True) as tx:
        await rights_acts.send_copy(tx, desk(request), request_id, now=clock.now())
        return json(await rights_requests.show(tx, services(request).sealer, request_id), status=201)


@operation(
    "Take two months more, with a reason that the person is told",
    body=Extension,
    returns=Request,
    status=201,
    scope="requests:write",
    errors=(409,),
)
async def extend(request: web.Request) -> web.Response:
    wanted, request_id = await read(request, Extension), id_in_path(request)
    async with access.api_tx(request, even_closed=True) as tx:
        sealer = services(request).sealer
        found = await rights_answers.extend(tx, sealer, request_id, wanted, now=clock.now())
        return json(found, status=201)


@operation(
    "Answer a request and close it",
    body=Answering,
    returns=Request,
    status=201,
    scope="requests:write",
    errors=(409,),
)
async def complete(request: web.Request) -> web.Response:
    wanted, request_id = await read(request, Answering), id_in_path(request)
    async with access.api_tx(request, even_closed=True) as tx:
        sealer = services(request).sealer
        found = await rights_answers.answer(tx, sealer, request_id, wanted, now=clock.now())
        return json(found, status=201)


ROUTES: list[web.RouteDef] = [
    web.get("/requests", index),
    web.post("/requests", record),
    web.get("/requests/{id}", show),
    web.post("/requests/{id}/copies", copy),
    web.post("/requests/{id}/extensions", extend),
    web.post("/requests/{id}/completions", complete),
]
