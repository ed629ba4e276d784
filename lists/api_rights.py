"""JSON for programs: the rights of one person (C-10, C-13, S19)."""

from typing import Any

from aiohttp import web

from lists import consents, contact_history, contact_views, contacts, restrictions
from lists.api_contacts import Paging
from lists.consents import Entry
from lists.contact_views import ContactShown
from lists.restrictions import Lifting, NewRestriction
from mailer.accounts import access
from mailer.web.openapi import operation, page_of
from mailer.web.request import id_in_path, query, read
from mailer.web.response import json


@operation(
    "Limit the use of a contact's data",
    body=NewRestriction,
    returns=ContactShown,
    status=201,
    scope="contacts:write",
    errors=(409,),
)
async def limit(request: web.Request) -> web.Response:
    wanted, contact_id = await read(request, NewRestriction), id_in_path(request)
    # a wish of the person is heard on a suspended account as well
    async with access.api_tx(request, even_closed=True) as tx:
        await restrictions.limit(tx, contact_id, wanted)
        return json(await contact_views.show(tx, contact_id), status=201)


@operation(
    "Lift the limit, after the person was told",
    body=Lifting,
    returns=ContactShown,
    status=201,
    scope="contacts:write",
    errors=(409,),
)
async def lift(request: web.Request) -> web.Response:
    wanted, contact_id = await read(request, Lifting), id_in_path(request)
    async with access.api_tx(request) as tx:
        await restrictions.lift(tx, contact_id, wanted)
        return json(await contact_views.show(tx, contact_id), status=201)


@operation("List a contact's proofs of consent", query=Paging, returns=page_of(Entry), scope="contacts:read")
async def ledger(request: web.Request) -> web.Response:
    asked = query(request, Paging)
    async with access.api_tx(request) as tx:
        contact = await contacts.show(tx, id_in_path(request))
        return json(await consents.pages(tx, contact.id, cursor=asked.cursor, limit=asked.limit))


@operation("Copy everything held about a person", returns=dict[str, Any], scope="contacts:read")
async def data(request: web.Request) -> web.Response:
    async with access.api_tx(request, even_closed=True) as tx:
        return json(await contact_history.archive(tx, id_in_path(request)))


ROUTES: list[web.RouteDef] = [
    web.get("/contacts/{id}/consents", ledger),
    web.get("/contacts/{id}/data", data),
    web.post("/contacts/{id}/restrictions", limit),
    web.post("/contacts/{id}/restrictions/liftings", lift),
]
