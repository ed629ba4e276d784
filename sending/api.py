"""JSON for programs of this room."""

from aiohttp import web

from sending import (
    api_campaigns,
    api_domains,
    api_messages,
    api_pace,
    api_segment_figures,
    api_senders,
    api_servers,
    api_tests,
)

ROUTES: list[web.RouteDef] = [
    *api_campaigns.ROUTES,
    *api_segment_figures.ROUTES,
    *api_messages.ROUTES,
    *api_senders.ROUTES,
    *api_pace.ROUTES,
    *api_domains.ROUTES,
    *api_servers.ROUTES,
    *api_tests.ROUTES,
]
