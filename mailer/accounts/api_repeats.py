"""Idempotency-Key at the door of the API: the key, the effect and the answer are one transaction (E-61).

`once` is around the handler and commits when the answer is made; `api_tx` gives the handler that transaction.
"""

import asyncio
import re
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from mailer.accounts import repeats
from mailer.accounts.repeats import Asked, Kept
from mailer.core.actor import Actor
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, fault
from mailer.core.text import N_
from mailer.web.openapi import operation_of
from mailer.web.request import BODY, services

HEADER = "Idempotency-Key"
# a repeated request that comes while the first is under way waits so long for its answer, then hears 409
WAIT_SECONDS = 3.0
# draft-ietf-httpapi-idempotency-key-header-07 §2.1: a structured string; quotes may be left out, as most do
_KEY = re.compile(r'"[ !#-\[\]-~]{1,255}"|[!#-~]{1,255}')
_STACK = web.RequestKey("repeat_stack", AsyncExitStack)


@dataclass(frozen=True, slots=True)
class _Opened:
    tx: AccountTx
    asked: Asked


_OPEN = web.RequestKey("repeat_open", _Opened)


class Repeated(Exception):
    """The request was answered before: nothing is done."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__()
        self.answer = answer


def has_key(request: web.Request) -> bool:
    """A POST that makes or starts something, with a key."""
    known = operation_of(request.match_info.handler)
    keyed = request.method == "POST" and (known is None or known.keyed)
    return keyed and bool(request.headers.get(HEADER, "").strip())


def _key(request: web.Request) -> str:
    """Raises Invalid."""
    text = request.headers[HEADER].strip()
    if not _KEY.fullmatch(text):
        raise fault(HEADER, N_("A key has 1 to 255 plain characters."), code="key")
    return text.strip('"')


async def once(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, or the one that the same request got before."""
    if not has_key(request):
        return await handler(request)
    _key(request)
    async with AsyncExitStack() as stack:
        request[_STACK] = stack
        try:
            answer = await handler(request)
        except Repeated as repeated:
            return repeated.answer
        opened = request.get(_OPEN)
        if opened is not None and isinstance(answer, web.Response) and answer.status < 400:
            await _keep(request, opened, answer)
    return answer


async def _keep(request: web.Request, opened: _Opened, answer: web.Response) -> None:
    body = answer.body if isinstance(answer.body, bytes) else b""
    made = Kept(status=answer.status, location=answer.headers.get("Location", ""), body=body)
    await repeats.keep(opened.tx, services(request).sealer, opened.asked, made)


async def transaction(request: web.Request, account_id: int, actor: Actor) -> AccountTx:
    """The one transaction of a request with a key. Raises Repeated, Invalid, Conflict when it is under way.

    Call it after the body was read: the body is part of what was asked.
    """
    opened: _Opened | None = request.get(_OPEN)
    if opened is not None:
        return opened.tx
    sealer, until = services(request).sealer, time.monotonic() + WAIT_SECONDS
    place, key = f"{request.method} {request.path}", _key(request)
    while True:
        async with AsyncExitStack() as trial:
            tx = await trial.enter_async_context(services(request).db.account(account_id, actor=actor))
            one = await repeats.asked(tx, sealer, place=place, key=key, body=request.get(BODY, b""))
            if await repeats.lock(tx, one):
                found = await repeats.kept(tx, sealer, one)
                if found is not None:
                    raise Repeated(_again(found))
                await request[_STACK].enter_async_context(trial.pop_all())
                request[_OPEN] = _Opened(tx, one)
                return tx
        if time.monotonic() > until:
            raise Conflict(Fault(HEADER, N_("This request is under way. Ask again."), "busy"))
        # no connection is held meanwhile
        await asyncio.sleep(0.05)


def _again(found: Kept) -> web.Response:
    headers = {"Cache-Control": "no-store", "Idempotent-Replayed": "true"}
    if found.location:
        headers["Location"] = found.location
    if not found.body:
        return web.Response(status=found.status, headers=headers)
    return web.Response(
        body=found.body, content_type="application/json", status=found.status, headers=headers
    )
