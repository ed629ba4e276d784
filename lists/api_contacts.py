"""JSON for programs: contacts and their fields (S19)."""

from typing import Annotated

from aiohttp import web
from pydantic import AwareDatetime, Field

from lists import (
    contact_parts,
    contact_search,
    contact_views,
    contacts,
    erasures,
    field_options,
    fields,
    subscriptions,
)
from lists.contact_parts import ContactPart
from lists.contact_views import ContactShown
from lists.contacts import ContactChange, Id, NewContact
from lists.erasures import Erasure
from lists.field_changes import FieldChanged
from lists.field_options import NewOptions, OptionChange, OptionNamed
from lists.fields import FieldChange, NewField
from mailer.accounts import access
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.paging import Page
from mailer.core.text import N_
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, query, read, services
from mailer.web.response import json


class Paging(Input):
    """`limit` 1 to 100."""

    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


# names of members, with commas between them; all when left out
FieldNames = Annotated[str, Field(max_length=400, examples=["id,email,lists"])]


class PartQuery(Input):
    """`fields`: only these members of the contact."""

    fields: FieldNames = ""


class ContactQuery(Paging):
    """`q`: beginning of an address or a name. `email`: exactly this address.

    `updated_since`: whose address, name, language or fields changed since then, the oldest change first.
    """

    q: Annotated[str, Field(max_length=320)] = ""
    email: Annotated[str, Field(max_length=1000)] = ""
    list_id: Id | None = None
    status: contact_search.State = ""
    tag_id: Id | None = None
    updated_since: AwareDatetime | None = None
    fields: FieldNames = ""


class Unsubscription(Input):
    """`list_id` null: everything."""

    list_id: Id | None = None
    source: Annotated[str, Field(max_length=500)] = ""


@operation(
    "Find contacts",
    query=ContactQuery,
    returns=page_of(ContactShown) | page_of(ContactPart),
    scope="contacts:read",
)
async def index(request: web.Request) -> web.Response:
    asked = query(request, ContactQuery)
    names = contact_parts.names(asked.fields)
    async with access.api_tx(request) as tx:
        found = await _found(tx, asked)
    return json(contact_parts.parts(found, names))


async def _found(tx: AccountTx, asked: ContactQuery) -> Page[ContactShown]:
    if asked.email:
        return Page(await contact_views.with_address(tx, asked.email))
    wanted = contact_search.Filter(q=asked.q, list_id=asked.list_id, status=asked.status, tag_id=asked.tag_id)
    if asked.updated_since is None:
        return await contact_views.many(tx, wanted, cursor=asked.cursor, limit=asked.limit)
    if wanted.q:
        raise fault("q", N_("Leave this out beside updated_since."), code="together")
    return await contact_views.updated(
        tx, wanted, asked.updated_since, cursor=asked.cursor, limit=asked.limit
    )


@operation(
    "Add a contact", body=NewContact, returns=ContactShown, status=201, scope="contacts:write", errors=(409,)
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewContact)
    async with access.api_tx(request) as tx:
        contact = await contacts.add(tx, services(request).sealer, new)
        shown = await contact_views.show(tx, contact.id)
    return json(shown, status=201, headers={"Location": f"/api/v1/contacts/{contact.id}"})


@operation("Show a contact", query=PartQuery, returns=ContactShown | ContactPart, scope="contacts:read")
async def show(request: web.Request) -> web.Response:
    names = contact_parts.names(query(request, PartQuery).fields)
    async with access.api_tx(request) as tx:
        return json(contact_parts.part(await contact_views.show(tx, id_in_path(request)), names))


@operation(
    "Change a contact", body=ContactChange, returns=ContactShown, scope="contacts:write", errors=(409,)
)
async def change(request: web.Request) -> web.Response:
    wanted = await read(request, ContactChange)
    contact_id = id_in_path(request)
    async with access.api_tx(request) as tx:
        await contacts.change(tx, services(request).sealer, contact_id, wanted)
        return json(await contact_views.show(tx, contact_id))


