"""Pages of segments: all of them, the builder, deleting one. Each button of the builder sends its form."""

from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from lists import automation_uses, segment_form, segment_known, segment_rows, segment_words, segments
from lists.pages_lists import home
from lists.segment_form import Draft
from lists.segment_known import Known
from lists.segment_tree import Tree
from lists.segments import NewSegment, Segment, SegmentChange
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query

SAMPLE = N_("This is not JSON: line {line}, column {column}.")


class SegmentQuery(Input):
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the table."""

    segment: Segment
    sentence: str
    broken: bool
    uses: list[segments.Use]


async def index(request: web.Request) -> web.Response:
    asked = query(request, SegmentQuery)
    async with access.account_tx(request) as tx:
        found = await segments.many(tx, cursor=asked.cursor or None)
        trees = [one.rule for one in found.items]
        known = await segment_known.load(tx, *trees)
        used = await segments.uses(tx, [one.id for one in found.items])
    lines = [
        Line(
            segment=one,
            sentence=segment_words.sentence(tree, known),
            broken=bool(segment_known.faults(tree, known)),
            uses=[use for use in used if use.segment_id == one.id],
        )
        for one, tree in zip(found.items, trees, strict=True)
    ]
    context = {"found": found, "lines": lines, "asked": asked, "editor": _edits(request)}
    return response.page(request, "lists/segments/index.html", context)


def _edits(request: web.Request) -> bool:
    return access.member(request).role >= Role.EDITOR


async def new(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        known = await segment_known.load(tx, newest=segment_known.NEWEST)
        return await _builder(request, tx, known, segment_form.new(), Form({"name": ""}))


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await segments.show(tx, id_in_path(request))
        known = await segment_known.load(tx, found.rule, newest=segment_known.NEWEST)
        faults = segment_known.faults(found.rule, known)
        form = Form({"name": found.name, "version": found.version}, _placed(faults))
        return await _builder(request, tx, known, found.tree, form, segment=found)


async def create(request: web.Request) -> web.Response:
    return await _press(request, None)


async def change(request: web.Request) -> web.Response:
    return await _press(request, id_in_path(request))


async def _press(request: web.Request, segment_id: int | None) -> web.Response:
    """Every button of the builder, and the script's questions while somebody types."""
    sent = await request.post()
    asks = bool(request.headers.get("HX-Request"))
    act = segment_form.act_of("refresh" if asks else str(sent.get("do", "save")))
    values = {name: str(value) for name, value in sent.items()}
    async with access.account_tx(request, Role.EDITOR) as tx:
        segment = await segments.show(tx, segment_id) if segment_id else None
        known = await segment_known.load(
            tx, *([segment.rule] if segment else []), newest=segment_known.NEWEST
        )
        draft = segment_form.read(values, known)
        shown = Form({"name": values.get("name", ""), "version": values.get("version", "")})
        if act.verb == "json":
            return await _from_json(request, tx, values.get("json", ""), shown, segment=segment)
        if act.verb != "save":
            draft = segment_form.apply(draft, act)
            return await _builder(request, tx, known, draft, shown, segment=segment)
    try:
        saved = await _save(request, segment_id, draft, values)
    except Invalid as error:
        async with access.account_tx(request, Role.EDITOR) as tx:
            form = Form(shown.values, _placed(error.faults))
            return await _builder(request, tx, known, draft, form, segment=segment, status=error.status)
    await access.flash(request, N_("Segment saved."))
    return response.redirect(f"{home(request)}/segments/{saved.id}")


async def _save(
    request: web.Request, segment_id: int | None, draft: Draft, values: dict[str, str]
) -> Segment:
    given = {"name": values.get("name", ""), "tree": draft}
    async with access.account_tx(request, Role.EDITOR) as tx:
        if segment_id is None:
            return await segments.create(tx, check(NewSegment, given))
        version = values.get("version", "")
        wanted = check(SegmentChange, given | {"version": int(version) if version.isdecimal() else None})
        return await segments.change(tx, segment_id, wanted)


