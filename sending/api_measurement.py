"""JSON for programs: a campaign without measurement, and a request for consent."""

from dataclasses import dataclass

from aiohttp import web

from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import Input, id_in_path, read, services
from mailer.web.response import json
from sending import consent_requests, measuring
from sending.consent_requests import NewRequest


class MeasuredInput(Input):
    """`measured` false: this draft measures nothing, whatever the account does."""

    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The campaign that was made or changed."""

    id: int
    name: str
    status: str
    version: int


@operation(
    "Measure nothing in a draft, or what the account measures",
    body=MeasuredInput,
    returns=Draft,
    scope="campaigns:write",
    errors=(409,),
)
async def switch(request: web.Request) -> web.Response:
    given = await read(request, MeasuredInput)
    async with access.api_tx(request) as tx:
        found = await measuring.switch(tx, id_in_path(request), measured=given.measured)
        return json(Draft(id=found.id, name=found.name, status=found.status, version=found.version))


@operation(
    "Make a draft that asks people for measurement, less those who were asked or refused in six months",
    body=NewRequest,
    returns=Draft,
    status=201,
    scope="campaigns:write",
)
async def begin(request: web.Request) -> web.Response:
    new = await read(request, NewRequest)
    async with access.api_tx(request) as tx:
        made = await consent_requests.begin(tx, new, processor=services(request).settings.operator.name)
        return json(Draft(id=made.id, name=made.name, status=made.status, version=made.version), status=201)


ROUTES: list[web.RouteDef] = [
    web.patch("/campaigns/{id}/measurement", switch),
    web.post("/consent-requests", begin),
]
