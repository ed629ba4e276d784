"""A draft's plan, its editions, and all plans of the account."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from mailer.accounts import access, identity
from mailer.accounts.access import Role
from mailer.core import paging
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query, read, services
from sending import (
    campaigns,
    editions,
    feed_block,
    feed_words,
    feeds,
    pages_steps,
    recurrence_words,
    recurrences,
)
from sending.recurrences import Plan, Recurrence

_BOXES = frozenset("1234567")
_LINE = Annotated[str, StringConstraints(max_length=20)]


class PlanForm(Input):
    """`month`: "day" with `month_day`, or "last" with `last_weekday`. Empty texts are nothing."""

    every: Literal["day", "week", "month"] = "week"
    weekdays: list[_LINE] = []
    month: Literal["day", "last"] = "day"
    month_day: _LINE = ""
    last_weekday: _LINE = ""
    at: _LINE = ""
    ends_on: _LINE = ""
    skip_unchanged: bool = False
    feed_url: Annotated[str, StringConstraints(max_length=1000)] = ""
    feed_all: bool = False
    version: int | None = None

    @property
    def plan(self) -> Plan:
        """Raises Invalid."""
        given: dict[str, object] = {"every": self.every, "skip_unchanged": self.skip_unchanged}
        given |= {"feed_url": self.feed_url, "feed_all": self.feed_all}
        if not self.at:
            raise Invalid(Fault("at", N_("Write the time like 09:30."), "missing"))
        given |= {"at": self.at, "ends_on": self.ends_on or None, "version": self.version}
        if self.every == "week":
            given["weekdays"] = [one for one in self.weekdays if one in _BOXES]
        elif self.every == "month" and self.month == "last":
            given["last_weekday"] = self.last_weekday or None
        elif self.every == "month":
            given["month_day"] = self.month_day or None
        return check(Plan, given)


class PageQuery(Input):
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 25


def _form(found: Recurrence | None) -> Form:
    if found is None:
        return Form({"every": "week", "weekdays": ["1"], "month": "day", "month_day": "1", "at": "09:00"})
    return Form(
        {
            "every": found.every,
            "weekdays": [str(one) for one in found.weekdays],
            "month": "last" if found.last_weekday else "day",
            "month_day": found.month_day or "1",
            "last_weekday": found.last_weekday or "5",
            "at": f"{found.at:%H:%M}",
            "ends_on": found.ends_on.isoformat() if found.ends_on else "",
            "skip_unchanged": found.skip_unchanged,
            "feed_url": found.feed_url,
        }
    )


async def list_all(request: web.Request) -> web.Response:
    asked = query(request, PageQuery)
    key = paging.decode(asked.cursor, (int,))
    async with access.account_tx(request) as tx:
        rows = await recurrences.many(tx, before=int(str(key[0])) if key else None, limit=asked.limit)
    context = {
        "page": paging.page(rows, asked.limit, key=lambda row: (row.id,)),
        "asked": asked,
        "words": recurrence_words,
    }
    return response.page(request, "sending/recurrences/index.html", context)


async def show(request: web.Request) -> web.Response:
    return await _page(request, None)


async def _page(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    asked = query(request, PageQuery)
    before = editions.before(asked.cursor)
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        found = await recurrences.of(tx, campaign.id)
        if campaign.status != "draft" and found is None:
            return pages_steps.away(request, campaign)
        rows = await editions.many(tx, found.id, before=before, limit=asked.limit) if found else []
        context = {
            "campaign": campaign,
            "base": pages_steps.base(request, campaign),
            "plan": found,
            "editions": editions.page(rows, asked.limit),
            "asked": asked,
            "form": form or _form(found),
            "feed_block": feed_block.BLOCK,
            "items_missing": found and found.feed_url and not feed_block.is_in(campaign.source),
            "zone": found.time_zone if found else (await identity.of(tx)).time_zone,
            "words": recurrence_words,
            "feed_errors": feed_words.ERRORS,
            "may_send": access.member(request).can_send and access.member(request).role >= Role.EDITOR,
            "who_may": await identity.senders_of_mail(tx),
        }
    return response.page(request, "sending/recurrences/show.html", context, status=status)


async def save(request: web.Request) -> web.Response:
    try:
        plan = (await read(request, PlanForm)).plan
        async with access.sender_tx(request) as tx:
            await campaigns.show(tx, id_in_path(request))
        found = await feeds.first_look(services(request), plan.feed_url)
        async with access.sender_tx(request) as tx:
            await recurrences.put(tx, services(request), id_in_path(request), plan, found)
    except Invalid as error:
        return await _page(
            request, await forms.again(request, error, many=("weekdays",)), status=error.status
        )
    await access.flash(request, N_("The plan is saved. The next editions are below."))
    return response.redirect(request.path)


async def pause(request: web.Request) -> web.Response:
    return await _move(request, "pause")


async def resume(request: web.Request) -> web.Response:
    return await _move(request, "resume")


async def ask_remove(request: web.Request) -> web.Response:
    async with access.sender_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        context = {
            "campaign": campaign,
            "base": pages_steps.base(request, campaign),
            "plan": await recurrences.show(tx, campaign.id),
            "words": recurrence_words,
            "form": Form({}),
        }
    return response.page(request, "sending/recurrences/delete.html", context)


async def remove(request: web.Request) -> web.Response:
    return await _move(request, "remove")


_SAID = {
    "pause": N_("Paused: no edition is made until you resume."),
    "resume": N_("Resumed. The next editions are below."),
    "remove": N_("The plan is deleted. Editions that were made stay among the campaigns."),
}


async def _move(request: web.Request, act: str) -> web.Response:
    campaign_id = id_in_path(request)
    place = f"/app/{access.member(request).account_id}/campaigns/{campaign_id}/recurrence"
    try:
        async with access.sender_tx(request) as tx:
            match act:
                case "pause":
                    await recurrences.pause(tx, campaign_id)
                case "resume":
                    await recurrences.resume(tx, services(request), campaign_id)
                case _:
                    await recurrences.remove(tx, campaign_id)
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
        return response.redirect(place)
    await access.flash(request, _SAID[act])
    return response.redirect(place)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/recurring-campaigns", list_all),
    web.get(r"/{a}/campaigns/{id:\d+}/recurrence", show),
    web.post(r"/{a}/campaigns/{id:\d+}/recurrence", save),
    web.post(r"/{a}/campaigns/{id:\d+}/recurrence/pauses", pause),
    web.post(r"/{a}/campaigns/{id:\d+}/recurrence/resumptions", resume),
    web.get(r"/{a}/campaigns/{id:\d+}/recurrence/removals", ask_remove),
    web.post(r"/{a}/campaigns/{id:\d+}/recurrence/removals", remove),
]
