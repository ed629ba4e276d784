"""Checks, review and send; then the page of a campaign under way, its stop buttons and its deliveries."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field, StringConstraints

from lists import decisions
from mailer.accounts import access, identity
from mailer.accounts.access import Role
from mailer.core import clock, paging
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid, TooMany
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query, read, services
from sending import (
    ab_results,
    ab_tests,
    ab_variants,
    brand_kits,
    campaign_checks,
    campaign_lists,
    campaign_segments,
    campaigns,
    deliveries,
    editions,
    image_weights,
    lanes,
    limiter,
    local_times,
    measuring,
    outcomes,
    pages_remainders,
    pages_steps,
    profiles,
    recurrences,
    remainders,
    resumptions,
    schedules,
    senders,
    sends,
    servers,
    sources,
    test_sends,
)
from sending.campaigns import Campaign
from sending.resumptions import Resumption
from sending.schedules import WallClock

BOTH = "both"
LIVE = frozenset({"scheduled", "preparing", "sending"})
STOPPED = frozenset({"paused", "cancelled"})
Short = Annotated[str, StringConstraints(max_length=64)]


# among the zones of the form
EACH_ZONE = "recipient"


class SendForm(Input):
    """`expected`: the number that the page showed. Date, time and zone count only for "later"."""

    when: Literal["now", "later"] = "now"
    expected: int
    typed: Short = ""
    date: Short = ""
    time: Short = ""
    zone: Short = ""
    zone_field: Short = ""
    keep_source: bool = False


class TestForm(Input):
    """`recipient`: an address, or "both" for one's own and every test address."""

    recipient: Annotated[str, StringConstraints(max_length=320)]
    who: Annotated[str, StringConstraints(pattern=r"^(sample|bare|[0-9]{1,18})$")] = "sample"
    then: Literal["preview", "checks", "review", "ab-test"] = "preview"
    variant: Annotated[int, Field(ge=1, le=4)] = 1


class DeliveryFilter(Input):
    status: Annotated[str, StringConstraints(pattern=r"^[a-z_]{0,20}$")] = ""
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z_]{0,40}$")] = ""
    provider: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{0,40}$")] = ""
    cursor: str = ""


async def checks(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        report = await campaign_checks.run(tx, services(request), id_in_path(request))
        tests = await pages_steps.tests(tx, report.campaign.id)
        weight = await image_weights.of(tx, report.campaign.source)
    if report.campaign.status != "draft":
        return pages_steps.away(request, report.campaign)
    context = pages_steps.context(request, report.campaign, "checks", Form()) | {
        "report": report,
        "weight": weight,
        "person": access.person(request),
        **tests,
    }
    return response.page(request, "sending/campaigns/checks.html", context)


async def test(request: web.Request) -> web.Response:
    """« M'envoyer un test »."""
    given = await read(request, TestForm)
    place = request.path.removesuffix("/test-sends") + f"/{given.then}"
    contact_id = int(given.who) if given.who.isdigit() else None
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            to = [test_sends.ME, test_sends.SEEDS] if given.recipient == BOTH else [given.recipient]
            made = await test_sends.ask_all(
                tx, id_in_path(request), to, contact_id=contact_id, variant=given.variant
            )
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="danger", **fault.params)
        return response.redirect(place)
    except TooMany as error:
        await access.flash(request, error.message, kind="warning", **error.params)
        return response.redirect(place)
    message = N_("A test is on its way to {email}. Its links change nothing.")
    if len(made) > 1:
        message = N_("{n} tests are on their way. Their links change nothing.")
    await access.flash(request, message, email=made[0].recipient, n=len(made))
    return response.redirect(place)


async def review(request: web.Request) -> web.Response:
    member = access.member(request)
    later = request.query.get("when") == "later"
    today = clock.now().astimezone(i18n.zone(member.time_zone))
    values = {
        "when": "later" if later else "now",
        "date": f"{today:%Y-%m-%d}",
        "time": "",
        "zone": member.time_zone,
    }
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        if campaign.status != "draft":
            return pages_steps.away(request, campaign)
        if not servers.stays_here(services(request).settings) and await access.owes_answer(request, tx):
            # S18: before the first send to the outside
            wanted = urlencode({"next": request.path})
            return response.redirect(f"/app/me/second-factor/question?{wanted}")
        return await _review_page(request, tx, Form(values | {"keep_source": campaign.keep_source}))


