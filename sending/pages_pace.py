"""Buttons on the pages of a sender and a campaign: warm-up plan, trying a provider again."""

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import response
from mailer.web.request import id_in_path, read
from sending import campaigns, evidence, limiter, senders, warm_ups
from sending.warm_ups import NewWarmUp


async def start_warm_up(request: web.Request) -> web.Response:
    place = request.path.removesuffix("/warm-ups")
    try:
        new = await read(request, NewWarmUp)
        async with access.account_tx(request, Role.MANAGER) as tx:
            sender = await senders.show(tx, id_in_path(request))
            await warm_ups.start(tx, sender.domain, new)
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="danger", **fault.params)
        return response.redirect(place)
    message = N_("The warm-up of {domain} starts today with {n} messages to each provider.")
    await access.flash(request, message, domain=sender.domain, n=new.first_cap)
    return response.redirect(place)


async def stop_warm_up(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        sender = await senders.show(tx, id_in_path(request))
        await warm_ups.stop(tx, sender.domain)
    await access.flash(request, N_("The warm-up is over: no daily cap any more."))
    return response.redirect(request.path.removesuffix("/warm-ups/ends"))


async def try_again(request: web.Request) -> web.Response:
    profile = request.match_info["profile"]
    async with access.sender_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        await evidence.try_again(tx, campaign.id, profile)
    await access.flash(
        request, N_("The messages for {provider} leave again."), provider=limiter.provider_name(profile)
    )
    return response.redirect(f"/app/{access.member(request).account_id}/campaigns/{campaign.id}")


ROUTES: list[web.RouteDef] = [
    web.post(r"/{a}/senders/{id:\d+}/warm-ups", start_warm_up),
    web.post(r"/{a}/senders/{id:\d+}/warm-ups/ends", stop_warm_up),
    web.post(r"/{a}/campaigns/{id:\d+}/providers/{profile:[a-z0-9_]+}/retries", try_again),
]
