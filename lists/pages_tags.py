"""Pages of tags: all of them, renaming and deleting one, and putting them on a contact."""

from aiohttp import web

from lists import automation_uses, contacts, tags
from lists.contacts import Id
from lists.pages_lists import home
from lists.tags import MaybeTag, TagInput
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, read


class Tagging(Input):
    """A tag to put on by its name, or one to take off."""

    tag: MaybeTag = ""
    remove: Id | None = None


async def index(request: web.Request) -> web.Response:
    return await _index(request, Form())


async def _index(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await tags.many(tx)
    editor = access.member(request).role >= Role.EDITOR
    context = {"found": found, "form": form, "editor": editor, "most": tags.COUNT_TO}
    return response.page(request, "lists/tags/index.html", context, status=status)


async def create(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, TagInput)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await tags.named(tx, wanted.name)
    except Invalid as error:
        return await _index(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Tag created."))
    return response.redirect(f"{home(request)}/tags")


async def edit(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        tag = await tags.show(tx, id_in_path(request))
    return response.page(request, "lists/tags/edit.html", {"tag": tag, "form": Form({"name": tag.name})})


async def rename(request: web.Request) -> web.Response:
    tag_id = id_in_path(request)
    try:
        wanted = await read(request, TagInput)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await tags.rename(tx, tag_id, wanted.name)
    except Invalid as error:
        async with access.account_tx(request) as tx:
            tag = await tags.show(tx, tag_id)
        context = {"tag": tag, "form": await forms.again(request, error)}
        return response.page(request, "lists/tags/edit.html", context, status=error.status)
    await access.flash(request, N_("Tag renamed."))
    return response.redirect(f"{home(request)}/tags")


async def deletion(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        tag = await tags.show(tx, id_in_path(request))
        [counted] = [one for one in await tags.many(tx) if one.id == tag.id]
        used = await tags.used_by(tx, tag.id)
        automations = await automation_uses.of(tx, "tag", tag.id)
    context = {
        "tag": counted,
        "used": used,
        "automations": automations,
        "most": tags.COUNT_TO,
        "form": Form(),
    }
    return response.page(request, "lists/tags/delete.html", context)


async def delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        taken = await tags.delete(tx, id_in_path(request))
    await access.flash(request, N_("Tag deleted. It was on {n} contacts."), n=taken)
    return response.redirect(f"{home(request)}/tags")


async def tag_contact(request: web.Request) -> web.Response:
    contact_id = id_in_path(request)
    place = f"{home(request)}/contacts/{contact_id}#tags"
    async with access.account_tx(request, Role.EDITOR) as tx:
        await contacts.show(tx, contact_id)
        try:
            given = await read(request, Tagging)
            if given.remove is not None:
                await tags.take_off(tx, contact_id, given.remove)
            elif given.tag:
                await tags.put_on(tx, contact_id, given.tag)
        except Invalid as error:
            message, params = error.faults[0].message, dict(error.faults[0].params)
            await access.flash(request, message, kind="warning", **params)
    return response.redirect(place)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/tags", index),
    web.post("/{a}/tags", create),
    web.get("/{a}/tags/{id}", edit),
    web.post("/{a}/tags/{id}", rename),
    web.get("/{a}/tags/{id}/deletion", deletion),
    web.post("/{a}/tags/{id}/deletion", delete),
    web.post("/{a}/contacts/{id}/tags", tag_contact),
]
