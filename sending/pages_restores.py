"""The operator's page of a restored database: what is held, what is not known, the word to go on (ui 2.4)."""

from aiohttp import web

from mailer.accounts import access
from mailer.core import restores
from mailer.core.errors import Invalid, NotFound
from mailer.core.text import N_
from mailer.web import response
from mailer.web.forms import Form
from mailer.web.request import Input, read, services

BASE = "/app/operator/restore"
REASONS = {
    "behind": N_("The database is behind what this installation knows: it was put back to an earlier state."),
    "copy": N_("The database was restored from a backup."),
    "operator": N_("An operator asked for it."),
}


class Confirmation(Input):
    """`begun`: campaigns that were under way go on too."""

    begun: bool = False


def _guard(request: web.Request) -> None:
    """Raises NotFound for everybody but operators."""
    if not access.person(request).is_operator:
        raise NotFound


async def show(request: web.Request) -> web.Response:
    _guard(request)
    async with services(request).db.shared() as tx:
        found = await restores.show(tx)
    context = {"found": found, "reason": REASONS.get(found.held_reason, ""), "base": BASE, "form": Form()}
    return response.page(request, "sending/operator/restore.html", context)


async def hold(request: web.Request) -> web.Response:
    _guard(request)
    access.need_fresh_password(request)
    await restores.hold(services(request))
    return response.redirect(BASE)


async def resume(request: web.Request) -> web.Response:
    _guard(request)
    access.need_fresh_password(request)
    given = await read(request, Confirmation)
    try:
        await restores.resume(services(request), begun=given.begun)
    except Invalid as error:
        await access.flash(request, error.faults[0].message, kind="warning")
    else:
        await access.flash(request, N_("Confirmed. Sending goes on."))
    return response.redirect(BASE)


ROUTES: list[web.RouteDef] = [
    web.get("/operator/restore", show),
    web.post("/operator/restore/holds", hold),
    web.post("/operator/restore/resumptions", resume),
]
