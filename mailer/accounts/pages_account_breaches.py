"""An account's register of breaches: told and its own, the file for the CNIL, the letter to people."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, account_breaches, accounts, breach_facts, breach_letter
from mailer.accounts.access import Role
from mailer.accounts.account_breaches import AccountBreach
from mailer.accounts.accounts import Account
from mailer.accounts.breach_facts import BreachFacts, Maybe
from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.forms import Form, again
from mailer.web.request import Input, id_in_path, query, read, services

MANY = ("kinds", "data")


class Told(Input):
    at: Maybe = None
    authority_note: str = Field("", max_length=1000)
    people_note: str = Field("", max_length=1000)


class Asked(Input):
    cursor: str = Field("", max_length=200)


def _base(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}/privacy/breaches"


def _may_write(request: web.Request) -> bool:
    return access.member(request).role >= Role.MANAGER


async def index(request: web.Request) -> web.Response:
    asked = query(request, Asked)
    async with access.account_tx(request) as tx:
        found = await account_breaches.many(tx, asked.cursor)
    context = {
        "base": _base(request),
        "found": found,
        "first": not asked.cursor,
        "now": clock.now(),
        "may_write": _may_write(request),
    }
    return response.page(request, "accounts/breaches/account.html", context)


def _form_page(request: web.Request, form: Form, own_id: int | None, status: int = 200) -> web.Response:
    base = _base(request)
    context = {
        "form": form,
        "action": f"{base}/{own_id}/edit" if own_id else f"{base}/new",
        "back": f"{base}/{own_id}" if own_id else base,
        "roles": [],
        "words": breach_facts,
        "new": own_id is None,
    }
    return response.page(request, "accounts/breaches/form.html", context, status=status)


async def new(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER, even_closed=True):
        pass
    facts = BreachFacts(title="-", aware_at=clock.now())
    values = breach_facts.form(facts, access.member(request).time_zone) | {"title": ""}
    return _form_page(request, Form(values), None)


async def create(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
            given = await read(request, BreachFacts)
            facts = given.placed(access.member(request).time_zone, clock.now())
            own_id = await account_breaches.record(tx, facts)
    except Invalid as error:
        return _form_page(request, await again(request, error, many=MANY), None, error.status)
    await access.flash(request, N_("Recorded. The clocks run from the moment it was known."))
    return response.redirect(f"{_base(request)}/{own_id}")


async def edit(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
        found = await account_breaches.show(tx, id_in_path(request))
    return _form_page(
        request, Form(breach_facts.form(found.known, access.member(request).time_zone)), found.id
    )


async def change(request: web.Request) -> web.Response:
    own_id = id_in_path(request)
    try:
        async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
            await account_breaches.show(tx, own_id)
            given = await read(request, BreachFacts)
            await account_breaches.change(
                tx, own_id, given.placed(access.member(request).time_zone, clock.now())
            )
    except Invalid as error:
        return _form_page(request, await again(request, error, many=MANY), own_id, error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"{_base(request)}/{own_id}")


async def _show(request: web.Request, form: Form, status: int = 200) -> web.Response:
    settings = services(request).settings
    zone = access.member(request).time_zone
    async with access.account_tx(request) as tx:
        found = await account_breaches.show(tx, id_in_path(request))
        notices = (
            await account_breaches.notices(tx, "breach", found.breach_id)
            if found.breach_id is not None
            else []
        )
        account = await accounts.show(tx)
    told = [
        (one, breach_facts.lines(breach_facts.read(one.facts), zone, dpo=settings.operator.dpo))
        for one in notices
    ]
    context = {
        "base": _base(request),
        "place": f"{_base(request)}/{found.id}",
        "breach": found,
        "lines": breach_facts.lines(found.known, zone, dpo=account.contact_email),
        "gaps": breach_facts.gaps(found.known),
        "clock": found.clock(clock.now()),
        "told": told,
        "operator": settings.operator.name,
        "form": form,
        "may_write": _may_write(request) and found.closed_at is None,
    }
    return response.page(request, "accounts/breaches/account_show.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    return await _show(request, Form())


async def note(request: web.Request) -> web.Response:
    """`whom` in the path: the authority, or the people."""
    whom = request.match_info["whom"]
    try:
        async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
            await account_breaches.show(tx, id_in_path(request))
            given = await read(request, Told)
            at = BreachFacts(title="-", aware_at=given.at or clock.now()).placed(
                access.member(request).time_zone, clock.now()
            )
            text = given.authority_note if whom == "authority" else given.people_note
            await account_breaches.note_told(
                tx, id_in_path(request), whom, at.aware_at if given.at else None, text
            )
    except Invalid as error:
        return await _show(request, await again(request, error), error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"{_base(request)}/{id_in_path(request)}")


async def close(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
            await account_breaches.close(tx, id_in_path(request))
    except Invalid as error:
        return await _show(request, Form({}, error.faults), error.status)
    await access.flash(request, N_("Closed. The file is kept for five years."))
    return response.redirect(f"{_base(request)}/{id_in_path(request)}")


def _who(account: Account) -> list[tuple[str, str]]:
    return [
        (N_("Name"), account.legal_name or breach_facts.gap(N_("name of the organisation"))),
        (N_("Address"), account.postal_address or breach_facts.gap(N_("address"))),
        (N_("Registration number"), account.registration or breach_facts.gap(N_("registration number"))),
        (N_("E-mail"), account.contact_email or breach_facts.gap(N_("address for questions"))),
        (N_("Data protection officer"), breach_facts.gap(N_("name and address, if there is one"))),
    ]


async def _both(request: web.Request) -> tuple[AccountBreach, Account]:
    async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
        return await account_breaches.show(tx, id_in_path(request)), await accounts.show(tx)


async def file(request: web.Request) -> web.Response:
    """What the CNIL's form asks for, as a page or as JSON."""
    found, account = await _both(request)
    now, kind = clock.now(), request.match_info["kind"]
    name = {"Content-Disposition": f'attachment; filename="breach-{found.id}.{kind}"'}
    if kind == "json":
        return response.json({"breach": found}, headers=name)
    context = {
        "title": found.known.title,
        "who": _who(account),
        "lines": breach_facts.lines(found.known, account.time_zone, dpo=account.contact_email),
        "clocks": [found.clock(now)],
        "note": found.authority_note,
        "people_note": found.people_note,
        "people_told_at": found.people_told_at,
        "rows": [],
        "zone": account.time_zone,
        "made_at": now,
    }
    answer = response.page(request, "accounts/breaches/file.html", context)
    answer.headers.update(name)
    return answer


async def letter(request: web.Request) -> web.Response:
    """To the people concerned, in plain words (art. 34), in the language of the account."""
    found, account = await _both(request)
    with i18n.speaking(account.language):
        text = breach_letter.text(found.known, account)
    context = {"place": f"{_base(request)}/{found.id}", "text": text, "breach": found}
    return response.page(request, "accounts/breaches/letter.html", context)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/privacy/breaches", index),
    web.get("/{a}/privacy/breaches/new", new),
    web.post("/{a}/privacy/breaches/new", create),
    web.get(r"/{a}/privacy/breaches/{id:\d+}", show),
    web.get(r"/{a}/privacy/breaches/{id:\d+}/edit", edit),
    web.post(r"/{a}/privacy/breaches/{id:\d+}/edit", change),
    web.post(r"/{a}/privacy/breaches/{id:\d+}/{whom:authority|people}", note),
    web.post(r"/{a}/privacy/breaches/{id:\d+}/closing", close),
    web.get(r"/{a}/privacy/breaches/{id:\d+}/file.{kind:html|json}", file),
    web.get(r"/{a}/privacy/breaches/{id:\d+}/letter", letter),
]
