"""Requests of authorities: the operator's register, and what an account was told (A-037)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, account_breaches, authority_requests
from mailer.accounts.authority_requests import Answer, AuthorityRequest, Ban, NewRequest
from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.forms import Form, again
from mailer.web.request import Input, id_in_path, query, read, services

BASE = "/app/operator/authority-requests"


class Asked(Input):
    cursor: str = Field("", max_length=200)


def _public_url(request: web.Request) -> str:
    return services(request).settings.public_url


async def index(request: web.Request) -> web.Response:
    access.need_operator(request)
    asked = query(request, Asked)
    async with services(request).db.shared() as tx:
        found = await authority_requests.many(tx, asked.cursor)
    context = {"base": BASE, "found": found, "first": not asked.cursor, "answers": authority_requests.ANSWERS}
    return response.page(request, "accounts/authority/index.html", context)


def _form_page(request: web.Request, form: Form, request_id: int | None, status: int = 200) -> web.Response:
    context = {
        "form": form,
        "action": f"{BASE}/{request_id}/edit" if request_id else f"{BASE}/new",
        "back": f"{BASE}/{request_id}" if request_id else BASE,
        "new": request_id is None,
        "kinds": [(key, i18n.translate(text)) for key, text in authority_requests.KINDS.items()],
        "checks": [(key, i18n.translate(text)) for key, text in authority_requests.CHECKS.items()],
    }
    return response.page(request, "accounts/authority/form.html", context, status=status)


async def new(request: web.Request) -> web.Response:
    access.need_operator(request)
    values = {"country": "FR", "received_on": clock.now().date().isoformat(), "kind": "court", "checks": []}
    return _form_page(request, Form(values), None)


async def create(request: web.Request) -> web.Response:
    who = access.need_operator(request)
    try:
        given = await read(request, NewRequest)
        async with services(request).db.shared() as tx:
            request_id = await authority_requests.record(
                tx, given, by=who.user_id, public_url=_public_url(request)
            )
    except Invalid as error:
        return _form_page(request, await again(request, error, many=("checks",)), None, error.status)
    await access.flash(request, N_("Recorded."))
    return response.redirect(f"{BASE}/{request_id}")


def _values(found: AuthorityRequest) -> dict[str, object]:
    return found.known.model_dump() | {
        "country": found.country,
        "received_on": found.received_at.date().isoformat(),
        "account": found.account_id or "",
        "silent_until": found.silent_until.date().isoformat() if found.silent_until else "",
    }


async def edit(request: web.Request) -> web.Response:
    access.need_operator(request)
    async with services(request).db.shared() as tx:
        found = await authority_requests.show(tx, id_in_path(request))
    return _form_page(request, Form(_values(found)), found.id)


async def change(request: web.Request) -> web.Response:
    access.need_operator(request)
    request_id = id_in_path(request)
    try:
        given = await read(request, NewRequest)
        async with services(request).db.shared() as tx:
            await authority_requests.change(tx, request_id, given, public_url=_public_url(request))
    except Invalid as error:
        return _form_page(request, await again(request, error, many=("checks",)), request_id, error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"{BASE}/{request_id}")


async def _show(request: web.Request, sent: Form, status: int = 200) -> web.Response:
    async with services(request).db.shared() as tx:
        found = await authority_requests.show(tx, id_in_path(request))
    form = Form(_values(found) | dict(sent.values), sent.faults)
    context = {
        "base": BASE,
        "place": f"{BASE}/{found.id}",
        "found": found,
        "known": found.known,
        "lines": authority_requests.lines(found),
        "checks": authority_requests.CHECKS,
        "answers": authority_requests.ANSWERS,
        "form": form,
    }
    return response.page(request, "accounts/authority/show.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    access.need_operator(request)
    return await _show(request, Form())


async def answer(request: web.Request) -> web.Response:
    access.need_operator(request)
    try:
        given = await read(request, Answer)
        async with services(request).db.shared() as tx:
            await authority_requests.answer(tx, id_in_path(request), given)
    except Invalid as error:
        return await _show(request, await again(request, error), error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"{BASE}/{id_in_path(request)}")


async def prolong(request: web.Request) -> web.Response:
    access.need_operator(request)
    try:
        given = await read(request, Ban)
        async with services(request).db.shared() as tx:
            await authority_requests.prolong(tx, id_in_path(request), given)
    except Invalid as error:
        return await _show(request, await again(request, error), error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"{BASE}/{id_in_path(request)}")


async def lift(request: web.Request) -> web.Response:
    access.need_operator(request)
    async with services(request).db.shared() as tx:
        await authority_requests.lift(tx, id_in_path(request), public_url=_public_url(request))
    await access.flash(request, N_("The owners of the account were told."))
    return response.redirect(f"{BASE}/{id_in_path(request)}")


async def refusal(request: web.Request) -> web.Response:
    access.need_operator(request)
    async with services(request).db.shared() as tx:
        found = await authority_requests.show(tx, id_in_path(request))
    operator = services(request).settings.operator
    letters = []
    for language in ("fr", "en"):
        with i18n.speaking(language):
            letters.append((language, authority_requests.refusal(found, operator.name, operator.dpo)))
    context = {"place": f"{BASE}/{found.id}", "letters": letters}
    return response.page(request, "accounts/authority/refusal.html", context)


async def told(request: web.Request) -> web.Response:
    """What the account was told; nothing of what still has to be kept from it."""
    async with access.account_tx(request, even_closed=True) as tx:
        notices = await account_breaches.notices(tx, "authority")
    names = dict(i18n.countries())
    return response.page(
        request, "accounts/authority/account.html", {"notices": notices, "countries_by": names}
    )


ROUTES: list[web.RouteDef] = [
    web.get("/operator/authority-requests", index),
    web.get("/operator/authority-requests/new", new),
    web.post("/operator/authority-requests/new", create),
    web.get(r"/operator/authority-requests/{id:\d+}", show),
    web.get(r"/operator/authority-requests/{id:\d+}/edit", edit),
    web.post(r"/operator/authority-requests/{id:\d+}/edit", change),
    web.post(r"/operator/authority-requests/{id:\d+}/answer", answer),
    web.post(r"/operator/authority-requests/{id:\d+}/ban", prolong),
    web.post(r"/operator/authority-requests/{id:\d+}/notices", lift),
    web.get(r"/operator/authority-requests/{id:\d+}/refusal", refusal),
    web.get("/{a}/privacy/authority-requests", told),
]
