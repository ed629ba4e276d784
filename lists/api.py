"""JSON for programs of this room."""

from aiohttp import web

from lists import (
    api_batches,
    api_changes,
    api_contacts,
    api_duplicates,
    api_forms,
    api_import_undo,
    api_import_uploads,
    api_imports,
    api_lists,
    api_measurement,
    api_requests,
    api_rights,
    api_segments,
    api_tags,
)

ROUTES: list[web.RouteDef] = [
    *api_batches.ROUTES,
    *api_changes.ROUTES,
    *api_contacts.ROUTES,
    *api_duplicates.ROUTES,
    *api_rights.ROUTES,
    *api_requests.ROUTES,
    *api_lists.ROUTES,
    *api_measurement.ROUTES,
    # before /imports/{id}, which would take them
    *api_import_uploads.ROUTES,
    *api_imports.ROUTES,
    *api_import_undo.ROUTES,
    *api_forms.ROUTES,
    *api_segments.ROUTES,
    *api_tags.ROUTES,
]
