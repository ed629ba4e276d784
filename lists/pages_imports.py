"""The list of imports, and the first step of the wizard: the file.

new ─▶ mapping ─▶ options ─▶ check ─▶ run ─▶ report
here   pages_import_choices   pages_import_runs
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from aiohttp import BodyPartReader, web
from pydantic import Field

from lists import import_upload, imports
from lists.imports import Import, State
from mailer.accounts import access, agreements
from mailer.accounts.access import Role
from mailer.core.errors import Invalid, fault
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, services

PIECE = 64 * 1024

STATES = {
    State.UPLOADED: (N_("Columns to choose"), "wait"),
    State.MAPPED: (N_("Options to choose"), "wait"),
    State.CHECKING: (N_("Counting"), "info"),
    State.CHECKED: (N_("To be imported"), "wait"),
    State.RUNNING: (N_("Importing"), "info"),
    State.DONE: (N_("Imported"), "ok"),
    State.UNDOING: (N_("Being undone"), "info"),
    State.UNDONE: (N_("Undone"), "off"),
    State.FAILED: (N_("Stopped"), "bad"),
    State.CANCELLED: (N_("Cancelled"), "off"),
}
NO_FILE = N_("Choose a file, or paste your rows.")


def place(job: Import, step: str = "") -> str:
    """The path of an import below its account's; the step it waits at when none is named."""
    steps = {
        State.UPLOADED: "mapping",
        State.MAPPED: "options",
        State.RUNNING: "run",
        State.DONE: "report",
        State.UNDOING: "undo",
        State.UNDONE: "undo",
    }
    return f"/imports/{job.id}/{step or steps.get(job.state, 'check')}"


def home(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}"


def steps(request: web.Request, job: Import | None, current: str) -> list[tuple[str, str, str]]:
    """The five steps for the macro: text, address, state."""
    names = (
        ("new", N_("File")),
        ("mapping", N_("Columns")),
        ("options", N_("Options")),
        ("check", N_("Check")),
        ("run", N_("Import and report")),
    )
    order = [name for name, _ in names]
    at = order.index(current)
    found = []
    for n, (name, text) in enumerate(names):
        href = ""
        if job is None:
            href = f"{home(request)}/imports/new" if name == "new" else ""
        elif name == current or (n < at and job.state in imports.OPEN):
            href = f"{home(request)}{place(job, 'mapping' if name == 'new' else name)}"
        found.append((i18n.translate(text), href, "current" if n == at else "done" if n < at else "todo"))
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list."""

    job: Import
    state: tuple[str, str]
    href: str


class PageQuery(Input):
    cursor: Annotated[str, Field(max_length=200)] = ""


class NewQuery(Input):
    """`anew`: guess the columns, whatever they were last time."""

    list_id: int | None = None
    anew: bool = False


async def index(request: web.Request) -> web.Response:
    asked = query(request, PageQuery)
    async with access.account_tx(request) as tx:
        found = await imports.page(tx, cursor=asked.cursor, limit=25)
    lines = [Line(job, STATES[State(job.state)], home(request) + place(job)) for job in found.items]
    return response.page(
        request,
        "lists/imports/index.html",
        {"lines": lines, "next_cursor": found.next_cursor, "first": not asked.cursor},
    )


async def new(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        await agreements.require(tx)
    return _new(request, Form())


def _new(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    context = {
        "form": form,
        "steps": steps(request, None, "new"),
        "list_id": query(request, NewQuery).list_id,
        "limit": imports.MAX_BYTES,
    }
    return response.page(request, "lists/imports/new.html", context, status=status)


async def upload(request: web.Request) -> web.Response:
    """The file goes to the store as it comes; the mapping page opens with what was seen in it."""
    async with access.account_tx(request, Role.EDITOR) as tx:
        await agreements.require(tx)
    account_id = access.member(request).account_id
    try:
        import_upload.check_size(request.content_length)
        found = await _receive(request, account_id)
    except Invalid as error:
        return _new(request, Form({}, error.faults), status=422)
    async with access.account_tx(request, Role.EDITOR) as tx:
        import_id = await imports.create(
            tx,
            file_id=found.file_id,
            file_name=found.file_name,
            detected=found.detected,
            language=i18n.language(),
        )
    list_id = query(request, NewQuery).list_id
    kept = f"?list_id={list_id}" if list_id else ""
    return response.redirect(f"{home(request)}/imports/{import_id}/mapping{kept}")


async def _receive(request: web.Request, account_id: int) -> import_upload.Upload:
    """The chosen file, or else the pasted rows. Raises Invalid at `file`."""
    if request.content_type != "multipart/form-data":
        raise fault("file", NO_FILE, code="missing")
    db = services(request).db
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name not in ("file", "rows"):
            continue
        pieces = pieces_of(part)
        first = await anext(pieces, b"")
        if not first.strip():
            continue
        name = part.filename or i18n.translate(N_("pasted rows"))
        return await import_upload.receive(db, account_id, _chain(first, pieces), name=name)
    raise fault("file", NO_FILE, code="missing")


async def pieces_of(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(PIECE):
        yield piece


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        job = await imports.show(tx, id_in_path(request))
    return response.redirect(home(request) + place(job))


ROUTES = [
    web.get("/{a}/imports", index),
    web.post("/{a}/imports", upload),
    web.get("/{a}/imports/new", new),
    web.get("/{a}/imports/{id}", show),
]
