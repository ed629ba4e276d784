"""/privacy/holds: what a law asks to keep for longer, of whom, by which article, until when."""

from aiohttp import web

from lists import legal_holds
from lists.legal_holds import NewHold
from lists.pages_lists import home
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.errors import Forbidden, Invalid, fault
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, read


async def index(request: web.Request) -> web.Response:
    return await _page(request, Form())


async def _page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await legal_holds.many(tx)
    context = {
        "form": form,
        "holds": found,
        "now": clock.now(),
        "owner": access.member(request).role >= Role.OWNER,
    }
    return response.page(request, "lists/holds.html", context, status=status)


def _fresh(request: web.Request) -> None:
    """Raises Forbidden that leads back here: an address that takes a POST alone leads nowhere."""
    try:
        access.need_fresh_password(request)
    except Forbidden as error:
        link = f"/app/me/confirmations?next={home(request)}/privacy/holds"
        raise Forbidden(error.message, code=error.code, link=link) from None


async def place(request: web.Request) -> web.Response:
    """Of one person. A whole account is held by the operator alone (`mailer hold place`)."""
    _fresh(request)
    try:
        new = await read(request, NewHold)
        if new.contact_id is None:
            raise fault("contact_id", N_("Give the number of the contact."), code="missing")
        async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
            await legal_holds.place(tx, new, by=access.person(request).name, now=clock.now())
    except Invalid as error:
        return await _page(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Legal hold placed. It ends by itself on its day."))
    return response.redirect(f"{home(request)}/privacy/holds")


async def lift(request: web.Request) -> web.Response:
    _fresh(request)
    async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
        await legal_holds.lift(tx, id_in_path(request), now=clock.now(), person_only=True)
    await access.flash(request, N_("Legal hold lifted: what is past its time is erased at the next run."))
    return response.redirect(f"{home(request)}/privacy/holds")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/privacy/holds", index),
    web.post("/{a}/privacy/holds", place),
    web.post("/{a}/privacy/holds/{id}/lift", lift),
]
