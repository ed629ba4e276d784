"""JSON for programs of this room: the report of a campaign."""

from aiohttp import web

from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import id_in_path
from mailer.web.response import json
from tracking import api_measurement, reports
from tracking.reports import Report


@operation("Show the report of a campaign", returns=Report, scope="campaigns:read")
async def report(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await reports.summary(tx, id_in_path(request)))


ROUTES: list[web.RouteDef] = [web.get("/campaigns/{id}/report", report), *api_measurement.ROUTES]
