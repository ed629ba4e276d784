"""What recipients touch of this room."""

from aiohttp import web

from lists import (
    public_confirm,
    public_form_confirm,
    public_forms,
    public_preferences,
    public_rights,
    public_rights_address,
    public_rights_confirm,
    public_stay,
    public_tracking,
    public_unsubscribe,
    public_uploads,
)

ROUTES: list[web.RouteDef] = [
    *public_unsubscribe.ROUTES,
    *public_preferences.ROUTES,
    *public_tracking.ROUTES,
    *public_confirm.ROUTES,
    *public_forms.ROUTES,
    *public_form_confirm.ROUTES,
    *public_rights_address.ROUTES,
    *public_rights_confirm.ROUTES,
    *public_rights.ROUTES,
    *public_stay.ROUTES,
    *public_uploads.ROUTES,
]