async def _from_json(
    request: web.Request, tx: AccountTx, text: str, form: Form, *, segment: Segment | None
) -> web.Response:
    """The rows as the JSON says; nothing is saved yet."""
    values = dict(form.values) | {"json": text}
    try:
        tree = check(Tree, orjson.loads(text))
    except orjson.JSONDecodeError as error:
        fault = Fault("json", SAMPLE, "json_invalid", {"line": error.lineno, "column": error.colno})
        return await _again(request, tx, Form(values, (fault,)), segment)
    except Invalid as error:
        faults = tuple(
            Fault("json", N_("{place}: {text}"), one.code, {"place": one.field, "text": forms.text(one)})
            for one in error.faults
        )
        return await _again(request, tx, Form(values, faults), segment)
    known = await segment_known.load(tx, tree, newest=segment_known.NEWEST)
    shown = Form(form.values, _placed(segment_known.faults(tree, known)))
    return await _builder(request, tx, known, tree.model_dump(mode="json"), shown, segment=segment)


async def _again(request: web.Request, tx: AccountTx, form: Form, segment: Segment | None) -> web.Response:
    sent = await request.post()
    known = await segment_known.load(tx, newest=segment_known.NEWEST)
    draft = segment_form.read({name: str(value) for name, value in sent.items()}, known)
    return await _builder(request, tx, known, draft, form, segment=segment, status=422)


def _placed(faults: Any) -> tuple[Fault, ...]:
    """Faults at the form's own names."""
    return tuple(Fault(segment_form.place_of(one.field), one.message, one.code, one.params) for one in faults)


async def _builder(
    request: web.Request,
    tx: AccountTx,
    known: Known,
    draft: Draft,
    form: Form,
    *,
    segment: Segment | None = None,
    status: int = 200,
) -> web.Response:
    tree, estimate = _finished(draft, known), None
    if tree is not None:
        estimate = await segments.estimate(tx, tree, known)
    context = {
        "segment": segment,
        "rows": segment_rows.rows(draft, known),
        "sentence": segment_words.sentence(tree, known) if tree else "",
        "estimate": estimate,
        "json": form.value("json") or segment_form.as_json(draft),
        "form": form,
        "editor": _edits(request),
        "action": f"{home(request)}/segments" + (f"/{segment.id}" if segment else ""),
    }
    return response.page(request, "lists/segments/edit.html", context, status=status)


def _finished(draft: Draft, known: Known) -> Tree | None:
    """The tree, once nothing is missing."""
    try:
        tree = check(Tree, draft)
    except Invalid:
        return None
    return None if segment_known.faults(tree, known) else tree


async def count(request: web.Request) -> web.Response:
    segment_id = id_in_path(request)
    async with access.account_tx(request, Role.EDITOR) as tx:
        await segments.ask_count(tx, segment_id)
        counting = (await segments.show(tx, segment_id)).counting
    if counting:
        await access.flash(
            request, N_("The exact number is being counted: it stands here in a moment."), kind="info"
        )
    else:
        await access.flash(request, N_("Counted again."))
    return response.redirect(f"{home(request)}/segments/{segment_id}")


async def deletion(request: web.Request) -> web.Response:
    return await _deletion(request, Form())


async def _deletion(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await segments.show(tx, id_in_path(request))
        context = {
            "segment": found,
            "uses": await segments.uses(tx, [found.id]),
            "automations": await automation_uses.of(tx, "segment", found.id),
            "form": form,
        }
    return response.page(request, "lists/segments/delete.html", context, status=status)


async def delete(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            await segments.delete(tx, id_in_path(request))
    except Invalid as error:
        return await _deletion(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Segment deleted. Its contacts stay."))
    return response.redirect(f"{home(request)}/segments")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/segments", index),
    web.post("/{a}/segments", create),
    web.get("/{a}/segments/new", new),
    web.get("/{a}/segments/{id}", show),
    web.post("/{a}/segments/{id}", change),
    web.post("/{a}/segments/{id}/counts", count),
    web.get("/{a}/segments/{id}/deletion", deletion),
    web.post("/{a}/segments/{id}/deletion", delete),
]
