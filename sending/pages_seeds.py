"""Pages of the test addresses: who gets tests besides the team, each by its owner's own yes."""

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid, TooMany
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, read
from sending import seeds
from sending.pages_senders import links
from sending.seeds import NewSeed


async def index(request: web.Request) -> web.Response:
    return await _page(request, Form())


async def _page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        context = {"seeds": await seeds.many(tx), "form": form, "most": seeds.MOST}
    return response.page(request, "sending/seeds/index.html", context, status=status)


def _place(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}/test-addresses"


async def create(request: web.Request) -> web.Response:
    try:
        new = await read(request, NewSeed)
        async with access.account_tx(request, Role.MANAGER) as tx:
            made = await seeds.add(tx, new, links(request))
    except Invalid as error:
        return await _page(request, await forms.again(request, error), status=error.status)
    message = N_("An e-mail is on its way to {email}. Tests go there once its owner has agreed.")
    if made.status == "confirmed":
        message = N_("Tests can go to {email}: it belongs to your team.")
    await access.flash(request, message, email=made.email)
    return response.redirect(_place(request))


async def ask_again(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.MANAGER) as tx:
            seed = await seeds.ask_again(tx, id_in_path(request), links(request))
        message = N_("An e-mail is on its way to {email}. Tests go there once its owner has agreed.")
        await access.flash(request, message, email=seed.email)
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
    except TooMany as error:
        await access.flash(request, error.message, kind="warning", **error.params)
    return response.redirect(_place(request))


async def remove(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.MANAGER) as tx:
            await seeds.remove(tx, id_in_path(request))
        await access.flash(request, N_("Taken off: no test goes there any more."))
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
    return response.redirect(_place(request))


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/test-addresses", index),
    web.post("/{a}/test-addresses", create),
    web.post(r"/{a}/test-addresses/{id:\d+}/confirmations", ask_again),
    web.post(r"/{a}/test-addresses/{id:\d+}/removals", remove),
]
