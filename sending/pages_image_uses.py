"""An image replaced everywhere in drafts and designs, or deleted: what that changes is told before."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import paging
from mailer.core.errors import Invalid, NotFound, fault
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read
from sending import image_library, image_uses, images
from sending.image_library import Looking
from sending.images import Image
from sending.pages_campaigns import Number
from sending.pages_senders import links

CHOICES = 24


class Choosing(Input):
    """`by`: the image that is ticked already."""

    q: Annotated[str, StringConstraints(max_length=120)] = ""
    by: Number = None
    cursor: Annotated[str, StringConstraints(max_length=200)] = ""


class Replacement(Input):
    """`expected`: how many drafts and designs the page told of."""

    by: Number = None
    expected: Annotated[int, Field(ge=0)]


class Deletion(Input):
    anyway: bool = False


async def ask_replace(request: web.Request) -> web.Response:
    return await _replace_page(request, Form())


async def _replace_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    asked = query(request, Choosing)
    key = paging.decode(asked.cursor, (int,))
    async with access.account_tx(request, Role.EDITOR) as tx:
        image = await images.show(tx, id_in_path(request))
        uses = await image_uses.of(tx, image)
        looking = Looking(q=asked.q, before=int(str(key[0])) if key else None, limit=CHOICES)
        found = await image_library.many(tx, looking)
        chosen: Image | None = None
        if asked.by is not None:
            try:
                chosen = await images.show(tx, asked.by)
            except NotFound:
                chosen = None
    page = paging.page(found, CHOICES, key=lambda row: (row.id,))
    first = [chosen] if chosen else []
    here = request.rel_url.without_query_params("cursor", "lang")
    context = {
        "image": image,
        "uses": uses,
        "choices": first + [one for one in page.items if one.id not in (image.id, asked.by)],
        "links": links(request),
        "asked": asked,
        "form": Form(form.values or {"by": asked.by, "q": asked.q}, form.faults),
        "first": str(here) if asked.cursor else "",
        "next": str(here.update_query(cursor=page.next_cursor)) if page.next_cursor else "",
    }
    return response.page(request, "sending/media/replace.html", context, status=status)


async def replace(request: web.Request) -> web.Response:
    image_id = id_in_path(request)
    try:
        given = await read(request, Replacement)
        if given.by is None:
            raise fault("by", N_("Choose the image that takes its place."), code="missing")
        async with access.account_tx(request, Role.EDITOR) as tx:
            old, new = await images.show(tx, image_id), await images.show(tx, given.by)
            n = await image_uses.replace(tx, old, new, expected=given.expected)
    except Invalid as error:
        return await _replace_page(request, await forms.again(request, error), status=error.status)
    words = i18n.ntranslate("Replaced in {n} draft or design.", "Replaced in {n} drafts and designs.", n)
    await access.flash(request, words)
    return response.redirect(request.path.removesuffix("/replacement"))


async def ask_delete(request: web.Request) -> web.Response:
    return await _delete_page(request, Form())


async def _delete_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        image = await images.show(tx, id_in_path(request))
        uses = await image_uses.of(tx, image)
    context = {"image": image, "uses": uses, "form": form, "links": links(request)}
    return response.page(request, "sending/media/delete.html", context, status=status)


async def delete(request: web.Request) -> web.Response:
    image_id = id_in_path(request)
    try:
        given = await read(request, Deletion)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await image_uses.delete(tx, image_id, anyway=given.anyway)
    except Invalid as error:
        return await _delete_page(request, Form({}, error.faults), status=error.status)
    await access.flash(request, N_("The image is deleted."))
    return response.redirect(f"/app/{access.member(request).account_id}/media")


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/media/{id:\d+}/replacement", ask_replace),
    web.post(r"/{a}/media/{id:\d+}/replacement", replace),
    web.get(r"/{a}/media/{id:\d+}/deletion", ask_delete),
    web.post(r"/{a}/media/{id:\d+}/deletion", delete),
]
