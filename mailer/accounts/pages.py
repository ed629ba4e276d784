"""Pages for signed-in people of this room, and the door to them."""

from aiohttp import web

from mailer.accounts import (
    pages_account,
    pages_account_breaches,
    pages_agreements,
    pages_authority,
    pages_breaches,
    pages_code,
    pages_destinations,
    pages_entry,
    pages_home,
    pages_invitations,
    pages_keys,
    pages_log,
    pages_me,
    pages_operations,
    pages_operator_policies,
    pages_second_factor,
    pages_sign_up,
    pages_staff,
    pages_sub_processors,
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
    *pages_agreements.ROUTES,
    *pages_destinations.ROUTES,
    *pages_operator_policies.ROUTES,
    *pages_sub_processors.ROUTES,
    *pages_log.ROUTES,
    *pages_account_breaches.ROUTES,
    *pages_breaches.ROUTES,
    *pages_staff.ROUTES,
    *pages_authority.ROUTES,
    *pages_operations.ROUTES,
    *pages_keys.ROUTES,
    *pages_team.ROUTES,
]
