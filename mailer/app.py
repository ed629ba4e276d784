"""The aiohttp application: four faces, every route.

    /app     people     cookie, CSRF          rooms' pages.ROUTES
    /api/v1  programs   bearer key, no cookie rooms' api.ROUTES
    /t       recipients neither               rooms' public.ROUTES
    /hooks   providers  a signature           sending.public_hooks

Security differs by face, not by room; a room gives up to three plain lists.
"""

from collections.abc import AsyncIterator, Callable, Iterable

from aiohttp import web

import lists.api
import lists.pages
import lists.public
import mailer.accounts.api
import mailer.accounts.pages
import mailer.accounts.public
import mailer.webhooks.api
import mailer.webhooks.pages
import retention_jobs.pages
import retention_jobs.public
import retention_jobs.public_certificates
import sending.api
import sending.pages
import sending.pages_inbox
import sending.public
import sending.public_hooks
import tracking.api
import tracking.pages
import tracking.pages_live
import tracking.public
import tracking.public_visits
from lists import bounce_words
from mailer.accounts import access
from mailer.core.rate import Rates
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings
from mailer.web import middleware, proxies, reference, root
from mailer.web.request import RATES, SERVICES
from sending import limiter, provider_words
from tracking.providers import Words

APP_ROUTES: list[web.RouteDef] = [
    *mailer.accounts.pages.ROUTES,
    *mailer.webhooks.pages.ROUTES,
    *lists.pages.ROUTES,
    *sending.pages.ROUTES,
    *sending.pages_inbox.INBOX_ROUTES,
    *tracking.pages.ROUTES,
    *retention_jobs.pages.ROUTES,
]
API_ROUTES: list[web.RouteDef] = [
    *mailer.accounts.api.ROUTES,
    *mailer.webhooks.api.ROUTES,
    *lists.api.ROUTES,
    *sending.api.ROUTES,
    *tracking.api.ROUTES,
]
PUBLIC_ROUTES: list[web.RouteDef] = [*lists.public.ROUTES, *sending.public.ROUTES, *tracking.public.ROUTES]
ROOT_ROUTES: list[web.RouteDef] = [
    *root.ROUTES,
    *mailer.accounts.public.ROUTES,
    *retention_jobs.public.ROUTES,
    *retention_jobs.public_certificates.ROUTES,
    *sending.pages_inbox.ROOT_ROUTES,
]
MAX_FORM = 2_000_000


def face(routes: Iterable[web.RouteDef], middlewares: Iterable[object]) -> web.Application:
    app = web.Application(middlewares=list(middlewares), client_max_size=MAX_FORM)  # type: ignore[arg-type]
    app.add_routes(routes)
    return app


def make_app(settings: Settings, *, services: Services | None = None) -> web.Application:
    """`services`: already open ones, which the caller closes (tests, all processes of one run)."""
    app = web.Application(
        middlewares=[
            *proxies.middlewares(settings),
            middleware.request_id,
            middleware.security_headers,
            access.rate_headers,
            middleware.errors,
        ],
        client_max_size=MAX_FORM,
    )
    app.on_response_prepare.append(access.add_rate)
    app.on_response_prepare.append(middleware.secure_stream)
    app.cleanup_ctx.append(_services_context(settings, services))
    app[tracking.pages_live.PROVIDER_WORDS] = Words(
        limiter.provider_name, provider_words.said, bounce_words.known
    )
    tracking.pages_live.prepare(app)
    app.add_routes(ROOT_ROUTES)
    pages = face(APP_ROUTES, [access.session])
    pages.on_response_prepare.append(access.staff_stream)
    app.add_subapp("/app", pages)
    api = [*API_ROUTES, *reference.routes(API_ROUTES)]
    app.add_subapp("/api/v1", face(api, [access.api_key]))
    app.add_subapp("/t", face(PUBLIC_ROUTES, [tracking.public_visits.witness]))
    app.add_subapp("/hooks", face(sending.public_hooks.ROUTES, []))
    root.add_static(app)
    return app


def make_track_app(settings: Settings, *, services: Services | None = None) -> web.Application:
    """The recipients' face alone, for a process and a host name of its own (MAILER_TRACK_URL)."""
    app = web.Application(
        middlewares=[
            *proxies.middlewares(settings),
            middleware.request_id,
            middleware.security_headers,
            middleware.errors,
        ],
        client_max_size=MAX_FORM,
    )
    app.on_response_prepare.append(middleware.secure_stream)
    app.cleanup_ctx.append(_services_context(settings, services))
    # what the operator's proxy asks, and the style of the recipients' pages
    app.add_routes(root.HEALTH)
    app.add_subapp("/t", face(PUBLIC_ROUTES, [tracking.public_visits.witness]))
    root.add_static(app)
    return app


async def started(app: web.Application, settings: Settings, *, shutdown_timeout: float) -> web.AppRunner:
    """Ready to listen, with the short way of clicks and opens before everything else."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=shutdown_timeout)
    await runner.setup()
    server = runner.server
    assert server is not None
    server.request_handler = tracking.public.short_way(app, settings, server.request_handler)
    return runner


def _services_context(
    settings: Settings, given: Services | None
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def context(app: web.Application) -> AsyncIterator[None]:
        app[RATES] = Rates(settings.redis_url)
        if given is not None:
            app[SERVICES] = given
            yield
            return
        async with open_services(settings) as services:
            app[SERVICES] = services
            yield

    return context
