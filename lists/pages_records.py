"""Pages beside the contacts: custom fields, exports."""

from typing import Any

from aiohttp import web

from lists import exports, fields, mailing_lists
from lists.api_lists import stream
from lists.contacts import Id
from lists.exports import NewExport
from lists.fields import FieldChange, NewField
from lists.pages_contacts import options
from lists.pages_import_choices import TYPES
from lists.pages_lists import home
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.errors import Forbidden, Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query, read

WHATS = {"contacts": N_("Contacts"), "suppressions": N_("Suppression list"), "deliveries": N_("Deliveries")}
FORMATS = (
    ("csv", N_("Table (CSV), for a spreadsheet")),
    ("ndjson", N_("JSON lines, with every proof of consent")),
)


class ExportQuery(Input):
    list_id: Id | None = None
    what: str = "contacts"
    cursor: str = ""


# ---------------------------------------------------------------- fields


async def field_index(request: web.Request) -> web.Response:
    return await _fields(request, Form())


async def _fields(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await fields.many(tx)
    types = [(str(value), i18n.translate(text)) for value, text in TYPES.items()]
    context = {
        "found": found,
        "form": form,
        "types": types,
        "type_words": dict(types),
        "editor": access.member(request).role >= Role.EDITOR,
    }
    return response.page(request, "lists/fields/index.html", context, status=status)


async def field_create(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, NewField)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await fields.create(tx, wanted)
    except Invalid as error:
        return await _fields(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Field created."))
    return response.redirect(f"{home(request)}/fields")


async def field_edit(request: web.Request) -> web.Response:
    return await _field(request, None)


async def _field(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        field = await fields.show(tx, id_in_path(request))
        used = await fields.used_by(tx, field.key)
    context = {"field": field, "used": used, "form": form or forms.filled(field)}
    return response.page(request, "lists/fields/edit.html", context, status=status)


async def field_change(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, FieldChange)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await fields.change(tx, id_in_path(request), wanted)
    except Invalid as error:
        return await _field(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Field saved."))
    return response.redirect(f"{home(request)}/fields")


async def field_deletion(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        field = await fields.show(tx, id_in_path(request))
        used = await fields.used_by(tx, field.key)
    context = {"field": field, "used": used, "form": Form()}
    return response.page(request, "lists/fields/delete.html", context)


async def field_delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        cleared = await fields.delete(tx, id_in_path(request))
    await access.flash(request, N_("Field deleted; it held a value for {n} contacts."), n=cleared)
    return response.redirect(f"{home(request)}/fields")


# ---------------------------------------------------------------- exports


async def export_index(request: web.Request) -> web.Response:
    asked = query(request, ExportQuery)
    async with access.account_tx(request) as tx:
        found = await exports.many(tx, cursor=asked.cursor or None)
        lists = {one.id: one.name for one in await mailing_lists.names(tx)}
    context = {"found": found, "asked": asked, "lists": lists, "whats": WHATS, "now": clock.now()}
    return response.page(request, "lists/exports/index.html", context)


async def export_new(request: web.Request) -> web.Response:
    asked = query(request, ExportQuery)
    return await _export_form(
        request, forms.filled({"what": asked.what, "list_id": asked.list_id or "", "format": "csv"})
    )


async def _export_form(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        lists = await mailing_lists.names(tx)
    context = {
        "form": form,
        "lists": options(lists, N_("All contacts")),
        "whats": [(key, i18n.translate(WHATS[key])) for key in ("contacts", "suppressions")],
        "formats": [(key, i18n.translate(text)) for key, text in FORMATS],
    }
    return response.page(request, "lists/exports/new.html", context, status=status)


async def export_create(request: web.Request) -> web.Response:
    try:
        access.need_fresh_password(request)
    except Forbidden as error:
        back = f"{home(request)}/exports/new"
        raise Forbidden(error.message, code=error.code, link=f"/app/me/confirmations?next={back}") from None
    try:
        sent = await request.post()
        values: dict[str, Any] = {
            name: sent[name] for name in sent if name not in ("csrf", "form_id") and sent[name] != ""
        }
        # spreadsheets in French take the comma for the decimal sign
        wanted = check(NewExport, values | {"delimiter": ";" if i18n.language() == "fr" else ","})
        async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
            export = await exports.ask(tx, wanted)
    except Invalid as error:
        return await _export_form(request, await forms.again(request, error), status=error.status)
    return response.redirect(f"{home(request)}/exports/{export.id}")


async def export_show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        export = await exports.show(tx, id_in_path(request))
        name = ""
        if export.list_id is not None:
            name = next((one.name for one in await mailing_lists.names(tx) if one.id == export.list_id), "")
    over = export.expires_at is not None and export.expires_at <= clock.now()
    context = {"export": export, "list_name": name, "over": over, "what": WHATS[export.what]}
    return response.page(request, "lists/exports/show.html", context)


async def export_file(request: web.Request) -> web.StreamResponse:
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        file, account_id = await exports.fetch(tx, id_in_path(request)), tx.account_id
    return await stream(request, file, account_id=account_id)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/fields", field_index),
    web.post("/{a}/fields", field_create),
    web.get("/{a}/fields/{id}", field_edit),
    web.post("/{a}/fields/{id}", field_change),
    web.get("/{a}/fields/{id}/deletion", field_deletion),
    web.post("/{a}/fields/{id}/deletion", field_delete),
    web.get("/{a}/exports", export_index),
    web.post("/{a}/exports", export_create),
    web.get("/{a}/exports/new", export_new),
    web.get("/{a}/exports/{id}", export_show),
    web.get("/{a}/exports/{id}/file", export_file),
]
