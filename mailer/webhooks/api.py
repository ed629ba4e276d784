"""JSON for programs: webhooks and their log (E-63, E-64). A secret is in the answer that makes it only."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.core import clock
from mailer.core.paging import Page
from mailer.web.openapi import operation, page_of
from mailer.web.outgoing import wall_of
from mailer.web.request import Input, id_in_path, query, rates, read, services
from mailer.web.response import json
from mailer.webhooks import attempts, endpoints
from mailer.webhooks.attempts import Attempt, Replay, Replayed
from mailer.webhooks.endpoints import Endpoint, EndpointChanges, NewEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedEndpoint(Endpoint):
    """`secret`: signs every request; this is the only answer that holds it."""

    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """Signs from now on; the one before it signs, too, until `old_secret_until`."""

    secret: str
    old_secret_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSent:
    """`message_id`: the `webhook-id` of the test event; its attempt stands in the log in a moment."""

    message_id: str


class AttemptQuery(Input):
    cursor: Annotated[str, Field(max_length=1000)] = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 50


@operation("List the webhooks", returns=page_of(Endpoint), scope="webhooks:read")
async def index(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(Page(await endpoints.many(tx)))


@operation(
    "Add a webhook; the answer holds its secret, this once",
    body=NewEndpoint,
    returns=CreatedEndpoint,
    status=201,
    scope="webhooks:write",
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewEndpoint)
    held = services(request)
    async with access.api_tx(request) as tx:
        made, secret = await endpoints.create(tx, held.sealer, wall_of(held.settings), new)
    told = {field.name: getattr(made, field.name) for field in fields(Endpoint)}
    location = {"Location": f"/api/v1/webhooks/{made.id}"}
    return json(CreatedEndpoint(**told, secret=secret), status=201, headers=location)


@operation("Show a webhook", returns=Endpoint, scope="webhooks:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await endpoints.show(tx, id_in_path(request)))


@operation(
    "Change a webhook, turn it off or on; what is left out stays",
    body=EndpointChanges,
    returns=Endpoint,
    scope="webhooks:write",
)
async def change(request: web.Request) -> web.Response:
    changes = await read(request, EndpointChanges)
    wall = wall_of(services(request).settings)
    async with access.api_tx(request) as tx:
        return json(await endpoints.change(tx, wall, id_in_path(request), changes))


@operation("Delete a webhook, its secret and its log", status=204, scope="webhooks:write")
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await endpoints.delete(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "Make a new secret; for 24 hours requests are signed with both",
    returns=NewSecret,
    status=201,
    scope="webhooks:write",
)
async def rotate(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        secret = await endpoints.rotate(tx, services(request).sealer, id_in_path(request))
    return json(NewSecret(secret=secret, old_secret_until=clock.now() + endpoints.ROTATION), status=201)


@operation(
    "Send a test event, to a webhook in whatever state; it is tried once",
    returns=TestSent,
    status=202,
    scope="webhooks:write",
)
async def test(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await rates(request).take(attempts.TESTS, str(tx.account_id))
        return json(TestSent(message_id=await attempts.test(tx, id_in_path(request))), status=202)


@operation(
    "List the attempts of six days, the newest first",
    query=AttemptQuery,
    returns=page_of(Attempt),
    scope="webhooks:read",
)
async def log(request: web.Request) -> web.Response:
    asked = query(request, AttemptQuery)
    async with access.api_tx(request) as tx:
        return json(await attempts.many(tx, id_in_path(request), cursor=asked.cursor, limit=asked.limit))


@operation(
    "Send one message again, or all of six days since a time, each with the `webhook-id` it had",
    body=Replay,
    returns=Replayed,
    status=202,
    scope="webhooks:write",
    errors=(409,),
)
async def replay(request: web.Request) -> web.Response:
    wanted = await read(request, Replay)
    async with access.api_tx(request) as tx:
        return json(await attempts.replay(tx, id_in_path(request), wanted), status=202)


ROUTES: list[web.RouteDef] = [
    web.get("/webhooks", index),
    web.post("/webhooks", create),
    web.get("/webhooks/{id}", show),
    web.patch("/webhooks/{id}", change),
    web.delete("/webhooks/{id}", delete),
    web.post("/webhooks/{id}/secrets", rotate),
    web.post("/webhooks/{id}/tests", test),
    web.get("/webhooks/{id}/attempts", log),
    web.post("/webhooks/{id}/replays", replay),
]
