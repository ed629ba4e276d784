"""JSON for programs: lists, suppressions, exports (S19)."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from lists import exports, mailing_lists, suppression_form, suppressions
from lists.api_contacts import Paging
from lists.exports import Export, NewExport
from lists.legal_bases import Day
from lists.mailing_lists import MailingList, MailingListChange, NewMailingList
from lists.suppressions import Reason, Suppression
from mailer.accounts import access
from mailer.core import clock, files
from mailer.core.addresses import AddressError
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.paging import Page
from mailer.core.sealing import Sealer
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, query, read, services
from mailer.web.response import json

Email = Annotated[str, Field(min_length=1, max_length=1000)]


class SuppressionQuery(Paging):
    """`email`: only what stops mail to this address."""

    email: Annotated[str, Field(max_length=1000)] = ""
    reason: Reason | Literal[""] = ""


class NewSuppression(Input):
    """Stops everything to this address. `objected`: the person said so to you. `expires_on`: the first day on
    which mail may go there again; a refusal of the person has none.
    """

    email: Email
    reason: Literal["added", "objected"] = "added"
    expires_on: Day = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportShown:
    """`file_url` appears when `state` is done, until `expires_at`. `columns`: as asked for, empty for all.

    The file shows each row as it was between `started_at` and `finished_at`.
    """

    id: int
    what: str
    list_id: int | None
    status: str
    columns: list[str]
    format: str
    state: str
    rows: int
    total: int
    file_url: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None


@operation("List the mailing lists", query=Paging, returns=page_of(MailingList), scope="lists:read")
async def index(request: web.Request) -> web.Response:
    asked = query(request, Paging)
    async with access.api_tx(request) as tx:
        return json(await mailing_lists.many(tx, cursor=asked.cursor, limit=asked.limit))


@operation(
    "Create a list", body=NewMailingList, returns=MailingList, status=201, scope="lists:write", errors=(409,)
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewMailingList)
    async with access.api_tx(request) as tx:
        made = await mailing_lists.create(tx, new)
    return json(made, status=201, headers={"Location": f"/api/v1/lists/{made.id}"})


@operation("Show a list", returns=MailingList, scope="lists:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await mailing_lists.show(tx, id_in_path(request)))


@operation("Change a list", body=MailingListChange, returns=MailingList, scope="lists:write", errors=(409,))
async def change(request: web.Request) -> web.Response:
    wanted = await read(request, MailingListChange)
    async with access.api_tx(request) as tx:
        return json(await mailing_lists.change(tx, id_in_path(request), wanted))


@operation(
    "Delete a list; its contacts and their refusals stay", status=204, scope="lists:write", errors=(409,)
)
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await mailing_lists.delete(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "List the suppressions", query=SuppressionQuery, returns=page_of(Suppression), scope="suppressions:read"
)
async def suppression_index(request: web.Request) -> web.Response:
    asked = query(request, SuppressionQuery)
    async with access.api_tx(request) as tx:
        wanted = suppressions.Filter(reason=asked.reason)
        if asked.email:
            hashed = await _hash(tx, services(request).sealer, asked.email)
            wanted = suppressions.Filter(reason=asked.reason, address_hash=hashed)
        return json(await suppressions.many(tx, wanted, cursor=asked.cursor, limit=asked.limit))


@operation(
    "Stop all mail to an address",
    body=NewSuppression,
    returns=page_of(Suppression),
    status=201,
    scope="suppressions:write",
)
async def suppression_create(request: web.Request) -> web.Response:
    new = await read(request, NewSuppression)
    sealer = services(request).sealer
    async with access.api_tx(request, even_closed=True) as tx:
        hashed = await _hash(tx, sealer, new.email)
        await suppression_form.check_end(tx, new.reason, new.expires_on)
        until = await suppression_form.instant(tx, new.expires_on)
        reason = Reason(new.reason)
        await suppressions.add_many_by_team(tx, sealer, [new.email], reason=reason, expires_at=until)
        return json(Page(await suppressions.of_address(tx, hashed)), status=201)


async def _hash(tx: AccountTx, sealer: Sealer, email: str) -> bytes:
    try:
        return await suppressions.hash_of(tx, sealer, email)
    except AddressError as error:
        raise Invalid(Fault("email", error.message, error.code, error.params)) from None


@operation("List the exports", query=Paging, returns=page_of(ExportShown), scope="exports:read")
async def export_index(request: web.Request) -> web.Response:
    asked = query(request, Paging)
    async with access.api_tx(request) as tx:
        found = await exports.many(tx, cursor=asked.cursor, limit=asked.limit)
    return json(Page([_shown(one) for one in found.items], found.next_cursor))


@operation("Ask for an export", body=NewExport, returns=ExportShown, status=202, scope="exports:write")
async def export_create(request: web.Request) -> web.Response:
    new = await read(request, NewExport)
    # also on suspended and closed accounts
    async with access.api_tx(request, even_closed=True) as tx:
        export = await exports.ask(tx, new)
    return json(_shown(export), status=202, headers={"Location": f"/api/v1/exports/{export.id}"})


@operation("Show an export", returns=ExportShown, scope="exports:read")
async def export_show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(_shown(await exports.show(tx, id_in_path(request))))


def _shown(export: Export) -> ExportShown:
    ready = export.state == "done" and export.expires_at is not None and export.expires_at > clock.now()
    return ExportShown(
        id=export.id,
        what=export.what,
        list_id=export.list_id,
        status=export.status,
        columns=export.chosen,
        format=export.format,
        state=export.state,
        rows=export.rows,
        total=export.total,
        file_url=f"/api/v1/exports/{export.id}/file" if ready else None,
        created_at=export.created_at,
        started_at=export.started_at,
        finished_at=export.finished_at,
        expires_at=export.expires_at,
    )


@operation("Download an export", media_type="application/octet-stream", scope="exports:read", errors=(410,))
async def export_file(request: web.Request) -> web.StreamResponse:
    async with access.api_tx(request) as tx:
        export_id = id_in_path(request)
        file, account_id = await exports.fetch(tx, export_id), tx.account_id
    return await stream(request, file, account_id=account_id)


async def stream(request: web.Request, file: files.File, *, account_id: int) -> web.StreamResponse:
    """The file as a download, a chunk at a time; one that broke off goes on where `Range: bytes=N-` says."""
    begin = _begin(request, file.size)
    answer = web.StreamResponse(
        status=200 if begin is None else 206,
        headers={
            "Content-Type": file.media_type,
            "Content-Length": str(file.size - (begin or 0)),
            "Accept-Ranges": "bytes",
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "Cache-Control": "no-store",
        },
    )
    if begin is not None:
        answer.headers["Content-Range"] = f"bytes {begin}-{file.size - 1}/{file.size}"
    await answer.prepare(request)
    async for piece in files.read(services(request).db, account_id, file.id, offset=begin or 0):
        await answer.write(piece)
    await answer.write_eof()
    return answer


def _begin(request: web.Request, size: int) -> int | None:
    """Other forms of Range may be passed over (RFC 9110 §14.2): the whole file is an answer to them."""
    found = re.fullmatch(r"bytes=(\d{1,18})-", request.headers.get("Range", ""), re.ASCII)
    if found is None:
        return None
    begin = int(found[1])
    if begin >= size:
        raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return begin


ROUTES: list[web.RouteDef] = [
    web.get("/lists", index),
    web.post("/lists", create),
    web.get("/lists/{id}", show),
    web.patch("/lists/{id}", change),
    web.delete("/lists/{id}", delete),
    web.get("/suppressions", suppression_index),
    web.post("/suppressions", suppression_create),
    web.get("/exports", export_index),
    web.post("/exports", export_create),
    web.get("/exports/{id}", export_show),
    web.get("/exports/{id}/file", export_file),
]