async def _review_page(request: web.Request, tx: AccountTx, form: Form, *, status: int = 200) -> web.Response:
    report = await campaign_checks.run(tx, services(request), id_in_path(request))
    campaign = report.campaign
    sender = await senders.show(tx, campaign.sender_id) if campaign.sender_id else None
    context = pages_steps.context(request, campaign, "review", form) | {
        "report": report,
        "sender": sender,
        "used": await campaign_lists.many(tx, campaign.id),
        "segments": await campaign_segments.many(tx, campaign.id),
        "test": await ab_tests.of(tx, campaign.id),
        "variants": await ab_variants.versions(tx, campaign.id),
        "typing": await sends.needs_typing(tx, report.counts.result),
        "last": await test_sends.last(tx, campaign.id),
        "later": form.value("when") == "later",
        "zone_fields": [(one.key, one.label) for one in await local_times.choices(tx)],
        "plan": await recurrences.of(tx, campaign.id),
        "may_send": access.member(request).can_send,
        "who_may": await identity.senders_of_mail(tx),
        "person": access.person(request),
        "hold": sends.HOLD_SECONDS,
        "measured": await measuring.expected(tx, campaign, await _html(request, tx, campaign)),
    }
    return response.page(request, "sending/campaigns/review.html", context, status=status)


async def _html(request: web.Request, tx: AccountTx, campaign: Campaign) -> str | None:
    fields = await sources.field_keys(tx)
    settings = services(request).settings
    kit = await brand_kits.of(tx, settings)
    made = sources.compile_source(campaign.content, settings=settings, fields=fields, kit=kit)
    return None if isinstance(made, list) else made.html


async def send(request: web.Request) -> web.Response:
    """Now, behind the hold of a minute; or at a time of the wall clock."""
    try:
        given = await read(request, SendForm)
        at, local = None, None
        if given.when == "later":
            if given.zone == EACH_ZONE:
                local = local_times.read(given.date, given.time, given.zone_field)
            else:
                wall = check(WallClock, {"date": given.date, "time": given.time, "zone": given.zone})
                at = schedules.instant(wall)
        order = sends.Order(
            at=at,
            local=local,
            hold_seconds=sends.HOLD_SECONDS,
            expected=given.expected,
            typed=given.typed,
            keep_source=given.keep_source,
        )
        async with access.sender_tx(request) as tx:
            campaign = await sends.schedule(tx, services(request), id_in_path(request), order)
    except Invalid as error:
        return await _review_again(request, error)
    return response.redirect(pages_steps.base(request, campaign))


async def _review_again(request: web.Request, error: Invalid) -> web.Response:
    form = await forms.again(request, error)
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        if campaign.status != "draft":
            return pages_steps.away(request, campaign)
        return await _review_page(request, tx, form, status=error.status)


async def show(request: web.Request) -> web.Response:
    """A campaign that is waiting, under way, stopped or done; a draft opens at its first step."""
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        if campaign.status == "draft":
            return response.redirect(f"{pages_steps.base(request, campaign)}/setup")
        compared = await ab_results.of(tx, campaign.id)
        context = {
            "campaign": campaign,
            "base": pages_steps.base(request, campaign),
            "balance": await outcomes.balance(tx, campaign.id),
            "parts_of_balance": await deliveries.by_reason(tx, campaign.id),
            "troubles": await deliveries.troubles(tx, campaign.id),
            "used": await campaign_lists.many(tx, campaign.id),
            "segments": await campaign_segments.many(tx, campaign.id),
            "may_send": access.member(request).can_send,
            "who_may": await identity.senders_of_mail(tx),
            # an A/B test whose mails have left stands still for hours
            "live": _live(campaign) and not (compared and compared.stands),
            # looking through a campaign costs: not each two seconds while it is under way
            "rest": await remainders.of(tx, campaign.id) if campaign.status in STOPPED else None,
            "relatives": await remainders.relatives(tx, campaign.id),
            "compared": compared,
            "waves": await local_times.waves(tx, campaign.id),
            "edition": await editions.origin(tx, campaign.id),
            "mending": pages_remainders.MENDING.get(campaign.pause_reason),
            "stuck": campaign.pause_reason in pages_remainders.STUCK,
            "limited": resumptions.limited(campaign),
            "operators": await resumptions.is_operators(tx, campaign),
            "form": Form(),
            "pause_words": lanes.PAUSE_REASONS.get(campaign.pause_reason, campaign.pause_reason),
            "situation": await limiter.of_campaign(tx, services(request), campaign),
            "provider_name": limiter.provider_name,
            "now": clock.now(),
            "hold": sends.HOLD_SECONDS,
        }
    return response.page(request, "sending/campaigns/show.html", context)


