"""Pages for signed-in people of this room."""

from aiohttp import web

from lists import (
    pages_contact,
    pages_contacts,
    pages_exports,
    pages_import_choices,
    pages_import_runs,
    pages_imports,
    pages_lists,
    pages_records,
)

ROUTES: list[web.RouteDef] = [
    *pages_lists.ROUTES,
    *pages_contacts.ROUTES,
    *pages_contact.ROUTES,
    *pages_records.ROUTES,
    *pages_exports.ROUTES,
    *pages_imports.ROUTES,
    *pages_import_choices.ROUTES,
    *pages_import_runs.ROUTES,
]
