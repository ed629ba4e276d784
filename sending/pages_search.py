"""The header's search: people by the beginning of their address or name, campaigns by a part of theirs."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from lists import contact_search
from mailer.accounts import access
from mailer.web import response
from mailer.web.request import Input, query
from sending import campaigns

SHOWN = 25


class Asked(Input):
    q: Annotated[str, StringConstraints(max_length=120)] = ""


async def search(request: web.Request) -> web.Response:
    """The first of each kind; where there are more, the page leads to the list with the same words."""
    asked = query(request, Asked)
    people: list[contact_search.Found] = []
    found: list[campaigns.CampaignLine] = []
    more_people = False
    async with access.account_tx(request) as tx:
        wanted = contact_search.Filter(q=asked.q)
        if wanted.prefix:
            page = await contact_search.many(tx, wanted, limit=SHOWN)
            people, more_people = list(page.items), page.next_cursor is not None
            found = await campaigns.many(tx, campaigns.Filter(q=asked.q, limit=SHOWN))
    context = {
        "q": asked.q,
        "asked": bool(wanted.prefix),
        "people": people,
        "more_people": more_people,
        "campaigns": found[:SHOWN],
        "more_campaigns": len(found) > SHOWN,
    }
    return response.page(request, "sending/search/index.html", context)


ROUTES: list[web.RouteDef] = [web.get("/{a}/search", search)]