@operation("Delete a contact", query=Erasure, status=204, scope="contacts:write", errors=(409,))
async def delete(request: web.Request) -> web.Response:
    wanted = query(request, Erasure)
    async with access.api_tx(request) as tx:
        await erasures.erase(tx, id_in_path(request), wanted)
    return web.Response(status=204)


@operation(
    "Unsubscribe a contact", body=Unsubscription, returns=ContactShown, status=201, scope="contacts:write"
)
async def unsubscribe(request: web.Request) -> web.Response:
    wanted = await read(request, Unsubscription)
    contact_id = id_in_path(request)
    # a refusal can be passed on from a suspended account as well
    async with access.api_tx(request, even_closed=True) as tx:
        await contacts.show(tx, contact_id)
        await subscriptions.unsubscribe_contacts(tx, [contact_id], wanted.list_id, source=wanted.source)
        return json(await contact_views.show(tx, contact_id), status=201)


@operation("List the custom fields", returns=page_of(fields.Field), scope="fields:read")
async def field_index(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(Page(await fields.many(tx)))


@operation(
    "Add a custom field", body=NewField, returns=fields.Field, status=201, scope="fields:write", errors=(409,)
)
async def field_create(request: web.Request) -> web.Response:
    new = await read(request, NewField)
    async with access.api_tx(request) as tx:
        field = await fields.create(tx, new)
    return json(field, status=201, headers={"Location": f"/api/v1/fields/{field.id}"})


@operation("Show a custom field", returns=fields.Field, scope="fields:read")
async def field_show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await fields.show(tx, id_in_path(request)))


@operation("Rename a custom field", body=FieldChange, returns=fields.Field, scope="fields:write")
async def field_change(request: web.Request) -> web.Response:
    wanted = await read(request, FieldChange)
    async with access.api_tx(request) as tx:
        return json(await fields.change(tx, id_in_path(request), wanted))


@operation(
    "Add options to a choice",
    body=NewOptions,
    returns=fields.Field,
    status=201,
    scope="fields:write",
)
async def option_add(request: web.Request) -> web.Response:
    new = await read(request, NewOptions)
    async with access.api_tx(request) as tx:
        return json(await field_options.add(tx, id_in_path(request), new), status=201)


@operation(
    "Rename an option, in the field at once and in the contacts in the background",
    body=OptionChange,
    returns=FieldChanged,
    status=202,
    scope="fields:write",
    errors=(409,),
)
async def option_rename(request: web.Request) -> web.Response:
    wanted = await read(request, OptionChange)
    async with access.api_tx(request) as tx:
        return json(await field_options.rename(tx, id_in_path(request), wanted), status=202)


@operation(
    "Delete an option; contacts that have it lose it",
    body=OptionNamed,
    returns=FieldChanged,
    status=202,
    scope="fields:write",
    errors=(409,),
)
async def option_delete(request: web.Request) -> web.Response:
    named = await read(request, OptionNamed)
    async with access.api_tx(request) as tx:
        return json(await field_options.delete(tx, id_in_path(request), named), status=202)


@operation("Delete a custom field and its values", status=204, scope="fields:write", errors=(409,))
async def field_delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await fields.delete(tx, id_in_path(request))
    return web.Response(status=204)


ROUTES: list[web.RouteDef] = [
    web.get("/contacts", index),
    web.post("/contacts", create),
    web.get("/contacts/{id}", show),
    web.patch("/contacts/{id}", change),
    web.delete("/contacts/{id}", delete),
    web.post("/contacts/{id}/unsubscriptions", unsubscribe),
    web.get("/fields", field_index),
    web.post("/fields", field_create),
    web.get("/fields/{id}", field_show),
    web.patch("/fields/{id}", field_change),
    web.delete("/fields/{id}", field_delete),
    web.post("/fields/{id}/options", option_add),
    web.post("/fields/{id}/options/renames", option_rename),
    web.post("/fields/{id}/options/removals", option_delete),
]
