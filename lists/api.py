"""JSON for programs of this room."""

from aiohttp import web

from lists import api_batches, api_changes, api_contacts, api_imports, api_lists

ROUTES: list[web.RouteDef] = [
    *api_batches.ROUTES,
    *api_changes.ROUTES,
    *api_contacts.ROUTES,
    *api_lists.ROUTES,
    *api_imports.ROUTES,
]
