"""JSON for programs: the webhook of an SMTP server's provider. A password is shown when it is made only."""

from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import id_in_path, read, services
from mailer.web.response import json
from sending import feedback_hooks, servers
from sending.feedback_hooks import FeedbackHook, NewHook


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHook:
    """`address`: what the provider calls, with Postmark's password in the answer that makes it only. `state`:
    none, waiting, confirmed (Amazon's subscription), working, failing, ended (that subscription is over);
    `last_error`: signature, password, topic, raw, late, unreadable, certificate, confirmation, unsubscribed.
    """

    provider: str | None
    topic: str
    address: str
    state: str
    confirmed_at: datetime | None
    last_event_at: datetime | None
    last_error: str
    failed_at: datetime | None


def _told(address: str, hook: FeedbackHook | None) -> ServerHook:
    return ServerHook(
        provider=hook.provider if hook else None,
        topic=hook.topic if hook else "",
        address=address,
        state=hook.state if hook else "none",
        confirmed_at=hook.confirmed_at if hook else None,
        last_event_at=hook.last_event_at if hook else None,
        last_error=hook.last_error if hook else "",
        failed_at=hook.failed_at if hook else None,
    )


@operation(
    "Show the webhook of a server's provider, and its address before there is one",
    returns=ServerHook,
    scope="smtp-servers:read",
)
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        server = await servers.show(tx, id_in_path(request))
        hook = await feedback_hooks.find(tx, server.id)
        return json(_told(feedback_hooks.address(services(request), tx.account_id, server.id), hook))


@operation(
    "Set up the webhook of a server's provider: Amazon SES by its topic, SendGrid by its key, Postmark",
    body=NewHook,
    returns=ServerHook,
    status=201,
    scope="smtp-servers:write",
    errors=(409,),
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewHook)
    held = services(request)
    async with access.api_tx(request) as tx:
        made = await feedback_hooks.create(tx, held.sealer, id_in_path(request), new)
        address = feedback_hooks.address(held, tx.account_id, made.hook.server_id)
    if made.password:
        address = feedback_hooks.with_password(address, made.password)
    return json(_told(address, made.hook), status=201)


@operation(
    "Make a new password for Postmark's webhook; the old one is refused from now on",
    returns=ServerHook,
    status=201,
    scope="smtp-servers:write",
)
async def renew(request: web.Request) -> web.Response:
    held = services(request)
    async with access.api_tx(request) as tx:
        made = await feedback_hooks.renew(tx, held.sealer, id_in_path(request))
        address = feedback_hooks.address(held, tx.account_id, made.hook.server_id)
    return json(_told(feedback_hooks.with_password(address, made.password), made.hook), status=201)


@operation("Delete the webhook of a server's provider", status=204, scope="smtp-servers:write")
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await feedback_hooks.delete(tx, id_in_path(request))
    return web.Response(status=204)


ROUTES: list[web.RouteDef] = [
    web.get("/smtp-servers/{id}/webhook", show),
    web.post("/smtp-servers/{id}/webhook", create),
    web.post("/smtp-servers/{id}/webhook/passwords", renew),
    web.delete("/smtp-servers/{id}/webhook", delete),
]
