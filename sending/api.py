"""JSON for programs of this room."""

from aiohttp import web

from sending import (
    api_ab_tests,
    api_automations,
    api_campaigns,
    api_designs,
    api_domains,
    api_hooks,
    api_images,
    api_lint,
    api_mailbox,
    api_measurement,
    api_messages,
    api_pace,
    api_recurrences,
    api_reminders,
    api_resumptions,
    api_segment_figures,
    api_senders,
    api_servers,
    api_tests,
    api_utm,
)

ROUTES: list[web.RouteDef] = [
    *api_campaigns.ROUTES,
    *api_ab_tests.ROUTES,
    *api_automations.ROUTES,
    *api_measurement.ROUTES,
    *api_recurrences.ROUTES,
    *api_reminders.ROUTES,
    *api_resumptions.ROUTES,
    *api_utm.ROUTES,
    *api_segment_figures.ROUTES,
    *api_images.ROUTES,
    *api_designs.ROUTES,
    *api_messages.ROUTES,
    *api_senders.ROUTES,
    *api_pace.ROUTES,
    *api_domains.ROUTES,
    *api_servers.ROUTES,
    *api_hooks.ROUTES,
    *api_mailbox.ROUTES,
    *api_tests.ROUTES,
    *api_lint.ROUTES,
]
