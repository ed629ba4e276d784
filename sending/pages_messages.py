"""Pages of transactional messages: who got what from the account's programs, and why somebody did not."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from mailer.accounts import access
from mailer.core import paging
from mailer.core.errors import Gone, Invalid
from mailer.core.text import N_
from mailer.web import response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, services
from sending import senders, transactional
from sending.transactional import Message


class MessageFilter(Input):
    status: Annotated[str, StringConstraints(pattern=r"^[a-z_]{0,20}$")] = ""
    to: Annotated[str, StringConstraints(max_length=320)] = ""
    cursor: str = ""


async def index(request: web.Request) -> web.Response:
    asked = query(request, MessageFilter)
    key = paging.decode(asked.cursor, (int,))
    wanted = transactional.Filter(
        status=asked.status, to=asked.to, before=int(str(key[0])) if key else None, limit=50
    )
    faults: Invalid | None = None
    found: list[Message] = []
    async with access.account_tx(request) as tx:
        try:
            found = await transactional.many(tx, services(request).sealer, wanted)
        except Invalid as error:
            faults = error
        known = await senders.many(tx)
    usable = [one.id for one in known if one.status == "confirmed"]
    context = {
        "page": paging.page(found, wanted.limit, key=lambda row: (row.id,)),
        "asked": asked,
        "form": Form(asked.model_dump(), faults.faults if faults else ()),
        "curl": _curl(services(request).settings.public_url, usable[0] if usable else 1),
    }
    status = faults.status if faults else 200
    return response.page(request, "sending/messages/index.html", context, status=status)


def _curl(url: str, sender_id: int) -> str:
    return (
        f"curl -X POST {url}/api/v1/messages \\\n"
        '  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n'
        '  -H "Idempotency-Key: order-1001" \\\n'
        f'  -d \'{{"to": {{"email": "ana@example.org"}}, "sender_id": {sender_id},\n'
        '       "subject": "Order 1001", "text": "Thank you. It leaves tomorrow."}\''
    )


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await transactional.show(tx, services(request).sealer, id_in_path(request))
        sender = await senders.show(tx, found.sender_id)
    context = {"message": found, "sender": sender, "may_send": access.member(request).can_send}
    return response.page(request, "sending/messages/show.html", context)


async def resend(request: web.Request) -> web.Response:
    place = request.path.removesuffix("/resends")
    try:
        async with access.sender_tx(request) as tx:
            await transactional.send_again(tx, id_in_path(request))
    except Gone:
        message = N_("The content was erased after six days: it cannot be sent again.")
        await access.flash(request, message, kind="warning")
        return response.redirect(place)
    except Invalid as error:
        await access.flash(request, error.faults[0].message, kind="warning")
        return response.redirect(place)
    await access.flash(request, N_("The message leaves again."))
    return response.redirect(place)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/messages", index),
    web.get(r"/{a}/messages/{id:\d+}", show),
    web.post(r"/{a}/messages/{id:\d+}/resends", resend),
]
