"""JSON for programs: automatic campaigns, their steps, and the events that take people in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints

from lists import contacts
from mailer.accounts import access
from mailer.core import clock, paging
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound, fault
from mailer.core.paging import Page
from mailer.core.text import N_
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, query, read, services
from mailer.web.response import json
from sending import automation_entries, automation_runs, automation_steps, automations, senders
from sending.automation_steps import Place, Step, StepInput
from sending.automations import Automation, Figures, NewAutomation, Trigger

SCOPE = "campaigns:send"


class AutomationInput(NewAutomation):
    """`version`: refuses with 409 when somebody changed it since it was read."""

    version: Annotated[int, Field(ge=1)] | None = None


class NewStep(StepInput):
    """`place`: where it comes; behind the last step of the whole when null."""

    place: Place | None = None


class EventInput(Input):
    """`contact_id` or `email`: who. `key`: what this event is, so that one is taken once; needed where an
    automatic campaign can be entered again."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_.-]*$")]
    contact_id: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    email: Annotated[str, StringConstraints(max_length=320)] | None = None
    key: Annotated[str, StringConstraints(max_length=100)] = ""


class Asked(Input):
    cursor: Annotated[str, StringConstraints(max_length=500)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """`mail_id`: the draft in which a mail is written, a campaign of the API. `unpublished`: what is written
    differs from what leaves. `waiting`: people at the step; `passed`: who have done it."""

    id: int
    parent: int | None
    branch: str
    kind: str
    setting: dict[str, Any]
    mail_id: int | None
    unpublished: bool
    waiting: int
    passed: int
    said_yes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomationView:
    """`steps` in reading order: behind a condition its branch `yes`, then `no`."""

    id: int
    name: str
    list_id: int
    status: str
    pause_reason: str
    trigger: Trigger
    again: bool
    quiet_from: int | None
    quiet_to: int | None
    version: int
    people: Figures
    steps: list[StepView]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """`taken_in`: how many automatic campaigns the person entered by it."""

    taken_in: int


async def _view(tx: AccountTx, found: Automation) -> AutomationView:
    plan = await automation_steps.plan(tx, found.id, counted=True)
    names = AutomationView.__dataclass_fields__.keys() & Automation.__dataclass_fields__.keys() - {"trigger"}
    return AutomationView(
        **{name: getattr(found, name) for name in names},
        trigger=found.waits_for,
        people=await automations.figures(tx, found.id),
        steps=[_step(step) for _, step in plan.lines()],
    )


def _step(step: Step) -> StepView:
    return StepView(
        id=step.id,
        parent=step.parent_id,
        branch=step.branch,
        kind=step.kind,
        setting=dict(step.setting),
        mail_id=step.draft_id,
        unpublished=step.unpublished,
        waiting=step.waiting,
        passed=step.passed,
        said_yes=step.said_yes,
    )


@operation("List automatic campaigns", query=Asked, returns=page_of(AutomationView), scope="campaigns:read")
async def index(request: web.Request) -> web.Response:
    asked = query(request, Asked)
    before = paging.decode(asked.cursor, (int,))
    async with access.api_tx(request) as tx:
        found = await automations.many(tx, before=int(str(before[0])) if before else None, limit=asked.limit)
        cut = paging.page(found, asked.limit, key=lambda one: (one.id,))
        return json(Page([await _view(tx, one) for one in cut.items], cut.next_cursor))


@operation(
    "Create an automatic campaign",
    body=NewAutomation,
    returns=AutomationView,
    status=201,
    scope="campaigns:write",
)
async def create(request: web.Request) -> web.Response:
    given = await read(request, NewAutomation)
    async with access.api_tx(request) as tx:
        return json(await _view(tx, await automations.create(tx, given)), status=201)


@operation("Show an automatic campaign", returns=AutomationView, scope="campaigns:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _view(tx, await automations.show(tx, id_in_path(request))))


@operation(
    "Change an automatic campaign",
    body=AutomationInput,
    returns=AutomationView,
    scope="campaigns:write",
    errors=(409,),
)
async def change(request: web.Request) -> web.Response:
    given = await read(request, AutomationInput)
    async with access.api_tx(request) as tx:
        found = await automations.change(tx, id_in_path(request), given, version=given.version)
        return json(await _view(tx, found))


@operation("Delete a draft of an automatic campaign", status=204, scope="campaigns:write", errors=(409,))
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await automations.delete(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "Add a step", body=NewStep, returns=AutomationView, status=201, scope="campaigns:write", errors=(409,)
)
async def add_step(request: web.Request) -> web.Response:
    given = await read(request, NewStep)
    async with access.api_tx(request) as tx:
        found = await automations.show(tx, id_in_path(request))
        place = given.place
        if place is None:
            last = (await automation_steps.plan(tx, found.id)).branch(None, "")[-1:]
            place = Place(after=last[0].id) if last else Place()
        await automation_steps.add(tx, found.id, given, place)
        return json(await _view(tx, found), status=201)


@operation("Change a step", body=StepInput, returns=AutomationView, scope="campaigns:write", errors=(409,))
async def change_step(request: web.Request) -> web.Response:
    given = await read(request, StepInput)
    async with access.api_tx(request) as tx:
        found = await automations.show(tx, id_in_path(request))
        await automation_steps.change(tx, found.id, id_in_path(request, "step"), given)
        return json(await _view(tx, found))


@operation("Delete a step and its branches", status=204, scope="campaigns:write", errors=(409,))
async def delete_step(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await automation_steps.delete(tx, id_in_path(request), id_in_path(request, "step"))
    return web.Response(status=204)


@operation("Start an automatic campaign", returns=AutomationView, scope=SCOPE, errors=(409,))
async def start(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _view(tx, await automation_runs.start(tx, services(request), id_in_path(request))))


@operation("Publish what was written since the start", returns=AutomationView, scope=SCOPE, errors=(409,))
async def publish(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(
            await _view(tx, await automation_runs.publish(tx, services(request), id_in_path(request)))
        )


@operation("Pause an automatic campaign", returns=AutomationView, scope=SCOPE, errors=(409,))
async def pause(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _view(tx, await automation_runs.pause(tx, id_in_path(request))))


@operation("Resume an automatic campaign", returns=AutomationView, scope=SCOPE, errors=(409,))
async def resume(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _view(tx, await automation_runs.resume(tx, services(request), id_in_path(request))))


@operation("End an automatic campaign for good", returns=AutomationView, scope=SCOPE, errors=(409,))
async def end(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _view(tx, await automation_runs.end(tx, id_in_path(request))))


@operation(
    "Tell that something happened to a contact",
    body=EventInput,
    returns=EventView,
    status=202,
    scope="contacts:write",
)
async def happened(request: web.Request) -> web.Response:
    given = await read(request, EventInput)
    async with access.api_tx(request) as tx:
        contact_id = await _who(tx, given)
        taken = await automation_entries.happened(tx, given.name, contact_id, key=given.key, now=clock.now())
        return json(EventView(taken_in=taken), status=202)


async def _who(tx: AccountTx, given: EventInput) -> int:
    """Raises Invalid at `contact_id` or `email`."""
    if (given.contact_id is None) == (given.email is None):
        raise fault("contact_id", N_("Give contact_id or email, one of them."), code="missing")
    place, message = "contact_id", N_("There is no such contact.")
    found = given.contact_id
    if given.email is not None:
        place = "email"
        found = await tx.value(
            "SELECT id FROM contacts WHERE account_id = $1 AND address_key = $2",
            senders.read_address(given.email, "email").key,
        )
    try:
        return (await contacts.show(tx, found or 0)).id
    except NotFound:
        raise fault(place, message, code="unknown") from None


ROUTES: list[web.RouteDef] = [
    web.get("/automations", index),
    web.post("/automations", create),
    web.get("/automations/{id}", show),
    web.put("/automations/{id}", change),
    web.delete("/automations/{id}", delete),
    web.post("/automations/{id}/steps", add_step),
    web.put("/automations/{id}/steps/{step}", change_step),
    web.delete("/automations/{id}/steps/{step}", delete_step),
    web.post("/automations/{id}/starts", start),
    web.post("/automations/{id}/publications", publish),
    web.post("/automations/{id}/pauses", pause),
    web.post("/automations/{id}/resumptions", resume),
    web.post("/automations/{id}/ends", end),
    web.post("/events", happened),
]
