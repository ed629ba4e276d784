"""Pages for signed-in people of this room."""

from aiohttp import web

from sending import (
    pages_campaigns,
    pages_content,
    pages_designs,
    pages_media,
    pages_remainders,
    pages_resends,
    pages_search,
    pages_seeds,
    pages_senders,
    pages_sends,
)

ROUTES: list[web.RouteDef] = [
    *pages_campaigns.ROUTES,
    *pages_content.ROUTES,
    *pages_sends.ROUTES,
    *pages_remainders.ROUTES,
    *pages_resends.ROUTES,
    *pages_designs.ROUTES,
    *pages_media.ROUTES,
    *pages_search.ROUTES,
    *pages_senders.ROUTES,
    *pages_seeds.ROUTES,
]
