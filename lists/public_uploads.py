"""/t/uploads/{token}: the bytes of an upload that a program asked for. The address is the key."""

import re
from collections.abc import AsyncIterator

from aiohttp import web

from lists import import_uploads
from lists.import_uploads import Received
from mailer.core.errors import Invalid, NotFound, fault
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.middleware import TITLES
from mailer.web.request import services

PIECE = 64 * 1024
BAD_RANGE = N_("Write Content-Range as “bytes 1000000-1999999/5000000”, with the size you announced.")
# RFC 9110 §14.4; §14.5: a partial PUT, which both sides must have agreed on
_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})", re.ASCII)


async def show(request: web.Request) -> web.Response:
    """Where to go on."""
    own = services(request)
    try:
        at = import_uploads.place(own.tokens, request.match_info["token"])
        async with own.db.account(at.account_id) as tx:
            stored = await import_uploads.show(tx, at.file_id)
    except NotFound:
        return _problem(request, 404)
    return response.json(Received(received=stored.size, complete=stored.complete))


async def put(request: web.Request) -> web.Response:
    """The whole file, or a part with Content-Range from what is received on."""
    own = services(request)
    try:
        at = import_uploads.place(own.tokens, request.match_info["token"])
        start = _start(request, at.size)
        received = await import_uploads.put(own.db, at, _pieces(request), start=start)
    except NotFound:
        return _problem(request, 404)
    except Invalid as error:
        return _problem(request, error.status, errors=[response.fault_json(one) for one in error.faults])
    return response.json(Received(received=received, complete=received == at.size))


def _problem(
    request: web.Request, status: int, errors: list[dict[str, object]] | None = None
) -> web.Response:
    return response.problem(
        request, status, i18n.translate(TITLES.get(status, TITLES[500])), errors=errors or []
    )


def _start(request: web.Request, size: int) -> int | None:
    told = request.headers.get("Content-Range")
    if told is None:
        return None
    found = _RANGE.fullmatch(told.strip())
    if found is None or not int(found[1]) <= int(found[2]) < int(found[3]) == size:
        raise fault("Content-Range", BAD_RANGE, code="range")
    return int(found[1])


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    async for piece in request.content.iter_chunked(PIECE):
        yield piece


ROUTES: list[web.RouteDef] = [
    web.get("/uploads/{token}", show),
    web.put("/uploads/{token}", put),
]
