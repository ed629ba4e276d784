"""/t/stay/{token}: who was not heard of for three years says that they stay. POST stores it (B-27)."""

from aiohttp import web

from lists import contacts
from lists.public_visit import back, count_change, shown, visit
from mailer.core.tokens import Purpose


async def page(request: web.Request) -> web.Response:
    async with visit(request, Purpose.STAY) as found:
        context = {
            "stays": found.person is not None and "stays" in request.query,
            "silent": found.person is not None
            and await contacts.is_silent(found.tx, found.person.contact_id),
        }
        return shown(request, found, "stay.html", context=context, status=200 if found.person else 410)


async def act(request: web.Request) -> web.Response:
    async with visit(request, Purpose.STAY) as found:
        if found.person is not None:
            await count_change(request, found.who)
            await contacts.stay(found.tx, found.person.contact_id)
    return back(request, stays="1")


ROUTES: list[web.RouteDef] = [
    web.get("/stay/{token}", page),
    web.post("/stay/{token}", act),
]
