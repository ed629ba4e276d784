"""Pages of exports: what, which columns, which format; then its progress and its file for 24 hours."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from lists import export_columns, exports, fields, mailing_lists, segments, selections
from lists.api_lists import stream
from lists.contacts import Id
from lists.exports import Export, NewExport
from lists.pages_contacts import options
from lists.pages_lists import home
from lists.segments import Segment
from lists.selections import Selection
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Forbidden, Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query

WHATS = {
    "contacts": N_("Contacts"),
    "suppressions": N_("Suppression list"),
    "deliveries": N_("Deliveries"),
    "account": N_("The whole account"),
}
OFFERED = (
    ("contacts", N_("One row each, with fields, lists and suppressions.")),
    ("suppressions", N_("Addresses never to write to; fingerprints where the contact was erased.")),
    ("account", N_("One archive to take elsewhere: everything, in open formats, with a guide inside.")),
)
FORMATS = (
    ("csv", N_("Table (CSV), for a spreadsheet or another product")),
    ("xlsx", N_("Workbook (XLSX), for Excel or LibreOffice")),
    ("ndjson", N_("JSON lines, with every proof of consent")),
)
STATUSES = (
    ("", N_("All")),
    ("active", N_("Who receive it")),
    ("pending", N_("Who have not confirmed yet")),
    ("unsubscribed", N_("Who have left")),
)
FORMAT_NAMES = {"csv": "CSV", "xlsx": "XLSX", "ndjson": "NDJSON", "zip": "ZIP"}
NO_COLUMN = N_("Choose at least one column.")


class ExportQuery(Input):
    """`selection_id`: contacts that were frozen in the table of contacts. `segment_id`: whose people."""

    list_id: Id | None = None
    selection_id: Id | None = None
    segment_id: Id | None = None
    what: str = "contacts"
    cursor: str = ""


async def index(request: web.Request) -> web.Response:
    asked = query(request, ExportQuery)
    async with access.account_tx(request) as tx:
        found = await exports.many(tx, cursor=asked.cursor or None)
        names = {one.id: one.name for one in await mailing_lists.names(tx)}
    context = {
        "found": found,
        "asked": asked,
        "lists": names,
        "whats": WHATS,
        "formats": FORMAT_NAMES,
        "now": clock.now(),
    }
    return response.page(request, "lists/exports/index.html", context)


async def new(request: web.Request) -> web.Response:
    asked = query(request, ExportQuery)
    values = {
        "what": asked.what if asked.what in WHATS else "contacts",
        "list_id": asked.list_id or "",
        "selection_id": asked.selection_id or "",
        "segment_id": asked.segment_id or "",
        "format": "csv",
    }
    return await _form(request, Form(values))


async def _form(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        names = await mailing_lists.names(tx)
        columns = await _columns(tx)
        selection = await _selection(tx, form.value("selection_id"))
        segment = await _segment(tx, form.value("segment_id"))
    if not form.value("columns"):
        form = Form({**form.values, "columns": [name for name, _ in columns]}, form.faults)
    context = {
        "form": form,
        "selection": selection,
        "segment": segment,
        "columns": columns,
        "lists": options(names, N_("All contacts")),
        "statuses": [(key, i18n.translate(text)) for key, text in STATUSES],
        "whats": [(key, i18n.translate(WHATS[key]), i18n.translate(text)) for key, text in OFFERED],
        "formats": [(key, i18n.translate(text)) for key, text in FORMATS],
    }
    return response.page(request, "lists/exports/new.html", context, status=status)


async def _columns(tx: AccountTx) -> list[tuple[str, str]]:
    """Each heading with its words, in the order of the file."""
    labels = {field.key: field.label for field in await fields.many(tx)}
    states = {export_columns.heading(name, tuple(labels)): name for name in export_columns.STATES}
    return [
        (name, labels.get(name) or i18n.translate(export_columns.WORDS[states.get(name, name)]))
        for name in export_columns.header(tuple(labels))
    ]


async def _selection(tx: AccountTx, selection_id: object) -> Selection | None:
    """Raises NotFound for one that is not there."""
    text = str(selection_id or "")
    return await selections.show(tx, int(text)) if text.isdecimal() and len(text) < 19 else None


async def _segment(tx: AccountTx, segment_id: object) -> Segment | None:
    """Raises NotFound for one that is not there."""
    text = str(segment_id or "")
    return await segments.show(tx, int(text)) if text.isdecimal() and len(text) < 19 else None


async def create(request: web.Request) -> web.Response:
    try:
        access.need_fresh_password(request)
    except Forbidden as error:
        sent = await request.post()
        kept = {
            name: sent[name] for name in ("selection_id", "segment_id", "list_id", "what") if sent.get(name)
        }
        back = urlencode({"next": f"{home(request)}/exports/new?{urlencode(kept)}"})
        raise Forbidden(error.message, code=error.code, link=f"/app/me/confirmations?{back}") from None
    try:
        values = _values(await request.post())
        selection_id = values.pop("selection_id", None)
        # spreadsheets in French take the comma for the decimal sign
        wanted = check(NewExport, values | {"delimiter": ";" if i18n.language() == "fr" else ","})
        async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
            selection = await _selection(tx, selection_id)
            export = await exports.ask(tx, wanted, selection_id=selection.id if selection else None)
    except Invalid as error:
        again = await forms.again(request, error, many=("columns",))
        return await _form(request, again, status=error.status)
    if (await request.post()).get("then") == "closing":
        return response.redirect(f"{home(request)}/settings/account/closing")
    return response.redirect(f"{home(request)}/exports/{export.id}")


def _values(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What the form says. Raises Invalid when it offered columns and none is ticked."""
    values: dict[str, Any] = {
        name: sent[name]
        for name in sent
        if name not in ("csrf", "form_id", "columns", "offered", "then") and sent[name] != ""
    }
    chosen = sent.getall("columns", [])  # type: ignore[attr-defined]  # aiohttp's MultiDictProxy
    if "offered" in sent and values.get("what", "contacts") == "contacts" and not chosen:
        raise Invalid(Fault("columns", NO_COLUMN, "missing"))
    # every column: also those of fields that are made until it begins
    values["columns"] = [] if len(chosen) == int(sent.get("offered") or 0) else chosen
    if values.get("what") == "account":
        values.pop("format", None)
    return values


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        export = await exports.show(tx, id_in_path(request))
        name = ""
        if export.list_id is not None:
            name = next((one.name for one in await mailing_lists.names(tx) if one.id == export.list_id), "")
    over = export.expires_at is not None and export.expires_at <= clock.now()
    context = {
        "export": export,
        "list_name": name,
        "over": over,
        "what": WHATS[export.what],
        "format": FORMAT_NAMES[export.format],
        "editor": access.member(request).role >= Role.EDITOR,
        "chosen": _chosen(export),
    }
    return response.page(request, "lists/exports/show.html", context)


def _chosen(export: Export) -> str:
    """The columns when not all were asked for."""
    return ", ".join(export.header) if export.chosen else ""


async def file(request: web.Request) -> web.StreamResponse:
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        found, account_id = await exports.fetch(tx, id_in_path(request)), tx.account_id
    return await stream(request, found, account_id=account_id)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/exports", index),
    web.post("/{a}/exports", create),
    web.get("/{a}/exports/new", new),
    web.get("/{a}/exports/{id}", show),
    web.get("/{a}/exports/{id}/file", file),
]
