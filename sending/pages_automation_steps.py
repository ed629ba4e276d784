"""The steps of an automatic campaign, edited one at a time: after, up, down, delete, change; no script
needed."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from lists import segments
from lists.segment_tree import OPERATORS
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query, read
from sending import automation_notices, automation_steps, automation_words, automations
from sending.automation_steps import Branch, Kind, Place, Plan, Step, StepInput
from sending.pages_campaigns import Number

KINDS: tuple[tuple[Kind, str, str], ...] = (
    ("send", N_("Send an e-mail"), N_("Written like a campaign’s.")),
    ("wait", N_("Wait"), N_("Some minutes, hours or days, or until a day of the week.")),
    ("condition", N_("Ask a condition"), N_("Two ways from there: yes and no.")),
    ("tag", N_("Add a tag"), ""),
    ("untag", N_("Take off a tag"), ""),
    ("leave", N_("Leave the automatic campaign"), ""),
)
# what a condition about a field may ask, of all kinds of fields; a fault says when it does not fit
ASKS = (
    "is",
    "is_not",
    "contains",
    "begins",
    "more",
    "less",
    "before",
    "after",
    "filled",
    "empty",
    "yes",
    "no",
)


class StepForm(Input):
    """`asks`: what a condition is about."""

    kind: Kind = "send"
    after: Number = None
    parent: Number = None
    branch: Branch = ""
    subject: Annotated[str, StringConstraints(max_length=500)] = ""
    amount: Annotated[int, Field(ge=0, le=10_080)] = 1
    unit: Literal["minutes", "hours", "days"] = "days"
    weekdays: list[Annotated[int, Field(ge=1, le=7)]] = []
    hour: Number = None
    tag: Annotated[str, StringConstraints(max_length=60)] = ""
    asks: Literal["segment", "field", "clicked"] = "segment"
    segment_id: Number = None
    field: Annotated[str, StringConstraints(max_length=40)] = ""
    operator: Annotated[str, StringConstraints(max_length=40)] = "is"
    value: Annotated[str, StringConstraints(max_length=200)] = ""
    clicked: Number = None


class Where(Input):
    kind: Kind | None = None
    after: Number = None
    parent: Number = None
    branch: Branch = ""


class Move(Input):
    way: Literal["up", "down"]


async def _struct(tx: AccountTx, given: StepForm) -> StepInput:
    """Raises Invalid."""
    values: dict[str, object] = {"kind": given.kind}
    match given.kind:
        case "send":
            values["subject"] = given.subject
        case "wait":
            values["wait"] = given.model_dump(include={"amount", "unit", "weekdays", "hour"})
        case "tag" | "untag":
            values["tag"] = given.tag or None
        case "condition" if given.asks == "segment":
            values["segment_id"] = given.segment_id
        case "condition" if given.asks == "clicked":
            values["clicked"] = given.clicked
        case "condition":
            values["rule"] = await _rule(tx, given)
    return check(StepInput, values)


async def _rule(tx: AccountTx, given: StepForm) -> dict[str, object]:
    type_ = await tx.value("SELECT type FROM fields WHERE account_id = $1 AND key = $2", given.field)
    if type_ is None:
        raise Invalid(Fault("field", N_("Choose a field."), "missing"))
    value: object = given.value
    if given.operator in ("filled", "empty", "yes", "no"):
        value = None
    elif type_ == "number":
        try:
            value = float(given.value.replace(",", "."))
        except ValueError:
            raise Invalid(Fault("value", N_("Write a number."), "number")) from None
    return {"subject": "field", "of": given.field, "operator": given.operator, "value": value}


def _at_fields(error: Invalid) -> Invalid:
    """wait.amount → amount; a rule's fault stands at its value."""
    faults = []
    for one in error.faults:
        last = one.field.rpartition(".")[2]
        field = {"rule": "value", "wait": "amount", "of": "field"}.get(last, last)
        faults.append(Fault(field, one.message, one.code, one.params))
    return type(error)(*faults)


async def new(request: web.Request) -> web.Response:
    access.need_role(request, Role.EDITOR)
    where = query(request, Where)
    form = Form({"kind": "send", "amount": 1, "unit": "days", **where.model_dump(exclude_none=True)})
    return await _page(request, None, form)


