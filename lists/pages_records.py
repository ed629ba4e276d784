"""Pages beside the contacts: custom fields, the suppression list."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from lists import fields, mailing_lists, suppressions
from lists.contacts import read_address
from lists.fields import FieldChange, NewField
from lists.pages_contacts import REASONS
from lists.pages_import_choices import TYPES
from lists.pages_lists import home
from lists.suppressions import Filter, Reason, Suppression
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read, services


class SuppressionQuery(Input):
    """`email`: check one address."""

    email: Annotated[str, Field(max_length=1000)] = ""
    reason: str = ""
    cursor: str = ""


class Stop(Input):
    email: Annotated[str, Field(min_length=1, max_length=1000)]


# ---------------------------------------------------------------- suppressions


async def suppression_index(request: web.Request) -> web.Response:
    asked = query(request, SuppressionQuery)
    reason = asked.reason if asked.reason in set(Reason) else ""
    wanted, form = Filter(reason=reason), forms.filled({"email": asked.email, "reason": reason})
    checked: list[Suppression] | None = None
    async with access.account_tx(request) as tx:
        if asked.email:
            try:
                address = read_address(asked.email)
                hashed = await suppressions.hash_of(tx, services(request).sealer, address.email)
                checked = await suppressions.of_address(tx, hashed)
            except Invalid as error:
                form = Form(form.values, error.faults)
        found = await suppressions.many(tx, wanted, cursor=asked.cursor or None)
        lists = await mailing_lists.names(tx)
    context = {
        "names": {one.id: one.name for one in lists},
        "found": found,
        "checked": checked,
        "asked": asked,
        "reason": reason,
        "form": form,
        "reasons": REASONS,
        "choices": [
            ("", i18n.translate("All reasons")),
            *((key, i18n.translate(text)) for key, text in REASONS.items()),
        ],
    }
    return response.page(
        request, "lists/suppressions/index.html", context, status=422 if form.faults else 200
    )


async def suppression_new(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR, even_closed=True):
        pass
    return response.page(request, "lists/suppressions/new.html", {"form": Form()})


async def suppression_create(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, Stop)
        address = read_address(wanted.email)
        async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
            new = await suppressions.add_by_team(tx, services(request).sealer, address.email)
    except Invalid as error:
        context = {"form": await forms.again(request, error)}
        return response.page(request, "lists/suppressions/new.html", context, status=error.status)
    message = N_("Nothing will be sent to this address any more.")
    await access.flash(request, message if new else N_("This address was on the list already."))
    return response.redirect(f"{home(request)}/suppressions")


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


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/suppressions", suppression_index),
    web.post("/{a}/suppressions", suppression_create),
    web.get("/{a}/suppressions/new", suppression_new),
    web.get("/{a}/fields", field_index),
    web.post("/{a}/fields", field_create),
    web.get("/{a}/fields/{id}", field_edit),
    web.post("/{a}/fields/{id}", field_change),
    web.get("/{a}/fields/{id}/deletion", field_deletion),
    web.post("/{a}/fields/{id}/deletion", field_delete),
]
