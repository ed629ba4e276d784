"""Pages of sending domains: prove that the mail is yours, one row for each record."""

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid, TooMany
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, read, services
from sending import domain_checks, domain_views, domain_words, domains, relay_proof
from sending.domains import NewDomain
from sending.relay_proof import Source

# ui.md: while the page is open it looks again each 30 s
POLL_SECONDS = 30
CHECK_SECONDS = 3


async def index(request: web.Request) -> web.Response:
    held = services(request)
    async with access.account_tx(request) as tx:
        found = await domain_views.lines(tx, held)
    return response.page(request, "sending/domains/index.html", {"domains": found})


async def new(request: web.Request) -> web.Response:
    access.need_role(request, Role.MANAGER)
    return response.page(request, "sending/domains/new.html", {"form": Form()})


async def create(request: web.Request) -> web.Response:
    try:
        given = await read(request, NewDomain)
        async with access.account_tx(request, Role.MANAGER) as tx:
            made = await domains.create(tx, services(request), given)
    except Invalid as error:
        context = {"form": await forms.again(request, error)}
        return response.page(request, "sending/domains/new.html", context, status=error.status)
    return response.redirect(f"/app/{access.member(request).account_id}/domains/{made.id}")


async def show(request: web.Request) -> web.Response:
    """Asks for a look at the DNS when the last one is old; the page fetches itself again."""
    return await _page(request, Form())


async def _page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    domain_id = id_in_path(request)
    async with access.account_tx(request) as tx:
        page = await domain_views.show(tx, services(request), domain_id)
        if not page.settled:
            await domains.ask(tx, domain_id, seconds=POLL_SECONDS - 5)
    context = {
        "page": page,
        "domain": page.domain,
        "why": domain_words.WHY,
        "titles": domain_words.TITLES,
        "fixes": domain_words.FIXES,
        "poll": POLL_SECONDS,
        "form": form,
        "real": domains.is_real(services(request)),
        "place": f"/app/{access.member(request).account_id}/domains/{domain_id}",
    }
    return response.page(request, "sending/domains/show.html", context, status=status)


async def check(request: web.Request) -> web.Response:
    domain_id = id_in_path(request)
    async with access.account_tx(request, Role.EDITOR) as tx:
        account_id = tx.account_id
        now = await domains.ask(tx, domain_id, seconds=CHECK_SECONDS)
    if now:
        await domain_checks.check(services(request), account_id, domain_id)
    return response.redirect(request.path.removesuffix("/checks"))


async def prove(request: web.Request) -> web.Response:
    """The source of a test mail that the SMTP server signed."""
    domain_id = id_in_path(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        account_id = tx.account_id
        await domains.show(tx, domain_id)
    try:
        given = await read(request, Source)
        await relay_proof.prove(services(request), account_id, domain_id, given)
    except Invalid as error:
        return await _page(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("The test mail shows it: your SMTP server signs for this domain."))
    return response.redirect(request.path.removesuffix("/proofs"))


async def rotate(request: web.Request) -> web.Response:
    place = request.path.removesuffix("/rotations")
    try:
        async with access.account_tx(request, Role.MANAGER) as tx:
            await domains.rotate(tx, services(request), id_in_path(request))
        message = N_(
            "New keys are made. Add their records; the keys of today go on signing until they are seen."
        )
        await access.flash(request, message)
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
    except TooMany as error:
        await access.flash(request, error.message, kind="warning")
    return response.redirect(place)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/domains", index),
    web.get("/{a}/domains/new", new),
    web.post("/{a}/domains", create),
    web.get(r"/{a}/domains/{id:\d+}", show),
    web.post(r"/{a}/domains/{id:\d+}/checks", check),
    web.post(r"/{a}/domains/{id:\d+}/proofs", prove),
    web.post(r"/{a}/domains/{id:\d+}/rotations", rotate),
]
