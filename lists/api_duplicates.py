"""JSON for programs: duplicates, and merging two contacts (S19)."""

from aiohttp import web

from lists import contact_merges, contact_views, duplicates
from lists.api_contacts import Paging
from lists.contact_merges import Merge
from lists.contact_views import ContactShown
from lists.duplicates import Duplicate
from mailer.accounts import access
from mailer.web.openapi import operation, page_of
from mailer.web.request import id_in_path, query, read
from mailer.web.response import json


@operation(
    "List contacts that seem to be one person, as the last search found them",
    query=Paging,
    returns=page_of(Duplicate),
    scope="contacts:read",
)
async def index(request: web.Request) -> web.Response:
    asked = query(request, Paging)
    async with access.api_tx(request) as tx:
        return json(await duplicates.many(tx, cursor=asked.cursor, limit=asked.limit))


@operation(
    "Merge another contact into this one; every refusal of either holds",
    body=Merge,
    returns=ContactShown,
    status=201,
    scope="contacts:write",
)
async def merge(request: web.Request) -> web.Response:
    wanted = await read(request, Merge)
    contact_id = id_in_path(request)
    async with access.api_tx(request) as tx:
        await contact_merges.merge(tx, contact_id, wanted)
        return json(await contact_views.show(tx, contact_id), status=201)


ROUTES: list[web.RouteDef] = [
    web.get("/duplicates", index),
    web.post("/contacts/{id}/merges", merge),
]
