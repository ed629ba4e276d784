"""A reminder to those who did not click: who they are, another subject, and the draft."""

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, read
from sending import campaigns, pages_steps, reminders
from sending.campaigns import Line


class ReminderForm(Input):
    subject: Line = ""


async def ask(request: web.Request) -> web.Response:
    return await _page(request, None)


async def _page(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        context = {
            "campaign": campaign,
            "base": pages_steps.base(request, campaign),
            "people": await reminders.people(tx, campaign.id),
            "relatives": await reminders.relatives(tx, campaign.id),
            "earliest": reminders.earliest(campaign),
            "now": clock.now(),
            "form": form or Form({"subject": campaign.subject}),
        }
    return response.page(request, "sending/campaigns/reminder.html", context, status=status)


async def begin(request: web.Request) -> web.Response:
    campaign_id = id_in_path(request)
    try:
        given = await read(request, ReminderForm)
        async with access.account_tx(request, Role.EDITOR) as tx:
            found = await campaigns.show(tx, campaign_id)
            name = i18n.translate(N_("{name} (reminder)"), name=found.name[:100])
            made = await reminders.begin(tx, campaign_id, name=name, subject=given.subject)
    except Invalid as error:
        if any(fault.field == "subject" for fault in error.faults):
            return await _page(request, await forms.again(request, error), status=error.status)
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
        return response.redirect(f"/app/{access.member(request).account_id}/campaigns/{campaign_id}/reminder")
    await access.flash(
        request, N_("This is a draft for those who did not click: look it over, then send it.")
    )
    return response.redirect(f"{pages_steps.base(request, made)}/setup")


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/campaigns/{id:\d+}/reminder", ask),
    web.post(r"/{a}/campaigns/{id:\d+}/reminders", begin),
]
