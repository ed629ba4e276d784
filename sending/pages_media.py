"""Pages of the library of images: looked through, described, kept; each under a name that tells nothing."""

from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import StringConstraints

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock, paging
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query, read
from sending import (
    image_library,
    image_room,
    image_uses,
    images,
    pages_image_choice,
    pages_image_cuts,
    pages_image_uploads,
    pages_image_uses,
)
from sending.image_library import Looking
from sending.images import Image, Words
from sending.pages_campaigns import Number
from sending.pages_senders import links

PAGE = 50
TO_DESCRIBE = 20


class Asked(Input):
    """`show`: unused or undescribed ones only. `folder` "-": those in none; "": all."""

    q: Annotated[str, StringConstraints(max_length=120)] = ""
    folder: Annotated[str, StringConstraints(max_length=80)] = ""
    show: Literal["", "unused", "undescribed"] = ""
    cursor: Annotated[str, StringConstraints(max_length=200)] = ""

    def looking(self, before: int | None) -> Looking:
        folder = None if self.folder == "" else "" if self.folder == "-" else self.folder
        return Looking(
            q=self.q,
            folder=folder,
            unused=self.show == "unused",
            undescribed=self.show == "undescribed",
            before=before,
            limit=PAGE,
        )


class MadeOf(Input):
    """`of`: the image of which this one was cut a moment ago."""

    of: Number = None


def before_of(cursor: str) -> int | None:
    """Raises Invalid at `cursor`."""
    key = paging.decode(cursor, (int,))
    return int(str(key[0])) if key else None


async def index(request: web.Request) -> web.Response:
    asked = query(request, Asked)
    async with access.account_tx(request) as tx:
        found = await image_library.many(tx, asked.looking(before_of(asked.cursor)))
        folders = await image_library.folders(tx)
        undescribed = await image_library.undescribed(tx)
        room = await image_room.of(tx)
    page = paging.page(found, PAGE, key=lambda row: (row.id,))
    here = request.rel_url.without_query_params("cursor", "lang")
    context = {
        "page": page,
        "links": links(request),
        "asked": asked,
        "form": forms.filled(asked.model_dump()),
        "folders": folders,
        "undescribed": undescribed,
        "room": room,
        "first": str(here) if asked.cursor else "",
        "next": str(here.update_query(cursor=page.next_cursor)) if page.next_cursor else "",
    }
    return response.page(request, "sending/media/index.html", context)


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        image = await images.show(tx, id_in_path(request))
        form = Form(image.words.model_dump())
        return await _page(request, tx, image, form)


async def _page(
    request: web.Request, tx: AccountTx, image: Image, form: Form, *, status: int = 200
) -> web.Response:
    uses = await image_uses.of(tx, image)
    unused_since = await image_library.unused_since(tx, image.id)
    context = {
        "image": image,
        "uses": uses,
        "form": form,
        "links": links(request),
        "folders": await image_library.folders(tx),
        "ends_at": _end(unused_since),
        "made_of": query(request, MadeOf).of,
        "snippet": snippet(image, links(request).image(image.name)),
    }
    return response.page(request, "sending/media/show.html", context, status=status)


def _end(unused_since: datetime | None) -> datetime | None:
    """When the sweep takes it (A-084)."""
    return clock.months_after(unused_since, image_library.UNUSED_MONTHS) if unused_since else None


def snippet(image: Image, url: str) -> str:
    """The image as a line of MJML, with its description."""
    alt = image.alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<mj-image src="{url}" alt="{alt}" width="{image.shown_width}px" />'


async def describe(request: web.Request) -> web.Response:
    image_id = id_in_path(request)
    try:
        words = await read(request, Words)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await images.describe(tx, image_id, words)
    except Invalid as error:
        form = await forms.again(request, error)
        async with access.account_tx(request) as tx:
            image = await images.show(tx, image_id)
            return await _page(request, tx, image, form, status=error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(request.path)


async def ask_words(request: web.Request) -> web.Response:
    """The images that wait for a description, the newest first."""
    async with access.account_tx(request, Role.EDITOR) as tx:
        return await _words_page(request, tx, Form())


async def _words_page(request: web.Request, tx: AccountTx, form: Form, *, status: int = 200) -> web.Response:
    waiting = await image_library.many(tx, Looking(undescribed=True, limit=TO_DESCRIBE))
    context = {
        "waiting": waiting[:TO_DESCRIBE],
        "more": len(waiting) > TO_DESCRIBE,
        "form": form,
        "links": links(request),
    }
    return response.page(request, "sending/media/words.html", context, status=status)


async def write_words(request: web.Request) -> web.Response:
    """Several descriptions at once; fields are `alt-7`, `decorative-7`. What stays empty waits on."""
    sent = await request.post()
    faults: list[Fault] = []
    async with access.account_tx(request, Role.EDITOR) as tx:
        waiting = await image_library.many(tx, Looking(undescribed=True, limit=10 * TO_DESCRIBE))
        for image in waiting:
            given = {
                "alt": str(sent.get(f"alt-{image.id}", "")),
                "decorative": str(sent.get(f"decorative-{image.id}", "false")),
                "label": image.label,
                "folder": image.folder,
            }
            if not given["alt"].strip() and given["decorative"] != "true":
                continue
            try:
                await images.describe(tx, image.id, check(Words, given))
            except Invalid as error:
                faults += [
                    Fault(f"alt-{image.id}", one.message, one.code, one.params) for one in error.faults
                ]
        left = await image_library.undescribed(tx)
        if faults:
            values = {
                name: str(text) for name, text in sent.items() if name.startswith(("alt-", "decorative-"))
            }
            return await _words_page(request, tx, Form(values, tuple(faults)), status=422)
    await access.flash(request, N_("Saved."))
    home = f"/app/{access.member(request).account_id}/media"
    return response.redirect(f"{home}/descriptions" if left else home)


async def keep(request: web.Request) -> web.Response:
    """Whether it stays also when nothing uses it."""
    kept = (await request.post()).get("kept", "true") == "true"
    async with access.account_tx(request, Role.EDITOR) as tx:
        await images.keep(tx, id_in_path(request), kept=kept)
    await access.flash(request, N_("Saved."))
    return response.redirect(request.path.removesuffix("/keeping"))


async def rename_folder(request: web.Request) -> web.Response:
    """Every image of one folder into another; a name that is there already takes them in."""
    access.need_role(request, Role.EDITOR)
    try:
        given = await read(request, FolderChange)
        async with access.account_tx(request, Role.EDITOR) as tx:
            n = await image_library.move_all(tx, given.folder, given.to)
    except Invalid as error:
        text = " ".join(words for _, words in Form({}, error.faults).summary)
        await access.flash(request, text, kind="warning")
        return response.redirect(request.path.removesuffix("/folders"))
    await access.flash(request, i18n.ntranslate("{n} image moved.", "{n} images moved.", n))
    return response.redirect(request.path.removesuffix("/folders"))


class FolderChange(Input):
    folder: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    to: Annotated[str, StringConstraints(max_length=80)] = ""


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/media", index),
    *pages_image_uploads.ROUTES,
    *pages_image_choice.ROUTES,
    web.get("/{a}/media/descriptions", ask_words),
    web.post("/{a}/media/descriptions", write_words),
    web.post("/{a}/media/folders", rename_folder),
    web.get(r"/{a}/media/{id:\d+}", show),
    web.post(r"/{a}/media/{id:\d+}", describe),
    web.post(r"/{a}/media/{id:\d+}/keeping", keep),
    *pages_image_cuts.ROUTES,
    *pages_image_uses.ROUTES,
]
