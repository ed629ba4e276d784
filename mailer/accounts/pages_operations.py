"""The operator's shell: health of the installation, and accounts by their counters (ui 2.7, A-017)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, operations
from mailer.core import clock
from mailer.core.text import N_
from mailer.web import response
from mailer.web.forms import Form
from mailer.web.request import Input, query, services

STATES = {
    "pending": N_("Waits for approval"),
    "active": N_("Active"),
    "suspended": N_("Suspended"),
    "closed": N_("Closed"),
}


class Asked(Input):
    cursor: str = Field("", max_length=200)
    name: str = Field("", max_length=120)
    status: str = Field("", pattern=r"^(pending|active|suspended|closed)?$")


async def health(request: web.Request) -> web.Response:
    access.need_operator(request)
    now = clock.now()
    async with services(request).db.shared() as tx:
        found = await operations.health(tx, services(request).redis, now)
    context = {"health": found, "now": now, "well": found.well(now), "late": operations.LATE}
    return response.page(request, "accounts/operations/health.html", context)


async def accounts(request: web.Request) -> web.Response:
    access.need_operator(request)
    asked = query(request, Asked)
    async with services(request).db.shared() as tx:
        found = await operations.accounts(tx, asked.cursor, name=asked.name, status=asked.status)
    kept = {name: value for name, value in (("name", asked.name), ("status", asked.status)) if value}
    context = {
        "found": found,
        "asked": asked,
        "form": Form(asked.model_dump()),
        "kept": request.rel_url.with_query(kept).query_string,
        "first": not asked.cursor,
        "states": STATES,
        "days": operations.DAYS,
    }
    return response.page(request, "accounts/operations/accounts.html", context)


ROUTES: list[web.RouteDef] = [
    web.get("/operator", health),
    web.get("/operator/accounts", accounts),
]
