"""Pages beside the contacts: exports."""

from typing import Any

from aiohttp import web

from lists import exports, mailing_lists
from lists.api_lists import stream
from lists.contacts import Id
from lists.exports import NewExport
from lists.pages_contacts import options
from lists.pages_lists import home
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.errors import Forbidden, Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query

WHATS = {"contacts": N_("Contacts"), "suppressions": N_("Suppression list"), "deliveries": N_("Deliveries")}
FORMATS = (
    ("csv", N_("Table (CSV), for a spreadsheet")),
    ("ndjson", N_("JSON lines, with every proof of consent")),
)


class ExportQuery(Input):
    list_id: Id | None = None
    what: str = "contacts"
    cursor: str = ""


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
    web.get("/{a}/exports", export_index),
    web.post("/{a}/exports", export_create),
    web.get("/{a}/exports/new", export_new),
    web.get("/{a}/exports/{id}", export_show),
    web.get("/{a}/exports/{id}/file", export_file),
]
