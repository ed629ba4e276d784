"""JSON for programs of this room."""

from aiohttp import web

from lists import api_contacts, api_import_uploads, api_imports, api_lists

ROUTES: list[web.RouteDef] = [
    *api_contacts.ROUTES,
    *api_lists.ROUTES,
    # before /imports/{id}, which would take them
    *api_import_uploads.ROUTES,
    *api_imports.ROUTES,
]
