"""The way on from a pause that resuming does not mend: a draft again, or a new campaign for the others."""

from collections.abc import Mapping

from aiohttp import web

from mailer.accounts import access
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path
from sending import campaigns, outcomes, remainders, sends

# why the engine paused → the step of the draft that mends it, and its button
MENDING: Mapping[str, tuple[str, str]] = {
    "content": ("content", N_("Correct the content")),
    "content_gone": ("content", N_("Look over the content")),
    "no_recipients": ("audience", N_("Change the audience")),
    "sender": ("setup", N_("Choose another sender")),
}
# resuming would only pause again
STUCK = frozenset({"content_gone", "no_recipients", "restored"})


async def recall(request: web.Request) -> web.Response:
    """A draft again, at the step that mends why it stopped."""
    campaign_id = id_in_path(request)
    place = f"/app/{access.member(request).account_id}/campaigns/{campaign_id}"
    try:
        async with access.sender_tx(request) as tx:
            before = await campaigns.show(tx, campaign_id)
            await sends.recall(tx, campaign_id)
    except Invalid as error:
        await access.flash(request, error.faults[0].message, kind="warning")
        return response.redirect(place)
    await access.flash(request, N_("Nothing has left. The campaign is a draft again."))
    step, _ = MENDING.get(before.pause_reason, ("review", ""))
    return response.redirect(f"{place}/{step}")


async def ask(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        context = {
            "campaign": campaign,
            "rest": await remainders.of(tx, campaign.id),
            "balance": await outcomes.balance(tx, campaign.id),
            "form": Form(),
        }
    return response.page(request, "sending/campaigns/remainder.html", context)


async def begin(request: web.Request) -> web.Response:
    campaign_id = id_in_path(request)
    home = f"/app/{access.member(request).account_id}/campaigns"
    try:
        async with access.sender_tx(request) as tx:
            found = await campaigns.show(tx, campaign_id)
            name = i18n.translate(N_("{name} (corrected)"), name=found.name[:100])
            made = await remainders.begin(tx, campaign_id, name)
    except Invalid as error:
        await access.flash(request, error.faults[0].message, kind="warning")
        return response.redirect(f"{home}/{campaign_id}")
    await access.flash(
        request, N_("Correct this draft, then send it: only those who got nothing will get it.")
    )
    return response.redirect(f"{home}/{made.id}/content")


ROUTES: list[web.RouteDef] = [
    web.post(r"/{a}/campaigns/{id:\d+}/recalls", recall),
    web.get(r"/{a}/campaigns/{id:\d+}/remainder", ask),
    web.post(r"/{a}/campaigns/{id:\d+}/remainders", begin),
]
