"""Pages for everybody: who runs this service, what is kept, whom to write to."""

from aiohttp import web

from mailer.accounts import authority_requests, legal
from mailer.core.errors import NotFound
from mailer.web.request import services
from mailer.web.response import page


async def document(request: web.Request) -> web.StreamResponse:
    name = request.match_info["page"]
    if name not in legal.PAGES:
        raise NotFound
    context: dict[str, object] = {
        "name": name,
        "document": legal.PAGES[name],
        "text": legal.template(name),
        **legal.facts(services(request).settings),
    }
    if name == "authority-requests":
        async with services(request).db.shared() as tx:
            context["years"] = await authority_requests.years(tx)
    return page(request, "accounts/legal.html", context)


ROUTES: list[web.RouteDef] = [web.get("/legal/{page}", document)]
