"""JSON for programs: the mailbox that reports come to. No answer holds its password (A-082)."""

from aiohttp import web

from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import rates, read, services
from mailer.web.response import json
from sending import mailbox_polls, report_mailboxes
from sending.pages_mailbox import TRIES
from sending.report_mailboxes import NewMailbox, ReportMailbox


@operation(
    "Show the mailbox that reports come to, and how far it was read",
    returns=ReportMailbox,
    scope="smtp-servers:read",
)
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await report_mailboxes.show(tx))


@operation(
    "Set up or change the mailbox that reports come to; it is signed in to first",
    body=NewMailbox,
    returns=ReportMailbox,
    scope="smtp-servers:write",
)
async def save(request: web.Request) -> web.Response:
    new = await read(request, NewMailbox)
    held = services(request)
    async with access.api_tx(request) as tx:
        account_id = tx.account_id
    await rates(request).take(TRIES, str(account_id))
    await report_mailboxes.look_up(held, new.host, new.port)
    async with access.api_tx(request) as tx:
        given = await report_mailboxes.access(tx, held.sealer, new)
    await mailbox_polls.check(held, given)
    async with access.api_tx(request) as tx:
        return json(await report_mailboxes.save(tx, held.sealer, given))


@operation("Stop reading the mailbox, and forget its password", status=204, scope="smtp-servers:write")
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await report_mailboxes.delete(tx)
    return web.Response(status=204)


ROUTES: list[web.RouteDef] = [
    web.get("/report-mailbox", show),
    web.put("/report-mailbox", save),
    web.delete("/report-mailbox", delete),
]
