"""JSON for programs of this room."""

from aiohttp import web

from lists import api_contacts, api_import_undo, api_imports, api_lists

ROUTES: list[web.RouteDef] = [
    *api_contacts.ROUTES,
    *api_lists.ROUTES,
    *api_imports.ROUTES,
    *api_import_undo.ROUTES,
]
