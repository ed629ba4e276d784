"""JSON for programs: sending domains and their DNS records."""

from aiohttp import web

from mailer.accounts import access
from mailer.core.errors import TooMany
from mailer.core.paging import Page
from mailer.web.openapi import operation, page_of
from mailer.web.request import id_in_path, read, services
from mailer.web.response import json
from sending import domain_checks, domain_views, domains, relay_proof
from sending.domain_views import DomainLine, DomainPage
from sending.domains import NewDomain
from sending.relay_proof import Source

CHECK_SECONDS = 5


@operation("List sending domains", returns=page_of(DomainLine), scope="domains:read")
async def index(request: web.Request) -> web.Response:
    held = services(request)
    async with access.api_tx(request) as tx:
        return json(Page(await domain_views.lines(tx, held)))


@operation(
    "Add a sending domain; its records are in the answer",
    body=NewDomain,
    returns=DomainPage,
    status=201,
    scope="domains:write",
    errors=(409,),
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewDomain)
    async with access.api_tx(request) as tx:
        made = await domains.create(tx, services(request), new)
        return json(await domain_views.show(tx, services(request), made.id), status=201)


@operation("Show a sending domain", returns=DomainPage, scope="domains:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await domain_views.show(tx, services(request), id_in_path(request)))


@operation(
    "Look at a domain's DNS records now",
    returns=DomainPage,
    scope="domains:write",
    keyed=False,
)
async def check(request: web.Request) -> web.Response:
    domain_id = id_in_path(request)
    async with access.api_tx(request) as tx:
        account_id = tx.account_id
        if not await domains.ask(tx, domain_id, seconds=CHECK_SECONDS):
            raise TooMany(CHECK_SECONDS)
    await domain_checks.check(services(request), account_id, domain_id)
    async with access.api_tx(request) as tx:
        return json(await domain_views.show(tx, services(request), domain_id))


@operation(
    "Show by the source of a test mail that the SMTP server signs for the domain",
    body=Source,
    returns=DomainPage,
    scope="domains:write",
    keyed=False,
)
async def prove(request: web.Request) -> web.Response:
    given = await read(request, Source)
    domain_id = id_in_path(request)
    async with access.api_tx(request) as tx:
        account_id = tx.account_id
    await relay_proof.prove(services(request), account_id, domain_id, given)
    async with access.api_tx(request) as tx:
        return json(await domain_views.show(tx, services(request), domain_id))


@operation(
    "Make new DKIM keys; they take over when their records are seen",
    returns=DomainPage,
    status=201,
    scope="domains:write",
    errors=(409, 429),
)
async def rotate(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        domain_id = id_in_path(request)
        await domains.rotate(tx, services(request), domain_id)
        return json(await domain_views.show(tx, services(request), domain_id), status=201)


ROUTES: list[web.RouteDef] = [
    web.get("/domains", index),
    web.post("/domains", create),
    web.get("/domains/{id}", show),
    web.post("/domains/{id}/checks", check),
    web.post("/domains/{id}/proofs", prove),
    web.post("/domains/{id}/rotations", rotate),
]
