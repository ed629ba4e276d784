"""The operator's pages of breaches (ui 2.7): register, file, accounts, notices, the file to hand over."""

import re
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import BeforeValidator, Field

from mailer.accounts import access, breach_facts, breaches
from mailer.accounts.breach_facts import BreachFacts, Maybe
from mailer.accounts.breaches import Role
from mailer.core import clock, paging
from mailer.core.errors import Conflict, Invalid, fault
from mailer.core.text import N_
from mailer.web import response
from mailer.web.forms import Form, again
from mailer.web.request import Input, id_in_path, query, read, services

BASE = "/app/operator/breaches"
ZONE = "Europe/Paris"  # as the shell shows it to people outside of an account
MANY = ("kinds", "data")


class NewBreach(BreachFacts):
    """The facts, and in which role we are concerned."""

    role: Role = "processor"

    @property
    def facts(self) -> BreachFacts:
        return BreachFacts.model_validate(self.model_dump(exclude={"role"}))


class Accounts(Input):
    """Numbers, however separated; or all of them."""

    accounts: str = Field("", max_length=20_000)
    everybody: bool = False

    @property
    def ids(self) -> list[int] | None:
        """Raises Invalid at `accounts`."""
        if self.everybody:
            return None
        words = re.split(r"[\s,;]+", self.accounts.strip())
        if not words[0] or any(not word.isascii() or not word.isdigit() or len(word) > 18 for word in words):
            raise fault("accounts", N_("Write the numbers of the accounts, separated by spaces or commas."))
        return [int(word) for word in words]


class Told(Input):
    at: Maybe = None
    note: str = Field("", max_length=1000)


class Asked(Input):
    cursor: str = Field("", max_length=200)
    after: Annotated[int, BeforeValidator(lambda value: value or 0), Field(ge=0, lt=2**63)] = 0


def moment(value: datetime | None, name: str) -> datetime | None:
    """With the page's zone; raises Invalid when it has not come yet."""
    from mailer.web import i18n

    if value is None:
        return None
    at = value.replace(tzinfo=i18n.zone(ZONE)) if value.tzinfo is None else value
    if at > clock.now() or at.year < 2000:
        raise fault(
            name, N_("This time lies in the future.") if at.year >= 2000 else N_("Write another year.")
        )
    return at


async def index(request: web.Request) -> web.Response:
    access.need_operator(request)
    asked = query(request, Asked)
    async with services(request).db.shared() as tx:
        found = await breaches.many(tx, asked.cursor)
    context = {
        "base": BASE,
        "found": found,
        "first": not asked.cursor,
        "now": clock.now(),
        "roles": breaches.ROLES,
    }
    return response.page(request, "accounts/breaches/operator.html", context)


def _form_page(request: web.Request, form: Form, breach_id: int | None, status: int = 200) -> web.Response:
    context = {
        "form": form,
        "action": f"{BASE}/{breach_id}/edit" if breach_id else f"{BASE}/new",
        "back": f"{BASE}/{breach_id}" if breach_id else BASE,
        "roles": list(breaches.ROLES.items()),
        "words": breach_facts,
        "new": breach_id is None,
    }
    return response.page(request, "accounts/breaches/form.html", context, status=status)


async def new(request: web.Request) -> web.Response:
    access.need_operator(request)
    now = clock.now()
    facts = BreachFacts(title="-", aware_at=now)
    values = breach_facts.form(facts, ZONE) | {"title": "", "role": "processor"}
    return _form_page(request, Form(values), None)


async def create(request: web.Request) -> web.Response:
    access.need_operator(request)
    try:
        given = await read(request, NewBreach)
        facts = given.facts.placed(ZONE, clock.now())
        async with services(request).db.shared() as tx:
            breach_id = await breaches.record(tx, facts, given.role, by=access.person(request).user_id)
    except Invalid as error:
        return _form_page(request, await again(request, error, many=MANY), None, error.status)
    await access.flash(request, N_("Recorded. The clocks run from the moment it was known."))
    return response.redirect(f"{BASE}/{breach_id}")


async def edit(request: web.Request) -> web.Response:
    access.need_operator(request)
    async with services(request).db.shared() as tx:
        found = await breaches.show(tx, id_in_path(request))
    return _form_page(request, Form(breach_facts.form(found.known, ZONE) | {"role": found.role}), found.id)


async def change(request: web.Request) -> web.Response:
    access.need_operator(request)
    breach_id = id_in_path(request)
    try:
        given = await read(request, NewBreach)
        facts = given.facts.placed(ZONE, clock.now())
        async with services(request).db.shared() as tx:
            await breaches.change(tx, breach_id, facts, given.role)
    except Invalid as error:
        return _form_page(request, await again(request, error, many=MANY), breach_id, error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"{BASE}/{breach_id}")


