"""Sending once more what is in doubt: a person decides, one contact at a time."""

from aiohttp import web

from mailer.accounts import access
from mailer.core.errors import Gone, Invalid
from mailer.core.text import N_
from mailer.web import response
from mailer.web.request import id_in_path
from sending import outcomes


async def resend(request: web.Request) -> web.Response:
    campaign_id, contact_id = id_in_path(request), id_in_path(request, "contact")
    place = f"/app/{access.member(request).account_id}/campaigns/{campaign_id}/deliveries?status=in_doubt"
    try:
        async with access.sender_tx(request) as tx:
            await outcomes.send_again(tx, campaign_id, contact_id)
    except Gone:
        message = N_("The content was erased after six days: it cannot be sent again.")
        await access.flash(request, message, kind="warning")
        return response.redirect(place)
    except Invalid as error:
        await access.flash(request, error.faults[0].message, kind="warning")
        return response.redirect(place)
    await access.flash(request, N_("The message leaves again for this contact."))
    return response.redirect(place)


ROUTES: list[web.RouteDef] = [
    web.post(r"/{a}/campaigns/{id:\d+}/deliveries/{contact:\d+}/resends", resend),
]
