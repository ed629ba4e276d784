"""Pages for signed-in people of this room."""

from aiohttp import web

from sending import (
    pages_campaigns,
    pages_content,
    pages_designs,
    pages_domains,
    pages_left_out,
    pages_media,
    pages_messages,
    pages_pace,
    pages_remainders,
    pages_resends,
    pages_restores,
    pages_search,
    pages_seeds,
    pages_segment_figures,
    pages_senders,
    pages_sends,
    pages_servers,
)

ROUTES: list[web.RouteDef] = [
    *pages_campaigns.ROUTES,
    *pages_content.ROUTES,
    *pages_sends.ROUTES,
    *pages_segment_figures.ROUTES,
    *pages_remainders.ROUTES,
    *pages_left_out.ROUTES,
    *pages_resends.ROUTES,
    *pages_restores.ROUTES,
    *pages_designs.ROUTES,
    *pages_media.ROUTES,
    *pages_messages.ROUTES,
    *pages_search.ROUTES,
    *pages_senders.ROUTES,
    *pages_pace.ROUTES,
    *pages_domains.ROUTES,
    *pages_servers.ROUTES,
    *pages_seeds.ROUTES,
]
