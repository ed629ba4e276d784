"""The operator's page of what is held, and why: released, or refused with a reason that is told (ui 2.7)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, operations
from mailer.accounts.home import PAUSE_WORDS
from mailer.core.actor import Actor
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import response
from mailer.web.forms import Form, again
from mailer.web.request import ID, Input, client_ip, id_in_path, query, read, services
from sending import operator_holds

BASE = "/app/operator/holds"


class Asked(Input):
    cursor: str = Field("", max_length=200)


class Refusal(Input):
    reason: str = Field(min_length=1, max_length=1000)


async def _show(request: web.Request, form: Form, status: int = 200) -> web.Response:
    asked = query(request, Asked)
    async with services(request).db.shared() as tx:
        waiting = await operations.waiting(tx)
        found = await operator_holds.many(tx, asked.cursor)
    context = {
        "base": BASE,
        "waiting": waiting,
        "found": found,
        "first": not asked.cursor,
        "why": PAUSE_WORDS,
        "form": form,
    }
    return response.page(request, "sending/operator/holds.html", context, status=status)


async def index(request: web.Request) -> web.Response:
    access.need_operator(request)
    return await _show(request, Form())


async def ask_refusal(request: web.Request) -> web.Response:
    access.need_operator(request)
    return _refusal_page(request, Form())


def _refusal_page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    context = {"base": BASE, "form": form, "action": request.path, "campaign": "id" in request.match_info}
    return response.page(request, "sending/operator/refusal.html", context, status=status)


def _actor(request: web.Request) -> Actor:
    return Actor("operator", None, client_ip(request), request[ID])


async def _decided(request: web.Request, reason: str) -> web.Response:
    account_id = id_in_path(request, "account")
    if "id" in request.match_info:
        await operator_holds.decide(
            services(request), account_id, id_in_path(request), reason, _actor(request)
        )
    else:
        async with services(request).db.shared() as tx:
            await operations.decide(tx, account_id, reason, public_url=services(request).settings.public_url)
    await access.flash(
        request, N_("Refused. Its owners were told why.") if reason else N_("Released. Its owners were told.")
    )
    return response.redirect(BASE)


async def release(request: web.Request) -> web.Response:
    access.need_operator(request)
    try:
        return await _decided(request, "")
    except Invalid as error:
        return await _show(request, Form({}, error.faults), error.status)


async def refuse(request: web.Request) -> web.Response:
    access.need_operator(request)
    try:
        return await _decided(request, (await read(request, Refusal)).reason)
    except Invalid as error:
        return _refusal_page(request, await again(request, error), error.status)


_ACCOUNT = r"/operator/holds/{account:\d+}"
_CAMPAIGN = r"/operator/holds/{account:\d+}/campaigns/{id:\d+}"
ROUTES: list[web.RouteDef] = [
    web.get("/operator/holds", index),
    web.post(f"{_ACCOUNT}/release", release),
    web.get(f"{_ACCOUNT}/refusal", ask_refusal),
    web.post(f"{_ACCOUNT}/refusal", refuse),
    web.post(f"{_CAMPAIGN}/release", release),
    web.get(f"{_CAMPAIGN}/refusal", ask_refusal),
    web.post(f"{_CAMPAIGN}/refusal", refuse),
]
