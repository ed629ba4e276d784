"""The API's own description: openapi.json, and a page for people that loads nothing foreign."""

from aiohttp import web

from mailer.web import openapi
from mailer.web.openapi import operation
from mailer.web.response import json, page

PREFIX = "/api/v1"


@operation("The reference for people", anonymous=True, media_type="text/html")
async def reference(request: web.Request) -> web.Response:
    return page(request, "reference.html")


def routes(api_routes: list[web.RouteDef]) -> list[web.RouteDef]:
    """The two routes, which describe `api_routes`; the document is made once."""
    made: list[dict[str, object]] = []

    async def document(_: web.Request) -> web.Response:
        if not made:
            made.append(openapi.document(api_routes, PREFIX))
        return json(made[0])

    operation("This document", anonymous=True)(document)
    return [web.get("/openapi.json", document), web.get("/reference", reference)]
