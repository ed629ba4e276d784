"""JSON for programs of this room."""

from aiohttp import web

from lists import api_contacts, api_imports, api_lists, api_segments, api_tags

ROUTES: list[web.RouteDef] = [
    *api_contacts.ROUTES,
    *api_lists.ROUTES,
    *api_imports.ROUTES,
    *api_segments.ROUTES,
    *api_tags.ROUTES,
]
