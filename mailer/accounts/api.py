"""JSON for programs of this room."""

from aiohttp import web

ROUTES: list[web.RouteDef] = []
