"""JSON for programs: senders."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from mailer.accounts import access
from mailer.core.errors import NotFound
from mailer.core.links import Links
from mailer.core.paging import Page
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, read, services
from mailer.web.response import json
from sending import senders
from sending.senders import NewSender, Sender, SenderChanges


class Confirmation(Input):
    """`token`: the last part of the link in the confirmation mail. Without it the mail is sent again."""

    token: Annotated[str, StringConstraints(max_length=2400)] | None = None


def _links(request: web.Request) -> Links:
    held = services(request)
    return Links(held.tokens, held.settings.track_url)


@operation("List senders", returns=page_of(Sender), scope="senders:read")
async def index(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(Page(await senders.many(tx)))


@operation(
    "Add a sender; its address gets a confirmation mail",
    body=NewSender,
    returns=Sender,
    status=201,
    scope="senders:write",
    errors=(409,),
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewSender)
    async with access.api_tx(request) as tx:
        return json(await senders.create(tx, new, _links(request)), status=201)


@operation("Show a sender", returns=Sender, scope="senders:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await senders.show(tx, id_in_path(request)))


@operation("Change a sender", body=SenderChanges, returns=Sender, scope="senders:write")
async def change(request: web.Request) -> web.Response:
    changes = await read(request, SenderChanges)
    async with access.api_tx(request) as tx:
        return json(await senders.change(tx, id_in_path(request), changes))


@operation("Withdraw a sender", returns=Sender, scope="senders:write", errors=(409,))
async def revoke(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await senders.revoke(tx, id_in_path(request)))


@operation(
    "Confirm a sender with the token of its mail, or have the mail sent again",
    body=Confirmation,
    returns=Sender,
    scope="senders:write",
    errors=(409,),
)
async def confirm(request: web.Request) -> web.Response:
    asked_for = await read(request, Confirmation)
    sender_id = id_in_path(request)
    async with access.api_tx(request) as tx:
        if asked_for.token is None:
            return json(await senders.ask_again(tx, sender_id, _links(request)))
        account_id, named_id, asked = senders.read_token(_links(request), asked_for.token)
        if (account_id, named_id) != (tx.account_id, sender_id):
            raise NotFound
        return json(await senders.confirm(tx, sender_id, asked=asked))


ROUTES: list[web.RouteDef] = [
    web.get("/senders", index),
    web.post("/senders", create),
    web.get("/senders/{id}", show),
    web.patch("/senders/{id}", change),
    web.delete("/senders/{id}", revoke),
    web.post("/senders/{id}/confirmations", confirm),
]
