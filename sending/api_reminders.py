"""JSON for programs: a campaign sent again to those who did not click it."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import Input, id_in_path, read
from mailer.web.response import json
from sending import reminders
from sending.api_campaigns import CampaignView, view
from sending.campaigns import Name


class ReminderInput(Input):
    """`subject`: another one than the first time."""

    name: Name
    subject: Annotated[str, StringConstraints(min_length=1, max_length=500)]


@operation(
    "Make a draft for those who did not click a sent campaign",
    body=ReminderInput,
    returns=CampaignView,
    status=201,
    scope="campaigns:write",
    errors=(409,),
)
async def create(request: web.Request) -> web.Response:
    given = await read(request, ReminderInput)
    async with access.api_tx(request) as tx:
        made = await reminders.begin(tx, id_in_path(request), name=given.name, subject=given.subject)
        return json(await view(tx, made), status=201)


ROUTES: list[web.RouteDef] = [web.post("/campaigns/{id}/reminders", create)]
