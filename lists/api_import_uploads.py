"""JSON for programs: uploads that are asked for first, so that a large file can break off and go on.

POST /imports/uploads ─▶ url ─ PUT (public_uploads.py, no key) ─▶ POST /imports/uploads/{id}/imports
"""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from lists import api_imports, import_upload, import_uploads
from lists.api_imports import ImportShown, NewImport
from lists.import_uploads import Asked, Received
from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import Input, id_in_path, read, services
from mailer.web.response import json


class NewUpload(Input):
    """`size` in bytes."""

    file_name: Annotated[str, Field(min_length=1, max_length=255)]
    size: Annotated[int, Field(ge=1)]


@operation(
    "Ask for an upload: its address takes the bytes by PUT for 24 hours, without a key",
    body=NewUpload,
    returns=Asked,
    status=201,
    scope="imports:write",
    errors=(409,),
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewUpload)
    async with access.api_tx(request) as tx:
        upload_id = await import_uploads.ask(tx, new.file_name, new.size)
        stored = await import_uploads.show(tx, upload_id)
        account_id = tx.account_id
    own = services(request)
    place = import_uploads.Place(account_id, upload_id, new.size)
    asked = Asked(
        id=upload_id,
        url=own.settings.public_url.rstrip("/")
        + import_uploads.address(own.tokens, place, stored.expires_at),
        file_name=stored.name,
        size=new.size,
        received=0,
        complete=False,
        expires_at=stored.expires_at,
    )
    return json(asked, status=201, headers={"Location": f"/api/v1/imports/uploads/{upload_id}"})


@operation("How much of an upload is here", returns=Received, scope="imports:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        stored = await import_uploads.show(tx, id_in_path(request))
    return json(Received(received=stored.size, complete=stored.complete))


@operation(
    "Import a complete upload; as POST /imports does with a form",
    body=NewImport,
    returns=ImportShown,
    status=202,
    scope="imports:write",
    errors=(409,),
)
async def start(request: web.Request) -> web.Response:
    new = await read(request, NewImport)
    async with access.api_tx(request) as tx:
        account_id = tx.account_id
    db = services(request).db
    upload = await import_uploads.take(db, account_id, id_in_path(request))
    if new.sheet and new.sheet != upload.detected.sheet:
        upload = await import_upload.look_again(db, account_id, upload, sheet=new.sheet)
    return await api_imports.begin(request, upload, new, asked=True)


ROUTES = [
    web.post("/imports/uploads", create),
    web.get("/imports/uploads/{id}", show),
    web.post("/imports/uploads/{id}/imports", start),
]
