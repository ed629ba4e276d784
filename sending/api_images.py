"""JSON for programs: the library of images. A file comes as `multipart/form-data`, its words as JSON."""

from hashlib import sha256
from typing import Annotated

import orjson
from aiohttp import BodyPartReader, web
from pydantic import BaseModel, Field, StringConstraints

from mailer.accounts import access
from mailer.core import paging
from mailer.core.errors import Fault, Invalid, fault
from mailer.core.links import Links
from mailer.core.text import N_
from mailer.web.openapi import operation, page_of
from mailer.web.request import BODY, Input, WrongMediaType, check, id_in_path, query, read, services
from mailer.web.response import json
from sending import image_bytes, image_library, image_uses, images
from sending.image_bytes import Cut
from sending.image_library import ImageView, Looking
from sending.image_uses import Use
from sending.images import Words

MAX_OPTIONS = 10_000  # bytes


class NewImage(Words):
    """`alt`, or `decorative`: true. `fit`: 1,200 pixels wide at most, a mail's column on a fine screen."""

    fit: bool = True


class ImageForm(BaseModel):
    """The two parts of the form."""

    file: Annotated[bytes, Field(json_schema_extra={"format": "binary"})]
    options: NewImage


class ImageChanges(Input):
    """What is left out stays. `kept`: stays also when nothing uses it."""

    label: Annotated[str, StringConstraints(max_length=120)] | None = None
    alt: Annotated[str, StringConstraints(max_length=300)] | None = None
    decorative: bool | None = None
    folder: Annotated[str, StringConstraints(max_length=80)] | None = None
    kept: bool | None = None


class Listing(Input):
    """`q`: words of label, description or folder. `folder`: "" for those in none. `unused`: used nowhere."""

    q: Annotated[str, StringConstraints(max_length=120)] = ""
    folder: Annotated[str, StringConstraints(max_length=80)] | None = None
    unused: bool = False
    cursor: Annotated[str, StringConstraints(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class Deleting(Input):
    """`anyway`: also when drafts, designs, forms or sent mails show it; never while a campaign leaves."""

    anyway: bool = False


def _links(request: web.Request) -> Links:
    held = services(request)
    return Links(held.tokens, held.settings.track_url)


@operation("List images, the newest first", query=Listing, returns=page_of(ImageView), scope="images:read")
async def index(request: web.Request) -> web.Response:
    asked = query(request, Listing)
    key = paging.decode(asked.cursor, (int,))
    looking = Looking(
        q=asked.q,
        folder=asked.folder,
        unused=asked.unused,
        before=int(str(key[0])) if key else None,
        limit=asked.limit,
    )
    async with access.api_tx(request) as tx:
        found = await image_library.many(tx, looking)
    page = paging.page(found, asked.limit, key=lambda row: (row.id,))
    links = _links(request)
    return json(paging.Page([image_library.view(one, links) for one in page.items], page.next_cursor))


@operation(
    "Add an image: PNG, JPEG, GIF or WebP, 10 MB at most; it is encoded again, without metadata",
    body=ImageForm,
    returns=ImageView,
    status=201,
    multipart=True,
    scope="images:write",
    errors=(413, 415),
)
async def create(request: web.Request) -> web.Response:
    # the key and its right come before the work
    async with access.api_look(request) as tx:
        account_id = tx.account_id
    if request.content_type != "multipart/form-data":
        raise WrongMediaType
    data, new = await _parts(request)
    request[BODY] = sha256(data).digest() + orjson.dumps(new.model_dump(), option=orjson.OPT_SORT_KEYS)
    images.check_words(new)
    clean = await images.clean(data, Cut(max_width=images.SHARP) if new.fit else image_bytes.WHOLE)
    stored = await images.store(services(request).db, account_id, clean)
    async with access.api_tx(request) as tx:
        image = await images.add(tx, stored, Words(**new.model_dump(exclude={"fit"})))
    view = image_library.view(image, _links(request))
    return json(view, status=201, headers={"Location": f"/api/v1/images/{image.id}"})


async def _parts(request: web.Request) -> tuple[bytes, NewImage]:
    """Both parts, in either order. Raises Invalid at `file` or `options`."""
    data: bytes | None = None
    new: NewImage | None = None
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "file" and data is None:
                data = await _limited(part, image_bytes.MAX_BYTES, "file")
            elif part.name == "options" and new is None:
                new = check(NewImage, _loaded(await _limited(part, MAX_OPTIONS, "options")))
    except Invalid:
        raise
    except ValueError as error:
        raise fault("file", N_("Send the file as the part “file”."), code="multipart") from error
    if not data:
        raise fault("file", N_("Send the file as the part “file”."), code="missing")
    if new is None:
        raise fault("options", N_("Send the options as JSON in the part “options”."), code="missing")
    return data, new


async def _limited(part: BodyPartReader, limit: int, field: str) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        data += chunk
        if len(data) > limit:
            message = N_("The image is larger than {limit} MB. Make it smaller, then upload it again.")
            raise Invalid(Fault(field, message, "too_large", {"limit": limit // 1_000_000 or 1}))
    return bytes(data)


def _loaded(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        where = {"line": error.lineno, "column": error.colno}
        message = N_("This is not JSON: line {line}, column {column}.")
        raise Invalid(Fault("options", message, "json_invalid", where)) from None


@operation("Show an image", returns=ImageView, scope="images:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(image_library.view(await images.show(tx, id_in_path(request)), _links(request)))


@operation(
    "Change the words of an image, its folder, whether it is kept",
    body=ImageChanges,
    returns=ImageView,
    scope="images:write",
)
async def change(request: web.Request) -> web.Response:
    changes = await read(request, ImageChanges)
    image_id = id_in_path(request)
    async with access.api_tx(request) as tx:
        image = await images.show(tx, image_id)
        given = changes.model_dump(exclude_none=True, exclude={"kept"})
        if changes.alt:
            given.setdefault("decorative", False)
        if given:
            await images.describe(tx, image_id, Words(**(image.words.model_dump() | given)))
        if changes.kept is not None:
            await images.keep(tx, image_id, kept=changes.kept)
        return json(image_library.view(await images.show(tx, image_id), _links(request)))


@operation(
    "Delete an image for good, also from mails that were sent",
    query=Deleting,
    status=204,
    scope="images:write",
    errors=(409,),
)
async def delete(request: web.Request) -> web.Response:
    asked = query(request, Deleting)
    async with access.api_tx(request) as tx:
        await image_uses.delete(tx, id_in_path(request), anyway=asked.anyway)
    return web.Response(status=204)


@operation(
    "What uses an image: the first hundred drafts, campaigns, designs, forms, versions; the brand kit",
    returns=page_of(Use),
    scope="images:read",
)
async def uses(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        found = await image_uses.of(tx, await images.show(tx, id_in_path(request)))
    return json(paging.Page(found.items))


ROUTES: list[web.RouteDef] = [
    web.get("/images", index),
    web.post("/images", create),
    web.get("/images/{id}", show),
    web.patch("/images/{id}", change),
    web.delete("/images/{id}", delete),
    web.get("/images/{id}/uses", uses),
]
