"""JSON for programs: tags, and the tags of a contact (S19)."""

from aiohttp import web

from lists import contact_views, tags
from lists.contact_views import ContactShown
from lists.tags import CountedTag, Tag, TagInput
from mailer.accounts import access
from mailer.core.paging import Page
from mailer.web.openapi import operation, page_of
from mailer.web.request import id_in_path, read
from mailer.web.response import json


@operation(
    "List the tags with their contacts, counted up to 10,000", returns=page_of(CountedTag), scope="tags:read"
)
async def index(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(Page(await tags.many(tx)))


@operation(
    "Make a tag, or find the one of this name", body=TagInput, returns=Tag, status=201, scope="tags:write"
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, TagInput)
    async with access.api_tx(request) as tx:
        made = await tags.named(tx, new.name)
    return json(made, status=201, headers={"Location": f"/api/v1/tags/{made.id}"})


@operation("Show a tag", returns=Tag, scope="tags:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await tags.show(tx, id_in_path(request)))


@operation("Rename a tag", body=TagInput, returns=Tag, scope="tags:write", errors=(409,))
async def rename(request: web.Request) -> web.Response:
    wanted = await read(request, TagInput)
    async with access.api_tx(request) as tx:
        return json(await tags.rename(tx, id_in_path(request), wanted.name))


@operation("Delete a tag and take it off every contact", status=204, scope="tags:write")
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await tags.delete(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "Put a tag on a contact; it is made on the way",
    body=TagInput,
    returns=ContactShown,
    status=201,
    scope="tags:write",
)
async def put(request: web.Request) -> web.Response:
    new = await read(request, TagInput)
    contact_id = id_in_path(request)
    async with access.api_tx(request) as tx:
        await tags.put_on(tx, contact_id, new.name)
        return json(await contact_views.show(tx, contact_id), status=201)


@operation("Take a tag off a contact", status=204, scope="tags:write")
async def take(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await tags.take_off(tx, id_in_path(request), id_in_path(request, "tag"))
    return web.Response(status=204)


ROUTES: list[web.RouteDef] = [
    web.get("/tags", index),
    web.post("/tags", create),
    web.get("/tags/{id}", show),
    web.patch("/tags/{id}", rename),
    web.delete("/tags/{id}", delete),
    web.post("/contacts/{id}/tags", put),
    web.delete("/contacts/{id}/tags/{tag}", take),
]
