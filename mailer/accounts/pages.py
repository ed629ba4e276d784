"""Pages for signed-in people of this room, and the door to them."""

from aiohttp import web

from mailer.accounts import (
    pages_account,
    pages_account_life,
    pages_entry,
    pages_home,
    pages_keys,
    pages_me,
    pages_sign_up,
)

ROUTES: list[web.RouteDef] = [
    *pages_entry.ROUTES,
    *pages_sign_up.ROUTES,
    *pages_me.ROUTES,
    *pages_home.ROUTES,
    *pages_account.ROUTES,
    *pages_account_life.ROUTES,
    *pages_keys.ROUTES,
]