async def _page(request: web.Request, step_id: int | None, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await automations.show(tx, id_in_path(request))
        plan = await automation_steps.plan(tx, found.id)
        known = await automation_words.names(tx)
        step = plan.show(step_id) if step_id is not None else None
        fields = await tx.rows("SELECT key, label FROM fields WHERE account_id = $1 ORDER BY label")
        labels = {
            name: one.label.replace("…", "") for kind in OPERATORS.values() for name, one in kind.items()
        }
        context = {
            "automation": found,
            "step": step,
            "form": form,
            "kinds": KINDS,
            "place": _said(plan, known, form),
            "segments": await segments.names(tx),
            "mails": [(one.id, one.subject) for _, one in plan.lines() if one.kind == "send"],
            "fields": [tuple(row) for row in fields],
            "operators": [(name, labels[name]) for name in ASKS],
            "weekdays": list(automation_words.WEEKDAYS.items()),
            "base": f"/app/{access.member(request).account_id}/automations/{found.id}",
        }
    return response.page(request, "sending/automations/step.html", context, status=status)


def _said(plan: Plan, known: automation_words.Names, form: Form) -> str:
    """Behind which step the new one comes."""
    try:
        before = plan.show(int(form.value("after") or form.value("parent") or 0))
    except (NotFound, ValueError):
        return ""
    return automation_words.step(before, plan, known)


async def create(request: web.Request) -> web.Response:
    automation_id = id_in_path(request)
    try:
        given = await read(request, StepForm)
        async with access.account_tx(request, Role.EDITOR) as tx:
            place = Place(after=given.after, parent=given.parent, branch=given.branch)
            step_id = await automation_steps.add(tx, automation_id, await _struct(tx, given), place)
            step = (await automation_steps.plan(tx, automation_id)).show(step_id)
    except Invalid as error:
        form = await forms.again(request, _at_fields(error), many=["weekdays"])
        return await _page(request, None, form, status=error.status)
    home = f"/app/{access.member(request).account_id}"
    if step.draft_id is not None:
        message = N_("Now write the e-mail. It leaves only once the automatic campaign runs.")
        await access.flash(request, message)
        return response.redirect(f"{home}/campaigns/{step.draft_id}/content")
    return response.redirect(f"{home}/automations/{automation_id}#step-{step_id}")


async def edit(request: web.Request) -> web.Response:
    step_id = id_in_path(request, "step")
    async with access.account_tx(request, Role.EDITOR) as tx:
        step = (await automation_steps.plan(tx, id_in_path(request))).show(step_id)
        known = await automation_words.names(tx)
    if step.draft_id is not None:
        return response.redirect(
            f"/app/{access.member(request).account_id}/campaigns/{step.draft_id}/content"
        )
    return await _page(request, step_id, _values(step, known))


def _values(step: Step, known: automation_words.Names) -> Form:
    values: dict[str, object] = {"kind": step.kind, **step.setting}
    if step.kind in ("tag", "untag"):
        values["tag"] = known.tags.get(int(step.setting["tag_id"]), "")
    if step.kind == "condition":
        asked = {"segment_id": "segment", "clicked": "clicked", "rule": "field"}
        values["asks"] = next(word for name, word in asked.items() if name in values)
        rule = step.setting.get("rule", {})
        values |= {
            "field": rule.get("of", ""),
            "operator": rule.get("operator", "is"),
            "value": rule.get("value", ""),
        }
    return Form(values)


async def save(request: web.Request) -> web.Response:
    automation_id, step_id = id_in_path(request), id_in_path(request, "step")
    try:
        given = await read(request, StepForm)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await automation_steps.change(tx, automation_id, step_id, await _struct(tx, given))
    except Invalid as error:
        form = await forms.again(request, _at_fields(error), many=["weekdays"])
        return await _page(request, step_id, form, status=error.status)
    await access.flash(request, N_("Saved. It holds for everybody who is not past this step."))
    return _back(request, automation_id, step_id)


def _back(request: web.Request, automation_id: int, step_id: int | None = None) -> web.Response:
    mark = f"#step-{step_id}" if step_id is not None else ""
    return response.redirect(f"/app/{access.member(request).account_id}/automations/{automation_id}{mark}")


async def move(request: web.Request) -> web.Response:
    automation_id, step_id = id_in_path(request), id_in_path(request, "step")
    given = await read(request, Move)
    async with access.account_tx(request, Role.EDITOR) as tx:
        await automation_steps.move(tx, automation_id, step_id, up=given.way == "up")
    return _back(request, automation_id, step_id)


async def remove(request: web.Request) -> web.Response:
    automation_id = id_in_path(request)
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            await automation_steps.delete(tx, automation_id, id_in_path(request, "step"))
        await access.flash(request, N_("The step is deleted. Whoever stood there goes on behind it."))
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
    return _back(request, automation_id)


async def add_notices(request: web.Request) -> web.Response:
    """What the first mail has to say is put into its draft."""
    automation_id = id_in_path(request)
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await automations.hold(tx, automation_id)
        step = (await automation_steps.plan(tx, automation_id)).show(id_in_path(request, "step"))
        if step.draft_id is None:
            raise NotFound
        await automation_notices.add(tx, step.draft_id, source=found.waits_for.imports)
    message = N_("The paragraph stands at the end of the e-mail: read it, change it if need be.")
    await access.flash(request, message)
    return _back(request, automation_id)


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/automations/{id:\d+}/steps/new", new),
    web.post(r"/{a}/automations/{id:\d+}/steps", create),
    web.get(r"/{a}/automations/{id:\d+}/steps/{step:\d+}", edit),
    web.post(r"/{a}/automations/{id:\d+}/steps/{step:\d+}", save),
    web.post(r"/{a}/automations/{id:\d+}/steps/{step:\d+}/moves", move),
    web.post(r"/{a}/automations/{id:\d+}/steps/{step:\d+}/removals", remove),
    web.post(r"/{a}/automations/{id:\d+}/steps/{step:\d+}/notices", add_notices),
]
