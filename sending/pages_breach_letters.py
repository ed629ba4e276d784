"""From the file of a breach to a draft of a service message: nothing in it is measured (C-63)."""

import json

from aiohttp import web

from mailer.accounts import access, account_breaches, accounts, breach_letter
from mailer.accounts.access import Role
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.request import id_in_path
from sending import campaigns
from sending.campaigns import NewCampaign


async def prepare(request: web.Request) -> web.Response:
    """A draft in the account's language. Whom it goes to is chosen next: the people concerned only."""
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await account_breaches.show(tx, id_in_path(request))
        account = await accounts.show(tx)
        with i18n.speaking(account.language):
            subject = i18n.translate(breach_letter.SUBJECT)
            # what stands in a file is text, and no merge field
            words = [
                part.replace("{{", "{ {").replace("{%", "{ %")
                for part in breach_letter.paragraphs(found.known, account)
            ]
        made = await campaigns.create(tx, NewCampaign(name=subject, kind="service", subject=subject))
        blocks = [{"kind": "paragraph", "text": part} for part in words]
        source = json.dumps({"blocks": blocks, "footer": True})
        await campaigns.write_content(tx, made.id, "letter", source)
    await access.flash(request, N_("A draft of a service message. Complete what stands in brackets."))
    return response.redirect(f"/app/{access.member(request).account_id}/campaigns/{made.id}/setup")


ROUTES: list[web.RouteDef] = [web.post(r"/{a}/privacy/breaches/{id:\d+}/campaigns", prepare)]
