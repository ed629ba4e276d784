"""JSON for programs of this room."""

from aiohttp import web

from sending import api_campaigns, api_senders, api_tests

ROUTES: list[web.RouteDef] = [*api_campaigns.ROUTES, *api_senders.ROUTES, *api_tests.ROUTES]
