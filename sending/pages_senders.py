"""Pages of senders: the addresses contacts see, each confirmed by its mailbox."""

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.links import Links
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, read, services
from sending import campaigns, domains, limiter, senders, warm_ups
from sending.senders import NewSender, Sender, SenderChanges


def links(request: web.Request) -> Links:
    held = services(request)
    return Links(held.tokens, held.settings.track_url)


async def index(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        return response.page(request, "sending/senders/index.html", {"senders": await senders.many(tx)})


async def new(request: web.Request) -> web.Response:
    access.need_role(request, Role.MANAGER)
    person = access.person(request)
    form = Form({"name": access.member(request).account_name, "email": person.email})
    return response.page(request, "sending/senders/new.html", {"form": form})


async def create(request: web.Request) -> web.Response:
    try:
        given = await read(request, NewSender)
        async with access.account_tx(request, Role.MANAGER) as tx:
            made = await senders.create(tx, given, links(request), own=access.person(request).email)
    except Invalid as error:
        context = {"form": await forms.again(request, error)}
        return response.page(request, "sending/senders/new.html", context, status=error.status)
    message = N_("An e-mail is on its way to {email}. The link in it confirms the address.")
    if made.status == "confirmed":
        message = N_("{email} can be used: you have confirmed it already.")
    await access.flash(request, message, email=made.email)
    return response.redirect(f"/app/{access.member(request).account_id}/senders")


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        sender = await senders.show(tx, id_in_path(request))
        return await _page(request, tx, sender, forms.filled(_shown(sender)))


def _shown(sender: Sender) -> dict[str, object]:
    rate = sender.per_second
    return {"name": sender.name, "reply_to": sender.reply_to, "per_second": rate and i18n.number(rate)}


async def _page(
    request: web.Request, tx: AccountTx, sender: Sender, form: Form, *, status: int = 200
) -> web.Response:
    running = [await campaigns.show(tx, one) for one in await senders.sending_from(tx, sender.id)]
    context = {
        "sender": sender,
        "domain": await domains.named(tx, sender.domain),
        "form": form,
        "limiter": await limiter.of_sender(tx, services(request), running),
        "warm_up": await warm_ups.show(tx, sender.domain),
        "first_cap": warm_ups.FIRST_CAP,
        "provider_name": limiter.provider_name,
    }
    return response.page(request, "sending/senders/show.html", context, status=status)


async def change(request: web.Request) -> web.Response:
    sender_id = id_in_path(request)
    try:
        changes = await read(request, SenderChanges)
        async with access.account_tx(request, Role.MANAGER) as tx:
            await senders.change(tx, sender_id, changes)
    except Invalid as error:
        async with access.account_tx(request) as tx:
            sender = await senders.show(tx, sender_id)
            form = await forms.again(request, error)
            return await _page(request, tx, sender, form, status=error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(request.path)


async def ask_again(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.MANAGER) as tx:
            sender = await senders.ask_again(tx, id_in_path(request), links(request))
        message = N_("An e-mail is on its way to {email}. The link in it confirms the address.")
        await access.flash(request, message, email=sender.email)
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
    return response.redirect(request.path.removesuffix("/confirmations"))


async def ask_revoke(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        sender = await senders.show(tx, id_in_path(request))
    return response.page(request, "sending/senders/revoke.html", {"sender": sender, "form": Form()})


async def revoke(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.MANAGER) as tx:
            sender = await senders.revoke(tx, id_in_path(request))
    except Invalid as error:
        async with access.account_tx(request) as tx:
            sender = await senders.show(tx, id_in_path(request))
        context = {"sender": sender, "form": Form({}, error.faults)}
        return response.page(request, "sending/senders/revoke.html", context, status=error.status)
    await access.flash(
        request, N_("{email} is withdrawn: nothing leaves from it any more."), email=sender.email
    )
    return response.redirect(f"/app/{access.member(request).account_id}/senders")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/senders", index),
    web.get("/{a}/senders/new", new),
    web.post("/{a}/senders", create),
    web.get(r"/{a}/senders/{id:\d+}", show),
    web.post(r"/{a}/senders/{id:\d+}", change),
    web.post(r"/{a}/senders/{id:\d+}/confirmations", ask_again),
    web.get(r"/{a}/senders/{id:\d+}/withdrawal", ask_revoke),
    web.post(r"/{a}/senders/{id:\d+}/withdrawal", revoke),
]
