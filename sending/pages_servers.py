"""Pages of the account's SMTP servers: a main one and a spare, for managers and owners.

All mail of the account passes there: whoever changes one has given the password a moment ago (E-30).
"""

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid, TooMany
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, rates, read, services
from sending import feedback_hooks, server_tests, servers
from sending.server_tests import TestOrder
from sending.servers import NewServer, Position, ServerChanges, SmtpServer

TLS_WORDS = {
    "starttls": N_("STARTTLS (usual on port 587)"),
    "implicit": N_("TLS from the start (usual on port 465)"),
    "opportunistic": N_("When the server offers it, for servers without a password only"),
}
STEP_WORDS = {
    "connect": N_("Connection"),
    "greet": N_("Greeting"),
    "tls": N_("Encryption"),
    "sign_in": N_("Sign-in"),
    "sender": N_("Return path"),
    "recipient": N_("Recipient"),
    "mail": N_("Test mail"),
}


def _home(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}/senders/servers"


def _options() -> list[tuple[str, str]]:
    return [(value, i18n.translate(words)) for value, words in TLS_WORDS.items()]


async def index(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        found = await servers.many(tx)
    context = {"servers": found, "inbox": servers.stays_here(services(request).settings)}
    return response.page(request, "sending/servers/index.html", context)


async def new(request: web.Request) -> web.Response:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER):
        form = forms.filled(NewServer(host="-").model_dump() | {"host": ""})
    return response.page(request, "sending/servers/new.html", {"form": form, "options": _options()})


async def create(request: web.Request) -> web.Response:
    access.need_fresh_password(request)
    held = services(request)
    async with access.account_tx(request, Role.MANAGER):
        pass  # before anything is looked up for somebody who may not
    try:
        given = await read(request, NewServer)
        await servers.look_up(held, given.host, given.port)
        async with access.account_tx(request, Role.MANAGER) as tx:
            made = await servers.create(tx, held.sealer, given)
    except Invalid as error:
        context = {"form": await forms.again(request, error), "options": _options()}
        return response.page(request, "sending/servers/new.html", context, status=error.status)
    return await _saved(request, made.id)


async def _saved(request: web.Request, server_id: int) -> web.Response:
    """What was saved is tested at once."""
    try:
        await _test(request, server_id, TestOrder())
    except TooMany:
        await access.flash(request, N_("Saved."))
    return response.redirect(f"{_home(request)}/{server_id}")


async def _show(request: web.Request, server: SmtpServer, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        steps = await server_tests.last(tx, server.id)
        hook = await feedback_hooks.find(tx, server.id)
    context = {
        "server": server,
        "form": form,
        "options": _options(),
        "steps": [(step, i18n.translate(STEP_WORDS[step.name])) for step in steps],
        "own": access.person(request).email,
        "hook": hook,
        "hook_names": feedback_hooks.NAMES,
        "inbox": servers.stays_here(services(request).settings),
    }
    return response.page(request, "sending/servers/show.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        server = await servers.show(tx, id_in_path(request))
    return await _show(request, server, forms.filled(server))


async def change(request: web.Request) -> web.Response:
    access.need_fresh_password(request)
    held = services(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        before = await servers.show(tx, id_in_path(request))
    try:
        changes = await read(request, ServerChanges)
        await servers.look_up(held, changes.host or before.host, changes.port or before.port)
        async with access.account_tx(request, Role.MANAGER) as tx:
            await servers.change(tx, held.sealer, before.id, changes)
    except Invalid as error:
        return await _show(request, before, await forms.again(request, error), status=error.status)
    return await _saved(request, before.id)


async def test(request: web.Request) -> web.Response:
    """The connection, or with `mail` a test mail to the person who asks."""
    server_id = id_in_path(request)
    with_mail = "mail" in await request.post()
    try:
        await _test(
            request, server_id, TestOrder(recipient=access.person(request).email if with_mail else None)
        )
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
    return response.redirect(f"{_home(request)}/{server_id}")


async def _test(request: web.Request, server_id: int, order: TestOrder) -> None:
    """Raises NotFound, Invalid and TooMany. No transaction is open while the server is asked."""
    async with access.account_tx(request, Role.MANAGER) as tx:
        prepared = await server_tests.prepare(tx, services(request), server_id, order)
    await rates(request).take(server_tests.LIMIT, str(tx.account_id))
    steps = await server_tests.run(prepared)
    async with access.account_tx(request, Role.MANAGER) as tx:
        await server_tests.record(tx, server_id, steps)
    if all(step.ok for step in steps):
        await access.flash(request, N_("The test went well."))
    else:
        await access.flash(request, N_("The test stopped at one of its steps: see below."), kind="warning")


async def place(request: web.Request) -> web.Response:
    """The spare becomes the main server, and the other way round."""
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        server = await servers.show(tx, id_in_path(request))
        position: Position = "main" if server.position == "spare" else "spare"
        changes = ServerChanges(position=position)
        await servers.change(tx, services(request).sealer, server.id, changes)
    await access.flash(request, N_("Saved."))
    return response.redirect(_home(request))


async def ask_delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        server = await servers.show(tx, id_in_path(request))
        others = len(await servers.many(tx)) - 1
    context = {"server": server, "form": Form(), "others": others}
    return response.page(request, "sending/servers/delete.html", context)


async def delete(request: web.Request) -> web.Response:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        server = await servers.show(tx, id_in_path(request))
        await servers.delete(tx, server.id)
    await access.flash(request, N_("{host} is deleted, with its password."), host=server.host)
    return response.redirect(_home(request))


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/senders/servers", index),
    web.get("/{a}/senders/servers/new", new),
    web.post("/{a}/senders/servers", create),
    web.get(r"/{a}/senders/servers/{id:\d+}", show),
    web.post(r"/{a}/senders/servers/{id:\d+}", change),
    web.post(r"/{a}/senders/servers/{id:\d+}/tests", test),
    web.post(r"/{a}/senders/servers/{id:\d+}/places", place),
    web.get(r"/{a}/senders/servers/{id:\d+}/deletion", ask_delete),
    web.post(r"/{a}/senders/servers/{id:\d+}/deletion", delete),
]
