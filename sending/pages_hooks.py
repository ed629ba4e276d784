"""Pages of the webhook of an SMTP server's provider: address, proof, and what came last."""

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, read, services
from sending import feedback_hooks, servers
from sending.feedback_hooks import FeedbackHook, Made, NewHook

# what is switched on there
STEPS = {
    "ses": (
        N_(
            "In Amazon SNS, open the topic and subscribe this address to it, protocol HTTPS. Leave “raw "
            "message delivery” off; the subscription confirms itself within seconds."
        ),
        N_(
            "In Amazon SES, publish bounces and complaints of your domain to this topic, with “include "
            "original headers”; deliveries too if you like: they clear earlier failures."
        ),
    ),
    "sendgrid": (
        N_(
            "In SendGrid, open Settings, Mail settings, Event webhooks. Add this address with the events "
            "delivered, bounced, dropped, spam reports, unsubscribes and group unsubscribes."
        ),
        N_("Switch on “signed event webhook” there: its verification key is what you give here."),
    ),
    "postmark": (
        N_(
            "In Postmark, open the server, its message stream, Webhooks. Add this address, password included."
        ),
        N_("Tick delivery, bounce, spam complaint and subscription change."),
    ),
}


def _home(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}/senders/servers/{id_in_path(request)}"


async def show(request: web.Request) -> web.Response:
    return await _show(request, forms.filled({"provider": "ses"}))


async def _show(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        server = await servers.show(tx, id_in_path(request))
        hook = await feedback_hooks.find(tx, server.id)
    context = _context(request, hook) | {
        "server": server,
        "form": form,
        "address": feedback_hooks.address(services(request), tx.account_id, server.id),
        "options": [(value, name) for value, name in feedback_hooks.NAMES.items()],
    }
    return response.page(request, "sending/servers/hook.html", context, status=status)


def _context(request: web.Request, hook: FeedbackHook | None) -> dict[str, object]:
    return {
        "hook": hook,
        "hook_names": feedback_hooks.NAMES,
        "steps": [i18n.translate(words) for words in STEPS[hook.provider]] if hook else [],
        "problem": i18n.translate(feedback_hooks.ERRORS[hook.last_error])
        if hook and hook.last_error in feedback_hooks.ERRORS
        else "",
    }


async def create(request: web.Request) -> web.Response:
    access.need_fresh_password(request)
    try:
        async with access.account_tx(request, Role.MANAGER) as tx:
            await servers.show(tx, id_in_path(request))
        new = await read(request, NewHook)
        async with access.account_tx(request, Role.MANAGER) as tx:
            made = await feedback_hooks.create(tx, services(request).sealer, id_in_path(request), new)
    except Invalid as error:
        return await _show(request, await forms.again(request, error), status=error.status)
    return await _made(request, made)


async def renew(request: web.Request) -> web.Response:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        made = await feedback_hooks.renew(tx, services(request).sealer, id_in_path(request))
    return await _made(request, made)


async def _made(request: web.Request, made: Made) -> web.Response:
    """A password is shown this once: it is stored sealed."""
    if not made.password:
        await access.flash(request, N_("Saved."))
        return response.redirect(f"{_home(request)}/webhook")
    account_id = access.member(request).account_id
    address = feedback_hooks.address(services(request), account_id, made.hook.server_id)
    context = _context(request, made.hook) | {
        "address": feedback_hooks.with_password(address, made.password),
        "back": f"{_home(request)}/webhook",
    }
    return response.page(request, "sending/servers/hook_made.html", context)


async def ask_delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        hook = await feedback_hooks.show(tx, id_in_path(request))
    context = _context(request, hook) | {"form": Form(), "back": f"{_home(request)}/webhook"}
    return response.page(request, "sending/servers/hook_delete.html", context)


async def delete(request: web.Request) -> web.Response:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        await feedback_hooks.delete(tx, id_in_path(request))
    await access.flash(request, N_("The webhook is deleted: what is sent to its address is refused."))
    return response.redirect(_home(request))


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/senders/servers/{id:\d+}/webhook", show),
    web.post(r"/{a}/senders/servers/{id:\d+}/webhook", create),
    web.post(r"/{a}/senders/servers/{id:\d+}/webhook/passwords", renew),
    web.get(r"/{a}/senders/servers/{id:\d+}/webhook/deletion", ask_delete),
    web.post(r"/{a}/senders/servers/{id:\d+}/webhook/deletion", delete),
]
