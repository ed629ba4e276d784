"""JSON for programs of this room: the report of a campaign and its parts."""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from mailer.accounts import access
from mailer.core.errors import Fault, Invalid
from mailer.core.paging import Page
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.openapi import operation
from mailer.web.request import Input, id_in_path, query
from mailer.web.response import json
from tracking import account_reports, api_measurement, comparison, providers, reports, timeline
from tracking.account_reports import Ages
from tracking.campaign_figures import CampaignFigures
from tracking.comparison import Compared
from tracking.providers import ProviderFigures
from tracking.reports import Report
from tracking.timeline import Timeline


class TimelineQuery(Input):
    """`zone`: whose days and hours are meant, an IANA name."""

    zone: Annotated[str, Field(max_length=64)] = "UTC"


class CampaignsQuery(Input):
    cursor: Annotated[str, Field(max_length=500)] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class Providers(BaseModel):
    """Not a page: a campaign has some twenty providers at most."""

    items: list[ProviderFigures]


class Comparison(BaseModel):
    """Empty while there is no other campaign."""

    items: list[Compared]


@operation("Show the report of a campaign", returns=Report, scope="campaigns:read")
async def report(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await reports.summary(tx, id_in_path(request)))


@operation(
    "Show opens, clicks and unsubscribes over time",
    returns=Timeline,
    query=TimelineQuery,
    scope="campaigns:read",
)
async def over_time(request: web.Request) -> web.Response:
    asked = query(request, TimelineQuery)
    if asked.zone not in i18n.zone_names() and asked.zone != "UTC":
        raise Invalid(Fault("zone", N_("This is no time zone: take one like Europe/Paris."), "zone"))
    async with access.api_tx(request) as tx:
        found = await reports.summary(tx, id_in_path(request))
        if found.campaign.details_erased_at is not None:
            return json(Timeline(unit="day", moments=[]))
        return json(await timeline.over_time(tx, found.campaign.id, zone=asked.zone))


@operation("Show a campaign by mailbox provider", returns=Providers, scope="campaigns:read")
async def by_provider(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        found = await reports.summary(tx, id_in_path(request))
        erased = found.campaign.details_erased_at is not None
        live = found.campaign.live
        items = [] if erased else await providers.many(tx, found.campaign.id, live=live)
        return json(Providers(items=items))


@operation(
    "Compare a campaign with the account's last ten others", returns=Comparison, scope="campaigns:read"
)
async def compared(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        found = await reports.summary(tx, id_in_path(request))
        return json(Comparison(items=await comparison.of(tx, found)))


@operation(
    "List what campaigns came to, the newest first",
    returns=Page[CampaignFigures],
    query=CampaignsQuery,
    scope="campaigns:read",
)
async def campaigns(request: web.Request) -> web.Response:
    asked = query(request, CampaignsQuery)
    async with access.api_tx(request) as tx:
        return json(await account_reports.campaigns(tx, cursor=asked.cursor, limit=asked.limit))


@operation("Count contacts by the age of their last gesture", returns=Ages, scope="contacts:read")
async def ages(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await account_reports.ages(tx))


ROUTES: list[web.RouteDef] = [
    web.get("/reports/campaigns", campaigns),
    web.get("/reports/last-gestures", ages),
    web.get("/campaigns/{id}/report", report),
    web.get("/campaigns/{id}/report/timeline", over_time),
    web.get("/campaigns/{id}/report/providers", by_provider),
    web.get("/campaigns/{id}/report/comparison", compared),
    *api_measurement.ROUTES,
]
