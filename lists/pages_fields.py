"""Pages of custom fields: what is known about contacts, options of choices, deleting."""

from typing import Annotated

from aiohttp import web
from pydantic import Field as Limits

from lists import automation_uses, field_changes, field_counts, field_options, fields
from lists.field_changes import Act, FieldChanged
from lists.field_options import NewOptions, OptionChange, OptionNamed
from lists.field_values import CHOOSING
from lists.fields import FieldChange, NewField
from lists.pages_import_choices import TYPES
from lists.pages_lists import home
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid, NotFound
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read


class OptionQuery(Input):
    option: Annotated[str, Limits(max_length=100)] = ""


async def index(request: web.Request) -> web.Response:
    return await _index(request, Form())


async def _index(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        exact = await field_counts.refresh(tx)
        found = await fields.many(tx)
    types = [(str(value), i18n.translate(text)) for value, text in TYPES.items()]
    context = {
        "found": found,
        "counted_at": None if exact else min((one.filled_at for one in found if one.filled_at), default=None),
        "form": form,
        "types": types,
        "type_words": dict(types),
        "editor": access.member(request).role >= Role.EDITOR,
    }
    return response.page(request, "lists/fields/index.html", context, status=status)


async def create(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, NewField)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await fields.create(tx, wanted)
    except Invalid as error:
        return await _index(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Field created."))
    return response.redirect(f"{home(request)}/fields")


async def edit(request: web.Request) -> web.Response:
    return await _field(request, None)


async def _field(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        await field_counts.refresh(tx)
        field = await fields.show(tx, id_in_path(request))
    context = {
        "field": field,
        "choosing": field.type in CHOOSING,
        "type": TYPES[field.type],
        "form": form or forms.filled({"label": field.label}),
    }
    return response.page(request, "lists/fields/edit.html", context, status=status)


async def change(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, FieldChange)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await fields.change(tx, id_in_path(request), wanted)
    except Invalid as error:
        return await _field(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Field saved."))
    return response.redirect(f"{home(request)}/fields")


# ---------------------------------------------------------------- options


async def add_options(request: web.Request) -> web.Response:
    field_id = id_in_path(request)
    try:
        wanted = await read(request, NewOptions)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await field_options.add(tx, field_id, wanted)
    except Invalid as error:
        async with access.account_tx(request, Role.EDITOR) as tx:
            label = (await fields.show(tx, field_id)).label
        form = await forms.again(request, error)
        form = Form({**form.values, "label": label}, form.faults)
        return await _field(request, form, status=error.status)
    await access.flash(request, N_("Options added."))
    return response.redirect(f"{home(request)}/fields/{field_id}")


async def option(request: web.Request) -> web.Response:
    return await _option(request, query(request, OptionQuery).option, None)


async def _option(request: web.Request, text: str, form: Form | None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        field = await fields.show(tx, id_in_path(request))
        if text not in field.options:
            raise NotFound
        used = await field_options.used_by(tx, field.key, text)
    context = {"field": field, "option": text, "used": used, "form": form or Form({"label": text})}
    return response.page(request, "lists/fields/option.html", context, status=status)


async def rename_option(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, OptionChange)
        async with access.account_tx(request, Role.EDITOR) as tx:
            done = await field_options.rename(tx, id_in_path(request), wanted)
    except Invalid as error:
        return await _option_again(request, error)
    return await _after(request, done)


async def delete_option(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, OptionNamed)
        async with access.account_tx(request, Role.EDITOR) as tx:
            done = await field_options.delete(tx, id_in_path(request), wanted)
    except Invalid as error:
        return await _option_again(request, error)
    return await _after(request, done)


async def _option_again(request: web.Request, error: Invalid) -> web.Response:
    text = str((await request.post()).get("option", ""))
    return await _option(request, text, await forms.again(request, error), status=error.status)


# ---------------------------------------------------------------- deletion


async def deletion(request: web.Request) -> web.Response:
    return await _deletion(request, Form())


async def _deletion(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        field = await fields.show(tx, id_in_path(request))
        used = await fields.used_by(tx, field.key)
        automations = await automation_uses.of(tx, "field", field.key)
    context = {"field": field, "used": used, "automations": automations, "form": form}
    return response.page(request, "lists/fields/delete.html", context, status=status)


async def delete(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            done = await fields.delete(tx, id_in_path(request))
    except Invalid as error:
        return await _deletion(request, await forms.again(request, error), status=error.status)
    return await _after(request, done)


async def _after(request: web.Request, done: FieldChanged) -> web.Response:
    """Back to the fields, or to the page that shows how far it got."""
    if done.finished_at is None:
        return response.redirect(f"{home(request)}/fields/changes/{done.id}")
    await access.flash(request, _DONE[done.act], n=done.changed)
    return response.redirect(f"{home(request)}/fields")


_DONE = {
    Act.DELETE_FIELD: N_("Field deleted; it held a value for {n} contacts."),
    Act.RENAME_OPTION: N_("Option renamed, for {n} contacts as well."),
    Act.DELETE_OPTION: N_("Option deleted; {n} contacts had it."),
}


async def progress(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await field_changes.show(tx, id_in_path(request))
    return response.page(
        request, "lists/fields/change.html", {"change": found, "done": _DONE[Act(found.act)]}
    )


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/fields", index),
    web.post("/{a}/fields", create),
    web.get("/{a}/fields/changes/{id}", progress),
    web.get("/{a}/fields/{id}", edit),
    web.post("/{a}/fields/{id}", change),
    web.get("/{a}/fields/{id}/options", option),
    web.post("/{a}/fields/{id}/options", add_options),
    web.post("/{a}/fields/{id}/options/renames", rename_option),
    web.post("/{a}/fields/{id}/options/removals", delete_option),
    web.get("/{a}/fields/{id}/deletion", deletion),
    web.post("/{a}/fields/{id}/deletion", delete),
]
