"""Pages of automatic campaigns: the list, what each waits for, and how it stands."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from lists import mailing_lists, segments, tags
from mailer.accounts import access, identity
from mailer.accounts.access import Role
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid, fault
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query, read, services
from sending import (
    automation_checks,
    automation_runs,
    automation_steps,
    automation_words,
    automations,
    campaigns,
)
from sending.automations import Automation, NewAutomation, Trigger, TriggerKind
from sending.pages_campaigns import Number

LIMIT = 50
KINDS: tuple[tuple[TriggerKind, str], ...] = (
    ("subscribed", N_("Somebody subscribes to the list")),
    ("tagged", N_("A tag is added")),
    ("date", N_("A date of the contact comes: birthday, renewal")),
    ("segment", N_("A contact comes into a segment")),
    ("clicked", N_("A link of a campaign is clicked")),
    ("event", N_("A program sends an event")),
)
# a field of the form → its place in the struct
_PLACES = {
    "tag_id": "trigger.of",
    "segment_id": "trigger.of",
    "campaign_id": "trigger.of",
    "field": "trigger.field",
    "event": "trigger.event",
}


class AutomationForm(Input):
    name: Annotated[str, StringConstraints(max_length=120)] = ""
    list_id: Number = None
    kind: TriggerKind = "subscribed"
    imports: bool = False
    tag_id: Number = None
    segment_id: Number = None
    campaign_id: Number = None
    link: Annotated[str, StringConstraints(max_length=200)] = ""
    field: Annotated[str, StringConstraints(max_length=40)] = ""
    yearly: bool = False
    days: Annotated[int, Field(ge=-365, le=365)] = 0
    hour: Annotated[int, Field(ge=0, le=23)] = 9
    event: Annotated[str, StringConstraints(max_length=60)] = ""
    again: bool = False
    quiet_from: Number = None
    quiet_to: Number = None
    version: Number = None


class Asked(Input):
    before: Number = None


def _struct(given: AutomationForm) -> NewAutomation:
    """Raises Invalid at the struct's places."""
    if given.list_id is None:
        raise fault("list_id", N_("Choose a list."), code="missing")
    of = {"tagged": given.tag_id, "segment": given.segment_id, "clicked": given.campaign_id}.get(given.kind)
    trigger = check(
        Trigger,
        {
            "kind": given.kind,
            "of": of,
            "imports": given.imports and given.kind == "subscribed",
            "link": given.link if given.kind == "clicked" else "",
            "event": given.event if given.kind == "event" else "",
        }
        | (
            {"field": given.field, "yearly": given.yearly, "days": given.days, "hour": given.hour}
            if given.kind == "date"
            else {}
        ),
    )
    values = {name: getattr(given, name) for name in ("name", "list_id", "again", "quiet_from", "quiet_to")}
    return check(NewAutomation, values | {"trigger": trigger})


def _at_fields(error: Invalid, kind: str) -> Invalid:
    """trigger.of → the select of this kind."""
    select = {"tagged": "tag_id", "segment": "segment_id", "clicked": "campaign_id"}.get(kind, "kind")
    faults = []
    for one in error.faults:
        last = one.field.rpartition(".")[2]
        field = select if last == "of" else last
        faults.append(type(one)(field, one.message, one.code, one.params))
    return type(error)(*faults)


def _values(found: Automation) -> Form:
    wanted = found.waits_for
    return Form(
        {
            "name": found.name,
            "list_id": found.list_id,
            "kind": found.trigger,
            "imports": wanted.imports,
            "tag_id": wanted.of,
            "segment_id": wanted.of,
            "campaign_id": wanted.of,
            "link": wanted.link,
            "field": wanted.field,
            "yearly": wanted.yearly,
            "days": wanted.days,
            "hour": wanted.hour,
            "event": wanted.event,
            "again": found.again,
            "quiet_from": found.quiet_from,
            "quiet_to": found.quiet_to,
            "version": found.version,
        }
    )


async def index(request: web.Request) -> web.Response:
    asked = query(request, Asked)
    async with access.account_tx(request) as tx:
        found = await automations.many(tx, before=asked.before, limit=LIMIT)
        known = await automation_words.names(tx)
        rows = [
            (one, await automation_words.trigger(tx, one, known), await automations.figures(tx, one.id))
            for one in found[:LIMIT]
        ]
    context = {"rows": rows, "next": found[LIMIT - 1].id if len(found) > LIMIT else None, "asked": asked}
    return response.page(request, "sending/automations/index.html", context)


async def new(request: web.Request) -> web.Response:
    access.need_role(request, Role.EDITOR)
    return await _form_page(request, None, Form({"kind": "subscribed", "hour": 9, "yearly": True, "days": 0}))


async def _form_page(
    request: web.Request, automation: Automation | None, form: Form, *, status: int = 200
) -> web.Response:
    async with access.account_tx(request) as tx:
        fields = await tx.rows(
            "SELECT key, label FROM fields WHERE account_id = $1 AND type = 'date' ORDER BY label"
        )
        sent = await campaigns.many(tx, campaigns.Filter(limit=100))
        context = {
            "automation": automation,
            "form": form,
            "kinds": KINDS,
            "lists": [(one.id, one.name) for one in await mailing_lists.names(tx)],
            "tags": [(one.id, one.name) for one in await tags.names(tx)],
            "segments": await segments.names(tx),
            "campaigns": [(one.id, one.name) for one in sent if one.status != "draft"],
            "fields": [tuple(row) for row in fields],
            "zone": (await identity.of(tx)).time_zone,
        }
    return response.page(request, "sending/automations/form.html", context, status=status)


