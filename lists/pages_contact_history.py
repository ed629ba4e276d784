"""Pages of what happened with one contact: the whole timeline, and why one campaign came or did not."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from lists import contact_decisions, contact_timeline, contacts
from lists.contact_timeline import Kind
from lists.contact_words import ACTS, METHODS, told
from lists.contacts import Id
from lists.decisions import why
from lists.pages_contacts import BASES
from mailer.accounts import access
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.request import Input, id_in_path, query

KINDS = (
    ("", N_("Everything")),
    ("consent", N_("Agreements and refusals")),
    ("delivery", N_("Sends")),
    ("event", N_("Opens, clicks, complaints")),
    ("change", N_("Changes by the team")),
    ("journey", N_("Automatic campaigns")),
)


class TimelineQuery(Input):
    kind: Kind = ""
    cursor: Annotated[str, Field(max_length=500)] = ""


class WhyQuery(Input):
    """`campaign_id` None: none chosen yet."""

    campaign_id: Id | None = None


async def timeline(request: web.Request) -> web.Response:
    asked = query(request, TimelineQuery)
    async with access.account_tx(request) as tx:
        contact = await contacts.show(tx, id_in_path(request))
        found = await contact_timeline.many(tx, contact.id, kind=asked.kind, cursor=asked.cursor or None)
    kinds = [(value, i18n.translate(text)) for value, text in KINDS]
    context = {
        "contact": contact,
        "found": found,
        "lines": [(one, told(one)) for one in found.items],
        "asked": asked,
        "kinds": kinds,
        "kind": dict(kinds)[asked.kind] if asked.kind else "",
        "form": forms.filled({"kind": asked.kind}),
    }
    return response.page(request, "lists/contacts/timeline.html", context)


async def decision(request: web.Request) -> web.Response:
    asked = query(request, WhyQuery)
    async with access.account_tx(request) as tx:
        contact = await contacts.show(tx, id_in_path(request))
        choices = await contact_decisions.campaigns(tx)
        found = None
        if asked.campaign_id is not None:
            found = await contact_decisions.show(tx, contact.id, asked.campaign_id)
    zone = access.member(request).time_zone
    context = {
        "contact": contact,
        "choices": [(one.id, one.name) for one in choices],
        "asked": asked,
        "found": found,
        "sentence": why(found.delivery, zone) if found else "",
        "acts": ACTS,
        "methods": METHODS,
        "bases": dict(BASES),
        "form": forms.filled({"campaign_id": asked.campaign_id or ""}),
    }
    return response.page(request, "lists/contacts/why.html", context)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/contacts/{id}/timeline", timeline),
    web.get("/{a}/contacts/{id}/why", decision),
]
