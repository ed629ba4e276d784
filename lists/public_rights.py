"""/t/rights/{token}: which rights a recipient has and whom to ask. Nothing is asked for here but by mail."""

from aiohttp import web

from lists.public_visit import shown, visit
from mailer.core.tokens import Purpose


async def page(request: web.Request) -> web.Response:
    async with visit(request, Purpose.RIGHTS) as found:
        return shown(request, found, "rights.html", context={})


ROUTES: list[web.RouteDef] = [web.get("/rights/{token}", page)]
