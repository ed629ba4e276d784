"""How the account measures: opens and clicks apart, each choice with what it does and what the law says."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.request import Input, read
from tracking import modes
from tracking.decision import Clicks, Opens

OPENS = (
    (
        "individual",
        N_("For people who accept it"),
        N_(
            "Messages to those who said yes hold an image of their own: you see whether and when they"
            " open, and rates among them. Of the others nothing is known. The law asks for a yes of"
            " its own, apart from the yes to receiving e-mails (CNIL, deliberation 2026-042)."
        ),
    ),
    (
        "last_day",
        N_("Only the day of the last open, to stop writing to addresses that nobody reads"),
        N_(
            "Needs no consent, in messages that people asked for: one date for each contact,"
            " overwritten each time, without hour or history. No report and no segment can read it;"
            " only the search for inactive contacts does. Who said no gets no image."
        ),
    ),
    (
        "aggregate",
        N_("A total for each campaign, nobody told apart"),
        N_(
            "All messages of a campaign hold the same image; each time it is loaded a counter goes up"
            " by one. No person, no address, no device. Have your counsel read what the CNIL exempts"
            " before you choose this. Who said no gets no image."
        ),
    ),
    ("off", N_("Not at all"), N_("No message holds an image that measures.")),
)
CLICKS = (
    (
        "individual",
        N_("For people who accept it"),
        N_(
            "Links in messages to those who said yes pass by this server, which notes the click and"
            " leads on. All others get your links exactly as you wrote them."
        ),
    ),
    ("off", N_("Not at all"), N_("Everybody gets your links exactly as you wrote them.")),
)
MONTHS = (6, 9, 12)


class Form(Input):
    opens: Opens
    clicks: Clicks
    sunset_months: Annotated[int, Field(ge=6, le=12)] = 12


def _words(options: tuple[tuple[str, str, str], ...]) -> list[tuple[str, str, str]]:
    return [(value, i18n.translate(name), i18n.translate(text)) for value, name, text in options]


async def show(request: web.Request) -> web.Response:
    place = access.member(request)
    async with access.account_tx(request) as tx:
        settings = await modes.of(tx)
    context = {
        "settings": settings,
        "opens": _words(OPENS),
        "clicks": _words(CLICKS),
        "months": MONTHS,
        "form": forms.filled(settings, ("opens", "clicks", "sunset_months")),
        "may_change": place.role >= Role.MANAGER,
        "may_ask": place.role >= Role.EDITOR,
    }
    return response.page(request, "tracking/measurement.html", context)


async def change(request: web.Request) -> web.Response:
    wanted = await read(request, Form)
    async with access.account_tx(request, Role.MANAGER) as tx:
        choice = modes.Choice(opens=wanted.opens, clicks=wanted.clicks, sunset_months=wanted.sunset_months)
        await modes.change(tx, choice)
        account_id = tx.account_id
    await access.flash(
        request, N_("Measurement saved. It holds from now on, also for messages that are out.")
    )
    return response.redirect(f"/app/{account_id}/settings/measurement")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/settings/measurement", show),
    web.post("/{a}/settings/measurement", change),
]
