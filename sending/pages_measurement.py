"""Measurement as campaigns have it: left out of one, and asked for by one (B-38, B-42)."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from lists import mailing_lists
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Conflict, Invalid, fault
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, read, services
from sending import campaigns, consent_requests, measuring
from sending.consent_requests import NewRequest


class Switch(Input):
    measured: bool


class Asked(Input):
    """`campaign_id`: to the lists of that campaign, in its language, in place of chosen ones."""

    lists: Annotated[list[int], Field(max_length=50)] = Field(default_factory=list)
    language: campaigns.Language = "fr"
    campaign_id: Annotated[int, Field(ge=1, lt=2**63)] | None = None


async def switch(request: web.Request) -> web.Response:
    wanted = await read(request, Switch)
    campaign_id = id_in_path(request)
    place = f"/app/{access.member(request).account_id}/campaigns/{campaign_id}"
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            await measuring.switch(tx, campaign_id, measured=wanted.measured)
    except Conflict as error:
        await access.flash(request, error.faults[0].message, kind="warning")
        return response.redirect(place)
    return response.redirect(f"{place}/review")


async def ask(request: web.Request) -> web.Response:
    """The form: to which lists, in which language. Looking at it makes nothing."""
    language = access.member(request).language
    return await _page(request, Form({"language": "en" if language == "en" else "fr"}))


async def _page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = (await mailing_lists.many(tx, limit=100)).items
    context = {"form": form, "lists": [(one.id, one.name) for one in found]}
    return response.page(request, "sending/campaigns/consent_request.html", context, status=status)


async def begin(request: web.Request) -> web.Response:
    """A draft, ready to be read and sent."""
    try:
        wanted = await read(request, Asked)
        if not wanted.lists and wanted.campaign_id is None:
            raise fault("lists", N_("Choose at least one list."), code="missing")
        async with access.account_tx(request, Role.EDITOR) as tx:
            if wanted.campaign_id is None:
                new = NewRequest(list_ids=wanted.lists, language=wanted.language)
            else:
                new = await consent_requests.like(tx, wanted.campaign_id)
            made = await consent_requests.begin(tx, new, processor=services(request).settings.operator.name)
    except Invalid as error:
        return await _page(request, await forms.again(request, error), status=error.status)
    await access.flash(
        request, N_("The request is a draft: read it, see who gets it, then send it as any campaign.")
    )
    return response.redirect(f"/app/{access.member(request).account_id}/campaigns/{made.id}/audience")


ROUTES: list[web.RouteDef] = [
    web.post(r"/{a}/campaigns/{id:\d+}/measurement", switch),
    web.get("/{a}/campaigns/consent-request", ask),
    web.post("/{a}/campaigns/consent-request", begin),
]
