"""The page of what leaves for whom, in which country (A-068, A-028)."""

from aiohttp import web

from mailer.accounts import access, destinations
from mailer.accounts.access import Role
from mailer.accounts.destinations import Declaration
from mailer.core import clock, regions
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again
from mailer.web.request import Input, query, read, services
from mailer.web.response import page, redirect


class Chosen(Input):
    """Which one the form is about: `webhook-7`."""

    about: str = ""


async def _page(request: web.Request, form: Form | None = None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        found = await destinations.many(tx)
    about = query(request, Chosen).about
    if form is not None:
        about = f"{form.value('kind')}-{form.value('ref_id')}"
    chosen = next((one for one in found if f"{one.kind}-{one.ref_id}" == about), None)
    values = {"country": chosen.country, "safeguards": chosen.safeguards} if chosen else {}
    context = {
        "found": found,
        "chosen": chosen,
        "form": form or Form(values),
        "kinds": destinations.KINDS,
        "data": destinations.DATA,
        "places": destinations.PLACES,
        "as_of": regions.AS_OF,
        "country_names": dict(i18n.countries()),
        "operator": services(request).settings.operator,
    }
    return page(request, "accounts/destinations.html", context, status=status)


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request)


async def declare(request: web.Request) -> web.StreamResponse:
    try:
        said = await read(request, Declaration)
        async with access.account_tx(request, Role.MANAGER) as tx:
            await destinations.declare(tx, said, person=access.person(request).name, now=clock.now())
    except Invalid as error:
        return await _page(request, await again(request, error), status=422)
    await access.flash(request, N_("Country noted."))
    return redirect(f"/app/{access.member(request).account_id}/integrations/destinations")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/integrations/destinations", show),
    web.post("/{a}/integrations/destinations", declare),
]
