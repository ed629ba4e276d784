"""JSON for programs: the feed of changes, for copies of the contacts elsewhere."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from lists import contact_changes
from lists.contact_changes import Changes
from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import Input, query
from mailer.web.response import json


class ChangeQuery(Input):
    """`since`: the `next_cursor` of the answer before; without it an answer says where to begin.

    `with_contacts`: each change brings its contact as it is now.
    """

    since: Annotated[str, Field(max_length=1000)] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    with_contacts: bool = False


@operation(
    "What changed about contacts since a cursor; kept for 30 days",
    query=ChangeQuery,
    returns=Changes,
    scope="contacts:read",
    errors=(410,),
)
async def index(request: web.Request) -> web.Response:
    asked = query(request, ChangeQuery)
    async with access.api_tx(request) as tx:
        found = await contact_changes.since(
            tx, asked.since or None, limit=asked.limit, with_contacts=asked.with_contacts
        )
    return json(found)


ROUTES: list[web.RouteDef] = [web.get("/contacts/changes", index)]
