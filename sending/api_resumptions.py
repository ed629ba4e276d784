"""JSON for programs: a paused campaign goes on (S19, D-80)."""

from aiohttp import web

from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import id_in_path, read, services
from mailer.web.response import json
from sending import resumptions
from sending.api_campaigns import CampaignView, view
from sending.resumptions import Resumption


@operation(
    "Resume a paused campaign; after a pause by a limit with `acknowledged`, and once",
    body=Resumption,
    returns=CampaignView,
    scope="campaigns:send",
    errors=(409,),
)
async def resume(request: web.Request) -> web.Response:
    # most pauses need no word: then neither does the request
    told = request.content_type == "application/json" or request.content_length
    asked = await read(request, Resumption) if told else Resumption()
    async with access.api_tx(request) as tx:
        campaign = await resumptions.by_account(tx, services(request), id_in_path(request), asked)
        return json(await view(tx, campaign))


ROUTES: list[web.RouteDef] = [web.post("/campaigns/{id}/resumptions", resume)]
