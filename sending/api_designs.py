"""JSON for programs: designs, the files they come from, the starters, and the brand kit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import Field, StringConstraints

from mailer.accounts import access
from mailer.core import paging
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, check, id_in_path, query, read, services
from mailer.web.response import json
from sending import (
    brand_kits,
    design_export,
    design_import,
    designs,
    image_uses,
    pages_gallery,
    sources,
    starters,
)
from sending.api_campaigns import Mjml, Version
from sending.brand_kits import Kit
from sending.campaigns import Language, Line
from sending.designs import Design, DesignLine, Name, NewDesign
from sending.letter import Letter
from sending.problems import Problem, blocking
from sending.sources import Source


class DesignInput(Input):
    """`mjml` or `letter` is the content. `archived`: kept, but out of the list."""

    subject: Line | None = None
    preheader: Line | None = None
    mjml: Mjml | None = None
    letter: Letter | None = None


class NewDesignInput(DesignInput):
    """`starter`: begins with this one, in `language`, instead of a content of its own."""

    name: Name
    starter: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}$")] | None = None
    language: Language | None = None


class DesignPatch(DesignInput):
    """`version`: refuses with 409 when somebody changed the content since it was read."""

    name: Name | None = None
    archived: bool | None = None
    version: Version | None = None


class DesignQuery(Input):
    archived: bool = False
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 25


class FileOptions(Input):
    """The fields of the form beside `file`, which is a .mjml, .html or .zip of at most 20 MB."""

    name: Annotated[str, StringConstraints(max_length=120)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignView:
    id: int
    name: str
    kind: str
    subject: str
    preheader: str
    mjml: str | None
    letter: dict[str, Any] | None
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """`message` is in the language of the request; branch on `code`. `line` 0: of the whole file."""

    line: int
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportView:
    """`changed`: by lines of the file that came; `to_do`: by lines of the design that was made of it."""

    design: DesignView
    changed: list[Remark]
    to_do: list[Remark]


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterView:
    key: str
    name: str
    about: str


def view(design: Design) -> DesignView:
    letter = design.kind == "letter"
    return DesignView(
        **{name: getattr(design, name) for name in DesignLine.__dataclass_fields__},
        preheader=design.preheader,
        mjml=None if letter else design.source,
        letter=sources.letter_values(design.source) if letter else None,
    )


async def _content(tx: AccountTx, given: DesignInput, language: str) -> Source | None:
    """What a body holds. Raises Invalid with lines and columns."""
    if given.mjml is not None and given.letter is not None:
        raise Invalid(Fault("letter", N_("Give mjml or letter, not both."), "both"))
    if given.mjml is not None:
        source = Source("mjml", given.mjml, language)
    elif given.letter is not None:
        source = Source(
            "letter", orjson.dumps(given.letter.model_dump(exclude={"language"})).decode(), language
        )
    else:
        return None
    found = sources.check_source(source, fields=await sources.field_keys(tx))
    if blocking(found):
        places = [(one, one.line or None, one.column) for one in found]
        raise Invalid(*(Fault(source.kind, one.message, one.code, one.params, *at) for one, *at in places))
    return source


@operation("List designs, newest first", query=DesignQuery, returns=page_of(DesignLine), scope="designs:read")
async def index(request: web.Request) -> web.Response:
    asked = query(request, DesignQuery)
    key = paging.decode(asked.cursor, (int,))
    before = int(str(key[0])) if key else None
    async with access.api_tx(request) as tx:
        rows = await designs.lines(tx, archived=asked.archived, before=before, limit=asked.limit)
    return json(paging.page(rows, asked.limit, key=lambda row: (row.id,)))


@operation("Create a design", body=NewDesignInput, returns=DesignView, status=201, scope="designs:write")
async def create(request: web.Request) -> web.Response:
    given = await read(request, NewDesignInput)
    async with access.api_tx(request) as tx:
        language = given.language or "fr"
        source = await _content(tx, given, language)
        subject = given.subject or ""
        if given.starter is not None:
            if source is not None:
                raise Invalid(Fault("starter", N_("Give a starter or a content, not both."), "both"))
            if given.starter not in starters.KEYS:
                raise Invalid(Fault("starter", N_("There is no such starter."), "unknown"))
            source = Source("mjml", starters.source(given.starter, language), language)
            subject = subject or starters.subject(given.starter, language)
        if source is None:
            raise Invalid(Fault("mjml", N_("Give mjml, a letter or a starter."), "missing"))
        kind: Any = source.kind
        made = await designs.create(tx, NewDesign(name=given.name, kind=kind), source.text, subject)
        if given.preheader:
            made = await designs.change(tx, made.id, preheader=given.preheader)
        return json(view(made), status=201)


@operation("Show a design", returns=DesignView, scope="designs:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(view(await designs.show(tx, id_in_path(request))))


@operation("Change a design", body=DesignPatch, returns=DesignView, scope="designs:write", errors=(409,))
async def change(request: web.Request) -> web.Response:
    given = await read(request, DesignPatch)
    async with access.api_tx(request) as tx:
        design = await designs.show(tx, id_in_path(request))
        source = await _content(tx, given, "fr")
        if source is not None and source.kind != design.kind:
            raise Invalid(Fault(source.kind, N_("A design stays what it is: a letter or MJML."), "kind"))
        if source is not None or given.version is not None:
            text = design.source if source is None else source.text
            await designs.write(tx, design.id, text, version=given.version)
        if given.archived is not None:
            await designs.archive(tx, design.id, archived=given.archived)
        changes = {"name": given.name, "subject": given.subject, "preheader": given.preheader}
        made = await designs.change(tx, design.id, **changes)
        return json(view(made))


@operation(
    "Delete a design for good, with the images that nothing else shows", status=204, scope="designs:write"
)
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await image_uses.delete_design(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "Import a .mjml, .html or .zip file as a design",
    body=FileOptions,
    multipart=True,
    returns=ImportView,
    status=201,
    scope="designs:write",
    errors=(413, 415),
    keyed=False,
)
async def take_file(request: web.Request) -> web.Response:
    async with access.api_look(request) as tx:
        account_id = tx.account_id
    values: dict[str, str] = {}
    file = await pages_gallery.read_file(request, values)
    options = check(FileOptions, values)
    made = await design_import.take(
        services(request), account_id, file, name=options.name, language=i18n.language()
    )
    found = ImportView(design=view(made.design), changed=_told(made.told), to_do=_told(made.problems))
    return json(found, status=201, headers={"Location": f"/api/v1/designs/{made.design.id}"})


def _told(problems: list[Problem]) -> list[Remark]:
    return [
        Remark(line=one.line, code=one.code, message=i18n.translate(one.message, **one.params))
        for one in problems
    ]


@operation(
    "Download a design: MJML, or a .zip with its images",
    media_type="application/octet-stream",
    scope="designs:read",
)
async def download(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        made = await design_export.export(tx, id_in_path(request), language=i18n.language())
    return pages_gallery.as_file(made)


@operation("List the starters that a design can begin with", returns=list[StarterView], scope="designs:read")
async def list_starters(request: web.Request) -> web.Response:
    async with access.api_tx(request):
        found = [
            StarterView(key=one.key, name=i18n.translate(one.name), about=i18n.translate(one.about))
            for one in starters.STARTERS
        ]
    return json(found)


@operation("Show the brand kit", returns=Kit, scope="designs:read")
async def show_kit(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await brand_kits.stored(tx))


@operation("Set the brand kit: drafts look so from now on", body=Kit, returns=Kit, scope="designs:write")
async def put_kit(request: web.Request) -> web.Response:
    given = await read(request, Kit)
    async with access.api_tx(request) as tx:
        return json(await brand_kits.put(tx, given))


ROUTES: list[web.RouteDef] = [
    web.get("/designs", index),
    web.post("/designs", create),
    web.get("/design-starters", list_starters),
    web.post("/design-files", take_file),
    web.get("/designs/{id}", show),
    web.patch("/designs/{id}", change),
    web.delete("/designs/{id}", delete),
    web.get("/designs/{id}/file", download),
    web.get("/brand-kit", show_kit),
    web.put("/brand-kit", put_kit),
]
