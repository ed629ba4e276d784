"""Sub-processors: an account's page with its objections, the operator's with what is announced (A-047)."""

from datetime import timedelta

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, sub_processors
from mailer.accounts.access import Role
from mailer.accounts.pages_operator_policies import guard
from mailer.accounts.sub_processors import Confidentiality, NewSubProcessor
from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.core.operator import EEA
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again
from mailer.web.request import Input, id_in_path, read, services
from mailer.web.response import page, redirect

BASE = "/app/operator/sub-processors"


class NewObjection(Input):
    reason: str = Field("", max_length=2000)


class Answer(Input):
    answer: str = Field("", max_length=2000)


async def _account_page(
    request: web.Request, form: Form, *, about: int = 0, status: int = 200
) -> web.Response:
    operator, now = services(request).settings.operator, clock.now()
    async with access.account_tx(request) as tx:
        found = await sub_processors.register(tx.shared(), operator, now)
        objections = {one.sub_processor_id: one for one in await sub_processors.objections_of(tx)}
    context = {
        "register": found,
        "objections": objections,
        "form": form,
        "about": about,
        "may_object": access.member(request).role >= Role.OWNER,
        "country_names": dict(i18n.countries()),
        "operator": operator,
    }
    return page(request, "accounts/sub_processors.html", context, status=status)


async def show(request: web.Request) -> web.StreamResponse:
    return await _account_page(request, Form())


async def object_to(request: web.Request) -> web.StreamResponse:
    who, number = access.person(request), id_in_path(request)
    try:
        new = await read(request, NewObjection)
        async with access.account_tx(request, Role.OWNER) as tx:
            await sub_processors.object_to(
                tx, number, new.reason, person=who.name, user_id=who.user_id, now=clock.now()
            )
    except Invalid as error:
        form = await again(request, error)
        return await _account_page(request, form, about=number, status=error.status)
    await access.flash(request, N_("Your objection is noted. The operator answers on this page."))
    return redirect(f"/app/{access.member(request).account_id}/privacy/sub-processors")


async def _operator_page(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    operator, now = services(request).settings.operator, clock.now()
    async with services(request).db.shared() as tx:
        await sub_processors.take(tx, operator, now)
        context = {
            "register": await sub_processors.register(tx, operator, now),
            "missing": await sub_processors.not_announced(tx, operator, now),
            "objections": await sub_processors.objections(tx),
        }
    first = now.date() + timedelta(days=sub_processors.NOTICE_DAYS)
    context |= {
        "form": form or Form({"country": "FR", "effective_on": first.isoformat()}),
        "first_day": first,
        "country_names": dict(i18n.countries()),
        # what is outside would be refused
        "countries_inside": [(code, name) for code, name in i18n.countries() if code in EEA],
        "base": BASE,
    }
    return page(request, "accounts/operator_sub_processors.html", context, status=status)


async def index(request: web.Request) -> web.StreamResponse:
    guard(request)
    return await _operator_page(request, None)


async def announce(request: web.Request) -> web.StreamResponse:
    guard(request)
    access.need_fresh_password(request)
    try:
        new = await read(request, NewSubProcessor)
        async with services(request).db.shared() as tx:
            await sub_processors.announce(
                tx,
                new,
                services(request).settings.operator,
                now=clock.now(),
                user_id=access.person(request).user_id,
            )
    except Invalid as error:
        return await _operator_page(request, await again(request, error), status=error.status)
    await access.flash(request, N_("Announced. All owners are told by e-mail and can object until that day."))
    return redirect(BASE)


async def end(request: web.Request) -> web.StreamResponse:
    guard(request)
    access.need_fresh_password(request)
    try:
        async with services(request).db.shared() as tx:
            await sub_processors.end(tx, id_in_path(request), clock.now().date(), clock.now())
    except Invalid as error:
        await access.flash(request, error.faults[0].message, kind="warning")
    else:
        await access.flash(request, N_("Noted: it processes nothing any more."))
    return redirect(BASE)


async def say_confidentiality(request: web.Request) -> web.StreamResponse:
    guard(request)
    said = await read(request, Confidentiality)
    async with services(request).db.shared() as tx:
        await sub_processors.say_confidentiality(tx, id_in_path(request), said)
    await access.flash(request, N_("Noted. The register and the records say so now."))
    return redirect(BASE)


async def answer(request: web.Request) -> web.StreamResponse:
    guard(request)
    try:
        given = await read(request, Answer)
        async with services(request).db.shared() as tx:
            await sub_processors.answer(
                tx, id_in_path(request), id_in_path(request, "account"), given.answer, clock.now()
            )
    except Invalid as error:
        return await _operator_page(request, Form({}, error.faults), status=422)
    await access.flash(request, N_("Answer saved. The account reads it on its page."))
    return redirect(BASE)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/privacy/sub-processors", show),
    web.post(r"/{a}/privacy/sub-processors/{id:\d+}/objections", object_to),
    web.get("/operator/sub-processors", index),
    web.post("/operator/sub-processors", announce),
    web.post(r"/operator/sub-processors/{id:\d+}/ends", end),
    web.post(r"/operator/sub-processors/{id:\d+}/confidentiality", say_confidentiality),
    web.post(r"/operator/sub-processors/{id:\d+}/objections/{account:\d+}/answers", answer),
]
