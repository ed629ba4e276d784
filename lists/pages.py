"""Pages for signed-in people of this room."""

from aiohttp import web

ROUTES: list[web.RouteDef] = []
