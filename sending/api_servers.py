"""JSON for programs: the account's SMTP servers. No answer holds a password (A-082)."""

from dataclasses import dataclass

from aiohttp import web

from mailer.accounts import access
from mailer.core.paging import Page
from mailer.web import i18n
from mailer.web.openapi import operation, page_of
from mailer.web.request import id_in_path, rates, read, services
from mailer.web.response import json
from sending import server_tests, servers
from sending.server_tests import TestOrder
from sending.servers import NewServer, ServerChanges, SmtpServer


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldStep:
    """`name` is connect, greet, tls, sign_in, sender, recipient or mail; `code` and `reply` are the server's,
    0 when it gave none; `message` says what it means."""

    name: str
    ok: bool
    code: int
    reply: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTest:
    """`ok`: every step succeeded. The steps end with the first that did not."""

    ok: bool
    steps: list[ToldStep]


@operation("List the account's SMTP servers", returns=page_of(SmtpServer), scope="smtp-servers:read")
async def index(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(Page(await servers.many(tx)))


@operation(
    "Add an SMTP server: the first is the main one, the second the spare",
    body=NewServer,
    returns=SmtpServer,
    status=201,
    scope="smtp-servers:write",
    errors=(409,),
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewServer)
    held = services(request)
    await servers.look_up(held, new.host, new.port)
    async with access.api_tx(request) as tx:
        return json(await servers.create(tx, held.sealer, new), status=201)


@operation("Show an SMTP server", returns=SmtpServer, scope="smtp-servers:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await servers.show(tx, id_in_path(request)))


@operation("Change an SMTP server", body=ServerChanges, returns=SmtpServer, scope="smtp-servers:write")
async def change(request: web.Request) -> web.Response:
    changes = await read(request, ServerChanges)
    held = services(request)
    async with access.api_tx(request) as tx:
        before = await servers.show(tx, id_in_path(request))
    if changes.host or changes.port:
        await servers.look_up(held, changes.host or before.host, changes.port or before.port)
    async with access.api_tx(request) as tx:
        return json(await servers.change(tx, held.sealer, before.id, changes))


@operation("Delete an SMTP server and its password", status=204, scope="smtp-servers:write")
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await servers.delete(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "Test an SMTP server, and send a test mail through it when a recipient is given",
    body=TestOrder,
    returns=ServerTest,
    scope="smtp-servers:write",
    keyed=False,
)
async def test(request: web.Request) -> web.Response:
    order = await read(request, TestOrder)
    async with access.api_tx(request) as tx:
        prepared = await server_tests.prepare(tx, services(request), id_in_path(request), order)
    await rates(request).take(server_tests.LIMIT, str(tx.account_id))
    steps = await server_tests.run(prepared)
    async with access.api_tx(request) as tx:
        await server_tests.record(tx, id_in_path(request), steps)
    told = [
        ToldStep(
            name=step.name,
            ok=step.ok,
            code=step.code,
            reply=step.reply,
            message=i18n.translate(step.words, **step.params),
        )
        for step in steps
    ]
    return json(ServerTest(ok=all(step.ok for step in steps), steps=told))


ROUTES: list[web.RouteDef] = [
    web.get("/smtp-servers", index),
    web.post("/smtp-servers", create),
    web.get("/smtp-servers/{id}", show),
    web.patch("/smtp-servers/{id}", change),
    web.delete("/smtp-servers/{id}", delete),
    web.post("/smtp-servers/{id}/tests", test),
]