async def _show(request: web.Request, form: Form, status: int = 200) -> web.Response:
    asked, now = query(request, Asked), clock.now()
    async with services(request).db.shared() as tx:
        found = await breaches.show(tx, id_in_path(request))
        rows = await breaches.concerned(tx, found.id, asked.after, 51)
    page = paging.page(rows, 50, key=lambda row: (row.account_id,))
    context = {
        "base": BASE,
        "place": f"{BASE}/{found.id}",
        "breach": found,
        "lines": breach_facts.lines(found.known, ZONE, dpo=services(request).settings.operator.dpo),
        "gaps": breach_facts.gaps(found.known),
        "clocks": found.clocks(now),
        "rows": page.items,
        "next_after": page.items[-1].account_id if page.next_cursor else None,
        "first": not asked.after,
        "role": breaches.ROLES[found.role],
        "form": form,
    }
    return response.page(request, "accounts/breaches/show.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    access.need_operator(request)
    return await _show(request, Form())


async def concern(request: web.Request) -> web.Response:
    access.need_operator(request)
    try:
        given = await read(request, Accounts)
        async with services(request).db.shared() as tx:
            added = await breaches.concern(tx, id_in_path(request), given.ids)
    except Invalid as error:
        return await _show(request, await again(request, error), error.status)
    await access.flash(request, N_("{n} accounts added. What each holds is being counted."), n=added)
    return response.redirect(f"{BASE}/{id_in_path(request)}")


async def release(request: web.Request) -> web.Response:
    access.need_operator(request)
    try:
        async with services(request).db.shared() as tx:
            await breaches.release(tx, id_in_path(request), id_in_path(request, "account"))
    except Conflict as error:
        return await _show(request, Form({}, error.faults), error.status)
    return response.redirect(f"{BASE}/{id_in_path(request)}")


async def tell(request: web.Request) -> web.Response:
    access.need_operator(request)
    access.need_fresh_password(request)
    try:
        async with services(request).db.shared() as tx:
            number = await breaches.tell(tx, id_in_path(request))
    except Conflict as error:
        return await _show(request, Form({}, error.faults), error.status)
    await access.flash(request, N_("Notice {n} goes to the owners of the accounts."), n=number)
    return response.redirect(f"{BASE}/{id_in_path(request)}")


async def authority(request: web.Request) -> web.Response:
    access.need_operator(request)
    try:
        given = await read(request, Told)
        async with services(request).db.shared() as tx:
            await breaches.note_authority(tx, id_in_path(request), moment(given.at, "at"), given.note)
    except Invalid as error:
        return await _show(request, await again(request, error), error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"{BASE}/{id_in_path(request)}")


async def close(request: web.Request) -> web.Response:
    access.need_operator(request)
    try:
        async with services(request).db.shared() as tx:
            await breaches.close(tx, id_in_path(request))
    except Conflict as error:
        return await _show(request, Form({}, error.faults), error.status)
    await access.flash(request, N_("Closed. The file is kept for five years."))
    return response.redirect(f"{BASE}/{id_in_path(request)}")


async def file(request: web.Request) -> web.Response:
    """As a page to hand over, or as JSON; accounts as numbers."""
    access.need_operator(request)
    async with services(request).db.shared() as tx:
        found = await breaches.show(tx, id_in_path(request))
        rows = await breaches.concerned(tx, found.id, 0, 100_000)
    operator = services(request).settings.operator
    facts, now = found.known, clock.now()
    kind = request.match_info["kind"]
    name = {"Content-Disposition": f'attachment; filename="breach-{found.id}.{kind}"'}
    if kind == "json":
        accounts = [
            {"account_id": row.account_id, "people": row.people, "records": row.records} for row in rows
        ]
        return response.json({"breach": found, "accounts": accounts}, headers=name)
    context = {
        "title": facts.title,
        "who": [
            (N_("Name"), operator.name),
            (N_("Address"), operator.address),
            (N_("E-mail"), operator.email),
        ],
        "lines": breach_facts.lines(facts, ZONE, dpo=operator.dpo),
        "clocks": found.clocks(now),
        "note": found.authority_note,
        "people_note": "",
        "people_told_at": None,
        "rows": rows,
        "zone": ZONE,
        "made_at": now,
    }
    answer = response.page(request, "accounts/breaches/file.html", context)
    answer.headers.update(name)
    return answer


ROUTES: list[web.RouteDef] = [
    web.get("/operator/breaches", index),
    web.get("/operator/breaches/new", new),
    web.post("/operator/breaches/new", create),
    web.get(r"/operator/breaches/{id:\d+}", show),
    web.get(r"/operator/breaches/{id:\d+}/edit", edit),
    web.post(r"/operator/breaches/{id:\d+}/edit", change),
    web.post(r"/operator/breaches/{id:\d+}/accounts", concern),
    web.post(r"/operator/breaches/{id:\d+}/accounts/{account:\d+}/removal", release),
    web.post(r"/operator/breaches/{id:\d+}/notices", tell),
    web.post(r"/operator/breaches/{id:\d+}/authority", authority),
    web.post(r"/operator/breaches/{id:\d+}/closing", close),
    web.get(r"/operator/breaches/{id:\d+}/file.{kind:html|json}", file),
]
