"""What recipients touch of this room."""

from aiohttp import web

ROUTES: list[web.RouteDef] = []
