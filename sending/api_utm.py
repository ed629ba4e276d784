"""JSON for programs: campaign parameters on links, of the account and of a campaign."""

from aiohttp import web

from mailer.accounts import access
from mailer.core.db import AccountTx
from mailer.web.openapi import operation
from mailer.web.request import id_in_path, read
from mailer.web.response import json
from sending import campaigns, utm_settings
from sending.utm_settings import Parameters, Stored


async def _of_campaign(tx: AccountTx, campaign_id: int) -> Stored:
    """What counts for it: its own, else the account's. Raises NotFound."""
    await campaigns.show(tx, campaign_id)
    found = await utm_settings.stored(tx, campaign_id) or await utm_settings.stored(tx)
    return found or utm_settings.DEFAULT


@operation("Show the parameters that the account adds to links", returns=Stored, scope="campaigns:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await utm_settings.stored(tx) or utm_settings.DEFAULT)


@operation(
    "Set the parameters that the account adds to links",
    body=Parameters,
    returns=Stored,
    scope="campaigns:write",
)
async def put(request: web.Request) -> web.Response:
    given = await read(request, Parameters)
    async with access.api_tx(request) as tx:
        await utm_settings.put(tx, given)
        return json(await utm_settings.stored(tx))


@operation("Show the parameters on the links of a campaign", returns=Stored, scope="campaigns:read")
async def show_campaign(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _of_campaign(tx, id_in_path(request)))


@operation(
    "Give a draft parameters of its own on its links",
    body=Parameters,
    returns=Stored,
    scope="campaigns:write",
    errors=(409,),
)
async def put_campaign(request: web.Request) -> web.Response:
    given = await read(request, Parameters)
    async with access.api_tx(request) as tx:
        await utm_settings.put(tx, given, campaign_id=id_in_path(request))
        return json(await _of_campaign(tx, id_in_path(request)))


@operation(
    "Have a draft add to its links what the account adds", status=204, scope="campaigns:write", errors=(409,)
)
async def delete_campaign(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await utm_settings.drop(tx, id_in_path(request))
    return web.Response(status=204)


ROUTES: list[web.RouteDef] = [
    web.get("/link-parameters", show),
    web.put("/link-parameters", put),
    web.get("/campaigns/{id}/link-parameters", show_campaign),
    web.put("/campaigns/{id}/link-parameters", put_campaign),
    web.delete("/campaigns/{id}/link-parameters", delete_campaign),
]
