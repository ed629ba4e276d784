"""The operator's queue of requests about people's data, for accounts that cannot answer (A-091)."""

from aiohttp import web
from pydantic import Field

from lists import (
    contacts,
    operator_requests,
    pages_request_acts,
    restrictions,
    rights_acts,
    rights_requests,
    rights_words,
)
from lists.contacts import ContactChange, PersonName
from lists.operator_requests import Waiting
from lists.pages_request_desk import BASE, desk_account_tx, place, standing
from lists.pages_requests import left, shown
from lists.pages_rights import GROUND_WORDS, GROUNDS
from lists.public_rights_confirm import desk
from lists.restrictions import Lifting, NewRestriction
from mailer.accounts import access, staff_access
from mailer.accounts.access import Role
from mailer.accounts.staff_access import NewAccess
from mailer.core.clock import now
from mailer.core.errors import Conflict, Fault, Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read, services

GONE = rights_acts.GONE


class Asked(Input):
    cursor: str = Field("", max_length=200)


class Correction(Input):
    """What is left empty stays."""

    email: str = Field("", max_length=1000)
    first_name: PersonName = ""
    last_name: PersonName = ""

    def change(self) -> ContactChange:
        return ContactChange(
            email=self.email or None, first_name=self.first_name or None, last_name=self.last_name or None
        )


async def index(request: web.Request) -> web.Response:
    access.need_operator(request)
    asked = query(request, Asked)
    async with services(request).db.shared() as tx:
        found = await operator_requests.many(tx, asked.cursor)
    context = {
        "base": BASE,
        "found": found,
        "rows": [(one, left(one, now().date())) for one in found.items],
        "first": not asked.cursor,
        "words": rights_words,
    }
    return response.page(request, "lists/requests/operator_index.html", context)


async def show(request: web.Request) -> web.Response:
    """The request itself to whoever has opened it; else the door, which says nothing about the person."""
    if await standing(request) is None:
        return await _door(request, Form())
    return await shown(request, None)


async def _waiting(request: web.Request) -> Waiting:
    async with services(request).db.shared() as tx:
        return await operator_requests.show(tx, id_in_path(request, "account"), id_in_path(request))


async def _door(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    found = await _waiting(request)
    context = {
        "base": BASE,
        "place": place(request),
        "found": found,
        "left": left(found, now().date()),
        "minutes": int(staff_access.LONGEST.total_seconds() // 60),
        "form": form,
        "words": rights_words,
    }
    return response.page(request, "lists/requests/operator_door.html", context, status=status)


async def open_(request: web.Request) -> web.Response:
    """An access with its purpose and its end, as on the page of accesses; nobody is there to approve it."""
    who = access.need_operator(request)
    access.need_fresh_password(request)
    found = await _waiting(request)
    new = NewAccess(
        account=found.account_id,
        purpose="legal",
        ticket=i18n.translate("request {n}", n=str(found.id)),
        minutes=int(staff_access.LONGEST.total_seconds() // 60),
    )
    try:
        async with services(request).db.shared() as tx:
            await staff_access.ask(
                tx,
                new,
                operator_id=who.user_id,
                public_url=services(request).settings.public_url,
                approved=True,
            )
    except Conflict as error:
        return await _door(request, Form({}, error.faults), status=error.status)
    await access.flash(request, N_("Opened for one hour. The account sees it, and each page that you read."))
    return response.redirect(place(request))


async def correction(request: web.Request) -> web.Response:
    return await _correction(request, None)


async def _correction(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    async with desk_account_tx(request, Role.EDITOR) as tx:
        found = await rights_requests.show(tx, services(request).sealer, id_in_path(request))
        if found.contact_id is None:
            raise Conflict(Fault("request", GONE, "gone"))
        contact = await contacts.show(tx, found.contact_id)
    values = {name: getattr(contact, name) for name in ("email", "first_name", "last_name")}
    context = {"place": place(request), "found": found, "form": form or forms.filled(values)}
    return response.page(request, "lists/requests/operator_correction.html", context, status=status)


async def correct(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, Correction)
        async with desk_account_tx(request, Role.EDITOR) as tx:
            await rights_acts.correct(tx, desk(request), id_in_path(request), wanted.change())
    except Invalid as error:
        return await _correction(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Corrected. Answer the person now."))
    return response.redirect(place(request))


async def restriction(request: web.Request) -> web.Response:
    return await _restriction(request, Form())


async def _restriction(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with desk_account_tx(request, Role.EDITOR) as tx:
        found = await rights_requests.show(tx, services(request).sealer, id_in_path(request))
        limits = await restrictions.of_contact(tx, found.contact_id or 0)
    context = {
        "place": place(request),
        "found": found,
        "grounds": [(value, i18n.translate(text)) for value, text in GROUNDS],
        "words": GROUND_WORDS,
        "limit": next((one for one in limits if not one.lifted_at), None),
        "form": form,
    }
    return response.page(request, "lists/requests/operator_restriction.html", context, status=status)


async def restrict(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, NewRestriction)
        async with desk_account_tx(request, Role.EDITOR) as tx:
            await rights_acts.restrict(tx, desk(request), id_in_path(request), wanted)
    except Invalid as error:
        return await _restriction(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Use limited: nothing is sent to this person, and nothing changed."))
    return response.redirect(place(request))


async def lift(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, Lifting)
        async with desk_account_tx(request, Role.EDITOR) as tx:
            await rights_acts.lift(tx, desk(request), id_in_path(request), wanted)
    except Invalid as error:
        return await _restriction(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("The limit is lifted, with its reason."))
    return response.redirect(place(request))


_ONE = r"/operator/rights-requests/{account:\d+}/{id:\d+}"
ROUTES: list[web.RouteDef] = [
    web.get("/operator/rights-requests", index),
    web.get(_ONE, show),
    web.post(f"{_ONE}/openings", open_),
    web.get(f"{_ONE}/correction", correction),
    web.post(f"{_ONE}/correction", correct),
    web.get(f"{_ONE}/restriction", restriction),
    web.post(f"{_ONE}/restriction", restrict),
    web.post(f"{_ONE}/restriction/lifting", lift),
    *pages_request_acts.tools(_ONE),
]