def _live(campaign: Campaign) -> bool:
    """Is the page worth asking again? Not for a departure that is minutes away."""
    if campaign.status == "scheduled" and campaign.scheduled_at is not None:
        return (campaign.scheduled_at - clock.now()).total_seconds() <= sends.HOLD_SECONDS
    return campaign.status in LIVE


async def _move(request: web.Request, act: str) -> web.Response:
    """One of the stop buttons; a press that comes too late says so on the campaign's page."""
    campaign_id = id_in_path(request)
    place = f"/app/{access.member(request).account_id}/campaigns/{campaign_id}"
    try:
        async with access.sender_tx(request) as tx:
            match act:
                case "leave":
                    await sends.leave_now(tx, campaign_id)
                case "pause":
                    await sends.pause(tx, campaign_id)
                case "resume":
                    asked = await read(request, Resumption)
                    await resumptions.by_account(tx, services(request), campaign_id, asked)
                case _:
                    await sends.cancel(tx, campaign_id)
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
        return response.redirect(place)
    if act in _SAID:
        await access.flash(request, _SAID[act])
    return response.redirect(place)


_SAID = {
    "pause": N_("Paused. Messages already handed to the server do not come back."),
    "cancel": N_("Cancelled. Nothing more of this campaign will leave."),
}


async def leave(request: web.Request) -> web.Response:
    return await _move(request, "leave")


async def pause(request: web.Request) -> web.Response:
    return await _move(request, "pause")


async def resume(request: web.Request) -> web.Response:
    return await _move(request, "resume")


async def cancel(request: web.Request) -> web.Response:
    return await _move(request, "cancel")


async def ask_cancel(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        balance = await outcomes.balance(tx, campaign.id)
    context = {"campaign": campaign, "balance": balance, "form": Form()}
    return response.page(request, "sending/campaigns/cancel.html", context)


async def list_deliveries(request: web.Request) -> web.Response:
    asked = query(request, DeliveryFilter)
    key = paging.decode(asked.cursor, (int,))
    wanted = deliveries.Filter(
        status=asked.status,
        reason=asked.reason,
        provider=asked.provider,
        after=int(str(key[0])) if key else None,
    )
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        rows = await deliveries.many(tx, campaign.id, wanted)
    zone = access.member(request).time_zone
    context = {
        "campaign": campaign,
        "base": pages_steps.base(request, campaign),
        "page": paging.page(rows, wanted.limit, key=lambda row: (row.contact_id,)),
        "asked": asked,
        "form": Form(asked.model_dump()),
        "why": lambda one: decisions.why(one, zone),
        "providers": [(name, limiter.provider_name(name)) for name in profiles.every()],
        "provider_name": limiter.provider_name,
        "editor": access.member(request).role >= Role.EDITOR,
    }
    return response.page(request, "sending/campaigns/deliveries.html", context)


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/campaigns/{id:\d+}", show),
    web.get(r"/{a}/campaigns/{id:\d+}/checks", checks),
    web.post(r"/{a}/campaigns/{id:\d+}/test-sends", test),
    web.get(r"/{a}/campaigns/{id:\d+}/review", review),
    web.post(r"/{a}/campaigns/{id:\d+}/sends", send),
    web.post(r"/{a}/campaigns/{id:\d+}/departures", leave),
    web.post(r"/{a}/campaigns/{id:\d+}/pauses", pause),
    web.post(r"/{a}/campaigns/{id:\d+}/resumptions", resume),
    web.get(r"/{a}/campaigns/{id:\d+}/cancellation", ask_cancel),
    web.post(r"/{a}/campaigns/{id:\d+}/cancellations", cancel),
    web.get(r"/{a}/campaigns/{id:\d+}/deliveries", list_deliveries),
]