async def create(request: web.Request) -> web.Response:
    kind = ""
    try:
        given = await read(request, AutomationForm)
        kind = given.kind
        async with access.account_tx(request, Role.EDITOR) as tx:
            made = await automations.create(tx, _struct(given))
    except Invalid as error:
        form = await forms.again(request, _at_fields(error, kind))
        return await _form_page(request, None, form, status=error.status)
    await access.flash(request, N_("This is a draft: add its steps, then start it."))
    return response.redirect(f"/app/{access.member(request).account_id}/automations/{made.id}")


async def settings(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await automations.show(tx, id_in_path(request))
    return await _form_page(request, found, _values(found))


async def save(request: web.Request) -> web.Response:
    kind = ""
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await automations.show(tx, id_in_path(request))
    try:
        given = await read(request, AutomationForm)
        kind = given.kind
        async with access.account_tx(request, Role.EDITOR) as tx:
            await automations.change(tx, found.id, _struct(given), version=given.version)
    except Invalid as error:
        form = await forms.again(request, _at_fields(error, kind))
        return await _form_page(request, found, form, status=error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(request.path.removesuffix("/settings"))


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await automations.show(tx, id_in_path(request))
        context = await _shown(request, tx, found)
    return response.page(request, "sending/automations/show.html", context)


async def _shown(request: web.Request, tx: AccountTx, found: Automation) -> dict[str, object]:
    plan = await automation_steps.plan(tx, found.id, counted=True)
    known = await automation_words.names(tx)
    checks = await automation_checks.run(tx, services(request), found) if found.status != "ended" else []
    member = access.member(request)
    return {
        "automation": found,
        "trigger": await automation_words.trigger(tx, found, known),
        "figures": await automations.figures(tx, found.id),
        "plan": plan,
        "words": {one.id: automation_words.step(one, plan, known) for one in plan.steps},
        "blocking": [one for one in checks if one.group == "blocking"],
        "look": [one for one in checks if one.group == "look"],
        "unpublished": any(one.unpublished for one in plan.steps),
        "reasons": automation_runs.REASONS,
        "may_edit": member.role >= Role.EDITOR and found.status != "ended",
        "may_send": member.can_send,
        "who_may": await identity.senders_of_mail(tx),
        "base": f"/app/{member.account_id}/automations/{found.id}",
        "deepest": automation_steps.DEPTH,
    }


Act = Callable[[web.Request], Awaitable[web.Response]]


def _press(name: str, said: str) -> Act:
    """A press of one button that makes mail leave, or keeps it from leaving."""

    async def press(request: web.Request) -> web.Response:
        automation_id = id_in_path(request)
        try:
            async with access.sender_tx(request) as tx:
                match name:
                    case "start":
                        await automation_runs.start(tx, services(request), automation_id)
                    case "publish":
                        await automation_runs.publish(tx, services(request), automation_id)
                    case "resume":
                        await automation_runs.resume(tx, services(request), automation_id)
                    case "pause":
                        await automation_runs.pause(tx, automation_id)
                    case _:
                        await automation_runs.end(tx, automation_id)
            await access.flash(request, said)
        except Invalid as error:
            first = error.faults[0]
            await access.flash(request, first.message, kind="warning", **first.params)
        return response.redirect(f"/app/{access.member(request).account_id}/automations/{automation_id}")

    return press


async def ask(request: web.Request) -> web.Response:
    """The page of ending it, or of deleting a draft."""
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await automations.show(tx, id_in_path(request))
        figures = await automations.figures(tx, found.id)
    context = {
        "automation": found,
        "figures": figures,
        "form": Form(),
        "may_send": access.member(request).can_send,
    }
    return response.page(request, "sending/automations/end.html", context)


async def delete(request: web.Request) -> web.Response:
    place = f"/app/{access.member(request).account_id}/automations"
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            await automations.delete(tx, id_in_path(request))
    except Invalid as error:
        first = error.faults[0]
        await access.flash(request, first.message, kind="warning", **first.params)
        return response.redirect(f"{place}/{id_in_path(request)}")
    await access.flash(request, N_("The draft is deleted."))
    return response.redirect(place)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/automations", index),
    web.get("/{a}/automations/new", new),
    web.post("/{a}/automations", create),
    web.get(r"/{a}/automations/{id:\d+}", show),
    web.get(r"/{a}/automations/{id:\d+}/settings", settings),
    web.post(r"/{a}/automations/{id:\d+}/settings", save),
    web.get(r"/{a}/automations/{id:\d+}/end", ask),
    web.post(r"/{a}/automations/{id:\d+}/removals", delete),
    web.post(r"/{a}/automations/{id:\d+}/starts", _press("start", N_("It runs: whoever comes is taken in."))),
    web.post(
        r"/{a}/automations/{id:\d+}/publications",
        _press("publish", N_("Published: whoever comes to these steps gets the new text.")),
    ),
    web.post(
        r"/{a}/automations/{id:\d+}/pauses",
        _press("pause", N_("Paused: people are still taken in, and wait.")),
    ),
    web.post(r"/{a}/automations/{id:\d+}/resumptions", _press("resume", N_("It goes on where it stood."))),
    web.post(
        r"/{a}/automations/{id:\d+}/ends", _press("end", N_("Ended: nobody is taken in or goes further."))
    ),
]
