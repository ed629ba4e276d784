"""JSON for programs: how the account measures, and how a campaign was measured."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import id_in_path, read
from mailer.web.response import json
from tracking import modes
from tracking.modes import Choice, Measured, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsShown:
    """`opens`: off, last_day, aggregate or individual; `clicks`: off or individual."""

    opens: str
    clicks: str
    sunset_months: int
    opens_since: datetime | None


def _shown(settings: Settings) -> SettingsShown:
    return SettingsShown(
        opens=settings.opens,
        clicks=settings.clicks,
        sunset_months=settings.sunset_months,
        opens_since=settings.since,
    )


@operation("How the account measures opens and clicks", returns=SettingsShown, scope="account:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(_shown(await modes.of(tx)))


@operation(
    "Change how the account measures; what is left out stays",
    body=Choice,
    returns=SettingsShown,
    scope="account:write",
)
async def change(request: web.Request) -> web.Response:
    choice = await read(request, Choice)
    async with access.api_tx(request) as tx:
        return json(_shown(await modes.change(tx, choice)))


@operation("How a campaign was measured", returns=Measured, scope="campaigns:read")
async def of_campaign(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await modes.measured(tx, id_in_path(request)))


ROUTES: list[web.RouteDef] = [
    web.get("/measurement", show),
    web.patch("/measurement", change),
    web.get("/campaigns/{id}/measurement", of_campaign),
]
