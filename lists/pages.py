"""Pages for signed-in people of this room."""

from aiohttp import web

from lists import (
    pages_contact,
    pages_contact_history,
    pages_contacts,
    pages_duplicates,
    pages_exports,
    pages_fields,
    pages_forms,
    pages_holds,
    pages_import_choices,
    pages_import_runs,
    pages_import_undo,
    pages_imports,
    pages_list_health,
    pages_lists,
    pages_request_acts,
    pages_requests,
    pages_rights,
    pages_segments,
    pages_suppressions,
    pages_tags,
)

ROUTES: list[web.RouteDef] = [
    *pages_lists.ROUTES,
    *pages_list_health.ROUTES,
    *pages_forms.ROUTES,
    *pages_contacts.ROUTES,
    *pages_duplicates.ROUTES,
    *pages_contact.ROUTES,
    *pages_contact_history.ROUTES,
    *pages_rights.ROUTES,
    *pages_requests.ROUTES,
    *pages_request_acts.ROUTES,
    *pages_holds.ROUTES,
    *pages_fields.ROUTES,
    *pages_suppressions.ROUTES,
    *pages_segments.ROUTES,
    *pages_tags.ROUTES,
    *pages_exports.ROUTES,
    *pages_imports.ROUTES,
    *pages_import_choices.ROUTES,
    *pages_import_runs.ROUTES,
    *pages_import_undo.ROUTES,
]
