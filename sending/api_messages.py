"""JSON for programs: transactional messages, one mail to one person."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from mailer.accounts import access
from mailer.core import paging
from mailer.core.db import AccountTx
from mailer.core.errors import TooMany
from mailer.core.rate import Limit
from mailer.core.text import N_
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, query, rates, read, services
from mailer.web.response import json
from sending import transactional
from sending.transactional import Accepted, Message
from sending.transactional_order import NewMessage

# the same words to many people are a newsletter, and a newsletter can be left
SAME_A_DAY = 200


class MessageQuery(Input):
    """`to` is an address."""

    status: Literal[
        "", "queued", "deferred", "claimed", "handing", "delivered", "bounced", "failed", "skipped",
        "cancelled", "in_doubt",
    ] = ""  # fmt: skip
    to: Annotated[str, StringConstraints(max_length=320)] = ""
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


async def _within_limits(request: web.Request, tx: AccountTx, same: str) -> None:
    """Raises TooMany: an account's own limit an hour, and that of one content a day."""
    hourly = await tx.value("SELECT messages_per_hour FROM accounts WHERE id = $1")
    try:
        await rates(request).take(Limit("messages", hourly, 3_600), str(tx.account_id))
    except TooMany as error:
        message = N_("The limit of messages an hour is reached. Try again in {minutes} minutes.")
        raise TooMany(error.retry_after, message) from None
    try:
        await rates(request).take(Limit("same_message", SAME_A_DAY, 86_400), f"{tx.account_id}:{same}")
    except TooMany as error:
        message = N_("The same words went to too many people in a day: send a campaign, which can be left.")
        raise TooMany(error.retry_after, message) from None


@operation(
    "Send a message to one person: a receipt, a password; never marketing",
    body=NewMessage,
    returns=Accepted,
    status=202,
    scope="messages:write",
    errors=(409,),
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewMessage)
    held = services(request)
    async with access.api_tx(request) as tx:
        ready = await transactional.make(tx, held, new)
        await _within_limits(request, tx, ready.same)
        found = await transactional.accept(tx, held, ready)
    return json(found, status=202, headers={"Location": f"/api/v1/messages/{found.id}"})


@operation("List messages, newest first", query=MessageQuery, returns=page_of(Message), scope="messages:read")
async def index(request: web.Request) -> web.Response:
    asked = query(request, MessageQuery)
    key = paging.decode(asked.cursor, (int,))
    wanted = transactional.Filter(
        status=asked.status, to=asked.to, before=int(str(key[0])) if key else None, limit=asked.limit
    )
    async with access.api_tx(request) as tx:
        rows = await transactional.many(tx, services(request).sealer, wanted)
    return json(paging.page(rows, asked.limit, key=lambda row: (row.id,)))


@operation("Show a message", returns=Message, scope="messages:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await transactional.show(tx, services(request).sealer, id_in_path(request)))


@operation(
    "Send a message in doubt once more: it may then arrive twice",
    returns=Message,
    status=202,
    scope="messages:write",
    errors=(409, 410),
)
async def resend(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await transactional.send_again(tx, id_in_path(request))
        found = await transactional.show(tx, services(request).sealer, id_in_path(request))
    return json(found, status=202)


ROUTES: list[web.RouteDef] = [
    web.get("/messages", index),
    web.post("/messages", create),
    web.get("/messages/{id}", show),
    web.post("/messages/{id}/resends", resend),
]
