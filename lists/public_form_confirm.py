"""/t/confirm/form/{token}: the owner of an address confirms a sign-up. GET shows, POST does (B-26)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from lists import public_form_guard, recipients, sign_up_requests, signup_versions
from lists.public_forms import framed
from lists.public_visit import back
from lists.sign_up_requests import Request
from mailer.accounts import identity
from mailer.accounts.identity import Identity
from mailer.core import clock
from mailer.core.actor import RECIPIENT
from mailer.core.db import AccountTx
from mailer.core.errors import Gone
from mailer.core.tokens import Purpose
from mailer.web import i18n, response
from mailer.web.request import services


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """`waiting` None: it is over, or everything it was about is gone."""

    tx: AccountTx
    controller: Identity
    request_id: int
    waiting: Request | None


@asynccontextmanager
async def visit(request: web.Request) -> AsyncIterator[Visit]:
    """Raises NotFound for a damaged link, and when the account itself is erased."""
    held = services(request)
    account_id, request_id = held.tokens.read_timed(
        Purpose.SIGN_UP, request.match_info["token"], now=int(clock.now().timestamp())
    )
    async with held.db.account(account_id, actor=RECIPIENT) as tx:
        waiting = await sign_up_requests.waiting(tx, request_id)
        if waiting is not None and not waiting.lists:
            waiting = None
        language = ""
        if waiting is not None:
            language = (await signup_versions.of_version(tx, waiting.form_id, waiting.version)).language
        i18n.use_language(
            i18n.best_language(
                request.query.get("lang"), language, accept=request.headers.get("Accept-Language", "")
            )
        )
        yield Visit(tx=tx, controller=await identity.of(tx), request_id=request_id, waiting=waiting)


def _shown(request: web.Request, found: Visit) -> web.Response:
    waiting = found.waiting
    if waiting is None:
        context = framed(request, found.controller, {})
        return response.page(request, "lists/recipients/confirm_over.html", context, status=410)
    more: dict[str, object] = {
        "lists": ", ".join(waiting.lists),
        "done": waiting.confirmed_at is not None,
        "active": waiting.active,
        "action": str(request.rel_url),
        "address": recipients.masked(waiting.email),
    }
    context = framed(request, found.controller, more)
    return response.page(request, "lists/recipients/form_confirm.html", context)


async def page(request: web.Request) -> web.Response:
    async with visit(request) as found:
        return _shown(request, found)


async def act(request: web.Request) -> web.Response:
    try:
        async with visit(request) as found:
            if found.waiting is None:
                return _shown(request, found)
            await public_form_guard.count_confirmation(request, found.tx.account_id, found.request_id)
            said = i18n.translate("Confirm my subscription")
            await sign_up_requests.confirm(found.tx, found.request_id, said=said)
    except Gone:
        async with visit(request) as found:
            context = framed(request, found.controller, {})
            return response.page(request, "lists/recipients/confirm_over.html", context, status=410)
    return back(request)


ROUTES: list[web.RouteDef] = [
    web.get("/confirm/form/{token}", page),
    web.post("/confirm/form/{token}", act),
]
