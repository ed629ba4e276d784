"""Before a send by time zones: how many of the audience are where, by a field."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from mailer.accounts import access, identity
from mailer.core import clock
from mailer.core.errors import NotFound
from mailer.web import response
from mailer.web.request import Input, id_in_path, query
from sending import campaign_segments, campaigns, local_times, pages_steps


class FieldQuery(Input):
    field: Annotated[str, StringConstraints(max_length=40)] = ""


async def show(request: web.Request) -> web.Response:
    asked = query(request, FieldQuery)
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        if campaign.status != "draft":
            return pages_steps.away(request, campaign)
        known = await local_times.choices(tx)
        chosen = next((one for one in known if one.key == asked.field), None)
        if chosen is None:
            raise NotFound
        await campaign_segments.settle(tx, campaign.id)
        today = clock.now().replace(tzinfo=None)
        context = {
            "campaign": campaign,
            "base": pages_steps.base(request, campaign),
            "field": chosen,
            "shares": await local_times.shares(tx, campaign.id, chosen.key, today),
            "zone": (await identity.of(tx)).time_zone,
        }
    return response.page(request, "sending/campaigns/time_zones.html", context)


ROUTES: list[web.RouteDef] = [web.get(r"/{a}/campaigns/{id:\d+}/time-zones", show)]
