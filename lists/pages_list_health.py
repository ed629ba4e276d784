"""The page of a list's health (ui 2.4)."""

from aiohttp import web

from lists import list_health, mailing_lists
from mailer.accounts import access
from mailer.web import response
from mailer.web.request import id_in_path


async def show(request: web.Request) -> web.Response:
    list_id = id_in_path(request)
    async with access.account_tx(request) as tx:
        found = await mailing_lists.show(tx, list_id)
        people = found.active + found.pending + found.unsubscribed
        growth = await mailing_lists.growth(tx, list_id, people)
        lost = await list_health.lost(tx, list_id, people)
        silent, counted_at = await list_health.silent(tx, list_id, people)
        context = {
            "list": found,
            "growth": growth,
            "lost": lost,
            "silent": silent,
            "counted_at": counted_at,
            "sends": await list_health.sends(tx, list_id),
        }
    return response.page(request, "lists/lists/health.html", context)


ROUTES: list[web.RouteDef] = [web.get("/{a}/lists/{id}/health", show)]
