"""JSON: a campaign's figures for one segment."""

from aiohttp import web

from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import id_in_path
from mailer.web.response import json
from sending import segment_figures
from sending.segment_figures import SegmentFigures
from tracking import reports


@operation("Show the report of a campaign for a segment", returns=SegmentFigures, scope="campaigns:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        report = await reports.summary(tx, id_in_path(request))
        return json(await segment_figures.of(tx, report.campaign.id, id_in_path(request, "segment_id")))


ROUTES: list[web.RouteDef] = [web.get("/campaigns/{id}/report/segments/{segment_id}", show)]
