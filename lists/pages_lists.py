"""Pages of mailing lists: all of them, one with its health and settings, deleting one."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from lists import automation_uses, contact_search, mailing_lists, selections
from lists.contact_search import Filter
from lists.mailing_lists import MailingListChange, NewMailingList
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read

KINDS = (
    ("newsletter", N_("Newsletter")),
    ("promotion", N_("Promotion")),
    ("service", N_("Service message")),
)


class ListQuery(Input):
    q: Annotated[str, Field(max_length=120)] = ""
    cursor: str = ""


class Deletion(Input):
    """`typed`: the list's name, when its contacts are to be deleted with it."""

    with_contacts: bool = False
    typed: Annotated[str, Field(max_length=200)] = ""


class Settings(NewMailingList):
    """The whole form: a box that is not ticked says no."""


def home(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}"


def kinds() -> list[tuple[str, str]]:
    return [(value, i18n.translate(text)) for value, text in KINDS]


async def index(request: web.Request) -> web.Response:
    asked = query(request, ListQuery)
    async with access.account_tx(request) as tx:
        found = await mailing_lists.many(tx, name=asked.q, cursor=asked.cursor or None)
    context = {"found": found, "asked": asked, "form": forms.filled({"q": asked.q})}
    return response.page(request, "lists/lists/index.html", context)


async def new(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR):
        pass
    form = forms.filled({"double_opt_in": True, "shown_in_preferences": True, "kind": "newsletter"})
    return response.page(request, "lists/lists/new.html", {"form": form, "kinds": kinds()})


async def create(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, Settings)
        async with access.account_tx(request, Role.EDITOR) as tx:
            made = await mailing_lists.create(tx, NewMailingList(**wanted.model_dump()))
    except Invalid as error:
        context = {"form": await forms.again(request, error), "kinds": kinds()}
        return response.page(request, "lists/lists/new.html", context, status=error.status)
    await access.flash(request, N_("List created. Now add the people who agreed to it."))
    return response.redirect(f"{home(request)}/lists/{made.id}")


async def show(request: web.Request) -> web.Response:
    list_id = id_in_path(request)
    async with access.account_tx(request) as tx:
        found = await mailing_lists.show(tx, list_id)
        people = found.active + found.pending + found.unsubscribed
        context = {
            "list": found,
            "health": await mailing_lists.health(tx, list_id, people),
            "growth": await mailing_lists.growth(tx, list_id, people),
            "kinds": dict(kinds()),
        }
    return response.page(request, "lists/lists/show.html", context)


async def edit(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await mailing_lists.show(tx, id_in_path(request))
    context = {"list": found, "form": forms.filled(found), "kinds": kinds()}
    return response.page(request, "lists/lists/edit.html", context)


async def change(request: web.Request) -> web.Response:
    list_id = id_in_path(request)
    try:
        wanted = await read(request, Settings)
        values = wanted.model_dump() | {"public_name": wanted.public_name or wanted.name}
        async with access.account_tx(request, Role.EDITOR) as tx:
            await mailing_lists.change(tx, list_id, MailingListChange(**values))
    except Invalid as error:
        form = await forms.again(request, error)
        async with access.account_tx(request) as tx:
            found = await mailing_lists.show(tx, list_id)
        context = {"list": found, "form": form, "kinds": kinds()}
        return response.page(request, "lists/lists/edit.html", context, status=error.status)
    await access.flash(request, N_("Settings saved."))
    return response.redirect(f"{home(request)}/lists/{list_id}")


async def deletion(request: web.Request) -> web.Response:
    return await _deletion(request, Form())


async def _deletion(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    list_id = id_in_path(request)
    async with access.account_tx(request, Role.EDITOR) as tx:
        context = {
            "list": await mailing_lists.show(tx, list_id),
            "leaving": await mailing_lists.leaving(tx, list_id),
            "automations": await automation_uses.of(tx, "list", list_id),
            "form": form,
        }
    return response.page(request, "lists/lists/delete.html", context, status=status)


async def delete(request: web.Request) -> web.Response:
    list_id = id_in_path(request)
    try:
        wanted = await read(request, Deletion)
        async with access.account_tx(request, Role.EDITOR) as tx:
            found = await mailing_lists.show(tx, list_id)
            access.need_fresh_password(request)
            if wanted.with_contacts and wanted.typed.casefold() != found.name.casefold():
                message = N_("Write the name of the list: {name}.")
                raise Invalid(Fault("typed", message, "typed", {"name": found.name}))
            alone = await mailing_lists.alone(tx, list_id) if wanted.with_contacts else []
            await mailing_lists.delete(tx, list_id)
            if alone:
                chosen = await selections.freeze_ids(tx, "delete", alone, wanted=Filter(list_id=list_id))
                size = (await selections.show(tx, chosen)).size
                await selections.confirm(tx, chosen, selections.Confirmation(typed=str(size)))
                return response.redirect(f"{home(request)}/contacts/selections/{chosen}")
    except Invalid as error:
        return await _deletion(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("The list “{name}” is deleted. Its contacts stay."), name=found.name)
    return response.redirect(f"{home(request)}/lists")


async def people(request: web.Request) -> web.Response:
    """A list's contacts are the table of contacts, filtered."""
    return response.redirect(f"{home(request)}/contacts?list_id={id_in_path(request)}")


STATES: tuple[tuple[contact_search.State, str], ...] = (
    ("", N_("All")),
    ("active", N_("Subscribed")),
    ("pending", N_("Awaiting confirmation")),
    ("unsubscribed", N_("Unsubscribe recorded")),
    ("none", N_("On no list")),
    ("suppressed", N_("On the suppression list")),
)

ROUTES: list[web.RouteDef] = [
    web.get("/{a}/lists", index),
    web.post("/{a}/lists", create),
    web.get("/{a}/lists/new", new),
    web.get("/{a}/lists/{id}", show),
    web.get("/{a}/lists/{id}/contacts", people),
    web.get("/{a}/lists/{id}/settings", edit),
    web.post("/{a}/lists/{id}/settings", change),
    web.get("/{a}/lists/{id}/deletion", deletion),
    web.post("/{a}/lists/{id}/deletion", delete),
]
