"""Pages for signed-in people of this room, and the door to them."""

from aiohttp import web

from mailer.accounts import (
    pages_account,
    pages_code,
    pages_entry,
    pages_home,
    pages_invitations,
    pages_keys,
    pages_me,
    pages_second_factor,
    pages_sign_up,
    pages_team,
)

ROUTES: list[web.RouteDef] = [
    *pages_entry.ROUTES,
    *pages_code.ROUTES,
    *pages_sign_up.ROUTES,
    *pages_invitations.ROUTES,
    *pages_me.ROUTES,
    *pages_second_factor.ROUTES,
    *pages_home.ROUTES,
    *pages_account.ROUTES,
    *pages_keys.ROUTES,
    *pages_team.ROUTES,
]
