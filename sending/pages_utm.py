"""Campaign parameters on links: the account's, on its settings; a campaign's own, beside its content."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, read, services
from sending import campaigns, pages_steps, utm, utm_settings
from sending.utm import Rule, Tagging
from sending.utm_settings import Parameters, Stored, Value

EXAMPLE = "https://www.example.com/page?id=1#top"


class UtmForm(Input):
    """`own`: of a campaign; False for what the account adds. `domains`: one a line."""

    own: bool = False
    active: bool = False
    source: Value = ""
    medium: Value = ""
    campaign: Value = ""
    content: Value = ""
    rule: Rule = "all"
    domains: Annotated[str, StringConstraints(max_length=20_000)] = ""

    @property
    def parameters(self) -> Parameters:
        names = ("active", "source", "medium", "campaign", "content", "rule")
        given = {name: getattr(self, name) for name in names}
        return Parameters(**given, domains=self.domains.split())


def _form(found: Stored, *, own: bool) -> Form:
    return Form({**forms.filled(found).values, "domains": "\n".join(found.domains), "own": own})


async def show_account(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await utm_settings.stored(tx)
    return _page(request, _form(found or utm_settings.DEFAULT, own=True), _example(found))


def _example(found: Stored | None) -> str:
    """An address as recipients read it, with what is saved."""
    if found is None or not found.active:
        return ""
    meanings = {"id": "42", "name": "ete-2026", "variant": "a"}
    return utm.tagged(EXAMPLE, Tagging(params=utm_settings.filled_in(found, meanings)))


def _page(request: web.Request, form: Form, example: str, *, status: int = 200) -> web.Response:
    context = {"form": form, "example": example, "action": request.path}
    return response.page(request, "sending/utm/account.html", context, status=status)


async def save_account(request: web.Request) -> web.Response:
    try:
        given = await read(request, UtmForm)
        async with access.account_tx(request, Role.MANAGER) as tx:
            await utm_settings.put(tx, given.parameters)
    except Invalid as error:
        return _page(request, await forms.again(request, error), "", status=error.status)
    await access.flash(request, N_("Saved. Campaigns that are prepared from now on get these parameters."))
    return response.redirect(request.path)


async def show_campaign(request: web.Request) -> web.Response:
    return await _campaign_page(request, None)


async def _campaign_page(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        if campaign.status != "draft":
            return pages_steps.away(request, campaign)
        own = await utm_settings.stored(tx, campaign.id)
        account = await utm_settings.stored(tx)
        tagging = await utm_settings.of(tx, services(request).settings, campaign.id)
    shown = form or _form(own or account or utm_settings.DEFAULT, own=own is not None)
    context = pages_steps.context(request, campaign, "content", shown) | {
        "example": utm.tagged(EXAMPLE, Tagging(params=tagging.params)) if tagging.params else "",
        "account": account,
    }
    return response.page(request, "sending/utm/campaign.html", context, status=status)


async def save_campaign(request: web.Request) -> web.Response:
    campaign_id = id_in_path(request)
    try:
        given = await read(request, UtmForm)
        async with access.account_tx(request, Role.EDITOR) as tx:
            if given.own:
                await utm_settings.put(tx, given.parameters, campaign_id=campaign_id)
            else:
                await utm_settings.drop(tx, campaign_id)
    except Invalid as error:
        return await _campaign_page(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("The parameters of this campaign’s links are saved."))
    return response.redirect(request.path)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/settings/links", show_account),
    web.post("/{a}/settings/links", save_account),
    web.get(r"/{a}/campaigns/{id:\d+}/links", show_campaign),
    web.post(r"/{a}/campaigns/{id:\d+}/links", save_campaign),
]
