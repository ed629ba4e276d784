"""JSON for programs: sign-up forms and their publications (S19)."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from lists import signup_forms, signup_html, signup_versions, signup_words
from lists.api_contacts import Paging
from lists.public_visit import links
from lists.signup_forms import Draft, FormChange, FormLine, SignupForm
from lists.signup_versions import Publication
from lists.signup_words import Frozen
from mailer.accounts import access
from mailer.core.db import AccountTx
from mailer.web.openapi import operation, page_of
from mailer.web.request import id_in_path, query, read, services
from mailer.web.response import fault_json, json


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What keeps a form from being published, at its member."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormShown:
    """`version` null: not published. `url`: its public page; `html`: for other sites, when published."""

    id: int
    content: Draft
    version: int | None
    published_at: datetime | None
    missing: list[Missing]
    url: str
    html: str | None
    asked: int
    confirmed: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What people read in that version, word for word."""

    version: int
    published_at: datetime
    words: Frozen


async def _shown(request: web.Request, tx: AccountTx, form: SignupForm) -> FormShown:
    draft = form.content
    frozen = await signup_words.freeze(tx, draft, processor=services(request).settings.operator.name)
    faults = [fault_json(fault) for fault in await signup_versions.missing(tx, draft, frozen)]
    url = links(request).form(tx.account_id, form.public_key)
    current = await signup_versions.published(tx, form.public_key)
    return FormShown(
        id=form.id,
        content=draft,
        version=form.version,
        published_at=form.published_at,
        missing=[
            Missing(field=str(one["field"]), code=str(one["code"]), message=str(one["message"]))
            for one in faults
        ],
        url=url,
        html=signup_html.embedded(current, address=url) if current else None,
        asked=form.asked,
        confirmed=form.confirmed,
        created_at=form.created_at,
        updated_at=form.updated_at,
    )


@operation("List the sign-up forms", query=Paging, returns=page_of(FormLine), scope="forms:read")
async def index(request: web.Request) -> web.Response:
    asked = query(request, Paging)
    async with access.api_tx(request) as tx:
        return json(await signup_forms.many(tx, cursor=asked.cursor, limit=asked.limit))


@operation(
    "Create a sign-up form", body=Draft, returns=FormShown, status=201, scope="forms:write", errors=(409,)
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, Draft)
    async with access.api_tx(request) as tx:
        made = await _shown(request, tx, await signup_forms.create(tx, new))
    return json(made, status=201, headers={"Location": f"/api/v1/forms/{made.id}"})


@operation("Show a sign-up form", returns=FormShown, scope="forms:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _shown(request, tx, await signup_forms.show(tx, id_in_path(request))))


@operation(
    "Change a sign-up form; what is published stays as it is",
    body=FormChange,
    returns=FormShown,
    scope="forms:write",
    errors=(409,),
)
async def change(request: web.Request) -> web.Response:
    wanted = await read(request, FormChange)
    async with access.api_tx(request) as tx:
        return json(await _shown(request, tx, await signup_forms.change(tx, id_in_path(request), wanted)))


@operation("Delete a sign-up form; proofs keep its words", status=204, scope="forms:write")
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await signup_forms.delete(tx, id_in_path(request))
    return web.Response(status=204)


@operation("List the versions of a sign-up form", returns=page_of(Publication), scope="forms:read")
async def publications(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await signup_versions.many(tx, id_in_path(request)))


@operation(
    "Publish what the form says now; 422 lists what is missing",
    returns=FormShown,
    status=201,
    scope="forms:write",
)
async def publish(request: web.Request) -> web.Response:
    processor = services(request).settings.operator.name
    async with access.api_tx(request) as tx:
        form = await signup_versions.publish(tx, id_in_path(request), processor=processor)
        return json(await _shown(request, tx, form), status=201)


@operation("Show what people read in a version", returns=Wording, scope="forms:read")
async def wording(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        form = await signup_forms.show(tx, id_in_path(request))
        found = await signup_versions.publication(tx, form.id, id_in_path(request, "version"))
        words = await signup_versions.of_version(tx, form.id, found.version)
    return json(Wording(version=found.version, published_at=found.published_at, words=words))


@operation("Close the public page of a form", returns=FormShown, scope="forms:write")
async def unpublish(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _shown(request, tx, await signup_versions.unpublish(tx, id_in_path(request))))


ROUTES: list[web.RouteDef] = [
    web.get("/forms", index),
    web.post("/forms", create),
    web.get("/forms/{id}", show),
    web.patch("/forms/{id}", change),
    web.delete("/forms/{id}", delete),
    web.get("/forms/{id}/publications", publications),
    web.post("/forms/{id}/publications", publish),
    web.get("/forms/{id}/publications/{version}", wording),
    web.delete("/forms/{id}/publications", unpublish),
]
