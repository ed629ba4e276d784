"""JSON for programs: what limits a send, providers that refuse, warm-up plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from mailer.accounts import access
from mailer.core.errors import NotFound
from mailer.web import i18n
from mailer.web.openapi import operation
from mailer.web.request import id_in_path, read, services
from mailer.web.response import json
from sending import campaigns, evidence, limiter, senders, warm_ups
from sending.evidence import Stop
from sending.warm_ups import NewWarmUp, WarmUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`limited_by`: none, sender, quota, warm_up, provider, pause, server, unknown; null: nothing is sent.

    `stops`: providers that refuse this campaign, with what waits for them.
    """

    limited_by: str | None
    words: str
    per_second: float
    resumes_at: datetime | None
    stops: Sequence[Stop]
    sent: int
    hard_bounces: int
    complaints: int


@operation("What limits a send now", returns=Pace, scope="campaigns:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        found = await limiter.of_campaign(tx, services(request), campaign)
    now = found.limiter
    params = dict(now.params) if now else {}
    if now and now.resumes_at:
        params["day"] = i18n.moment(now.resumes_at, campaign.time_zone)
    return json(
        Pace(
            limited_by=now.code if now else None,
            words=i18n.translate(now.message, **params) if now else "",
            per_second=now.per_second if now else 0.0,
            resumes_at=now.resumes_at if now else None,
            stops=found.stops,
            sent=found.figures.sent,
            hard_bounces=found.figures.hard,
            complaints=found.figures.complaints,
        )
    )


@operation("Try a provider again that refused a campaign", status=204, scope="campaigns:send")
async def try_again(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        await evidence.try_again(tx, campaign.id, request.match_info["profile"])
    return web.Response(status=204)


@operation("The warm-up plan of a sender's domain", returns=WarmUp, scope="senders:read")
async def show_warm_up(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        sender = await senders.show(tx, id_in_path(request))
        found = await warm_ups.show(tx, sender.domain)
    if found is None:
        raise NotFound
    return json(found)


@operation(
    "Start a warm-up plan for a sender's domain, or begin it again",
    body=NewWarmUp,
    returns=WarmUp,
    scope="senders:write",
)
async def start_warm_up(request: web.Request) -> web.Response:
    new = await read(request, NewWarmUp)
    async with access.api_tx(request) as tx:
        sender = await senders.show(tx, id_in_path(request))
        await warm_ups.start(tx, sender.domain, new)
        return json(await warm_ups.show(tx, sender.domain))


@operation("End a warm-up plan: no daily cap any more", status=204, scope="senders:write")
async def stop_warm_up(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        sender = await senders.show(tx, id_in_path(request))
        if not await warm_ups.stop(tx, sender.domain):
            raise NotFound
    return web.Response(status=204)


ROUTES: list[web.RouteDef] = [
    web.get("/campaigns/{id}/pace", show),
    web.post("/campaigns/{id}/providers/{profile}/retries", try_again),
    web.get("/senders/{id}/warm-up", show_warm_up),
    web.put("/senders/{id}/warm-up", start_warm_up),
    web.delete("/senders/{id}/warm-up", stop_warm_up),
]
