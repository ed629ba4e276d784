"""Pages for signed-in people of this room."""

from aiohttp import web

from lists import pages_import_choices, pages_import_runs, pages_imports

ROUTES: list[web.RouteDef] = [
    *pages_imports.ROUTES,
    *pages_import_choices.ROUTES,
    *pages_import_runs.ROUTES,
]
