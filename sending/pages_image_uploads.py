"""Adding images, several at once, by the form or by a script of ours that asks for JSON; their list as JSON.

    parts of the form, streamed ─▶ each file to its limit ─▶ made clean in a thread ─▶ stored ─▶ rows

One image comes with its description; several are described on the page that follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from aiohttp import BodyPartReader, web
from pydantic import StringConstraints

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import files, paging
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, query, services
from sending import image_bytes, image_library, images
from sending.image_bytes import Cut
from sending.image_library import Looking
from sending.images import Image, Stored, Words
from sending.pages_senders import links

MOST_FILES = 20
_MAX_WORD = 4_000
_FIT = Cut(max_width=images.SHARP)


class Upload(Words):
    """`fit`: no wider than what a mail's column shows on a fine screen."""

    fit: bool = False


@dataclass(slots=True)
class Received:
    """What came of a form: its fields, files that are images, and what is wrong with the others."""

    values: dict[str, str] = field(default_factory=dict)
    stored: list[Stored] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    files: int = 0


class Listed(Input):
    """`after`: the `next_cursor` of the page before. `folder` None: all of them."""

    q: Annotated[str, StringConstraints(max_length=120)] = ""
    folder: Annotated[str, StringConstraints(max_length=80)] | None = None
    after: Annotated[str, StringConstraints(max_length=200)] = ""


async def new(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        folders = await image_library.folders(tx)
    form = Form({"fit": "true", "folder": request.query.get("folder", "")[:80]})
    return response.page(request, "sending/media/new.html", {"form": form, "folders": folders})


async def upload(request: web.Request) -> web.Response:
    """No transaction waits for any of it. The right to do it comes before the work."""
    async with access.account_tx(request, Role.EDITOR):
        pass
    received = Received()
    try:
        await _receive(request, received)
        added = await _add(request, received)
    except Invalid as error:
        await _drop(request, received.stored)
        received.faults += error.faults
        added = []
    if _wants_json(request):
        return _told(request, added, received)
    if received.faults:
        async with access.account_tx(request) as tx:
            folders = await image_library.folders(tx)
        context = {"form": Form(received.values, tuple(received.faults)), "folders": folders}
        return response.page(request, "sending/media/new.html", context, status=422)
    home = f"/app/{access.member(request).account_id}/media"
    if any(not image.described for image in added):
        await access.flash(request, N_("Added. Now say what the images show."))
        return response.redirect(f"{home}/descriptions")
    await access.flash(request, N_("Image added. Where and when it was taken has been removed from it."))
    return response.redirect(home)


async def _receive(request: web.Request, received: Received) -> None:
    """Raises Invalid for what ends the whole upload; a file that is no image is a fault of its own."""
    if (request.content_length or 0) > MOST_FILES * image_bytes.MAX_BYTES + 1_000_000:
        message = N_("These files are more than {limit} MB together. Add them in several goes.")
        limit = MOST_FILES * image_bytes.MAX_BYTES // 1_000_000
        raise Invalid(Fault("file", message, "too_large", {"limit": limit}))
    if request.content_type != "multipart/form-data":
        raise Invalid(Fault("file", N_("Choose an image."), "missing"))
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name != "file":
            received.values[part.name or ""] = (await _limited(part, _MAX_WORD)).decode("utf-8", "replace")
            continue
        if received.files >= MOST_FILES:
            message = N_("More than {limit} images at once. Add the others after these.")
            raise Invalid(Fault("file", message, "too_many", {"limit": MOST_FILES}))
        await _one(request, part, received)


async def _one(request: web.Request, part: BodyPartReader, received: Received) -> None:
    received.files += 1
    try:
        data = await _limited(part, image_bytes.MAX_BYTES)
        if not data:  # the field of a form in which nothing was chosen
            received.files -= 1
            return
        # a field that stands before the files, as on our page, tells how wide they may be
        whole = received.values.get("fit") == "false"
        clean = await images.clean(bytes(data), image_bytes.WHOLE if whole else _FIT)
        stored = await images.store(services(request).db, access.member(request).account_id, clean)
    except Invalid as error:
        received.faults += [_named(one, (part.filename or "")[:80], received.files) for one in error.faults]
        await part.release()  # read past, so that the next one is found
        return
    received.stored.append(stored)


def _named(one: Fault, name: str, row: int) -> Fault:
    """The fault of one file among several, with the name by which its owner knows it; it is not kept."""
    if not name:
        return one
    message = N_("{file}: {problem}")
    return Fault("file", message, one.code, {"file": name, "problem": forms.text(one)}, row)


async def _limited(part: BodyPartReader, limit: int) -> bytearray:
    data = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        data += chunk
        if len(data) > limit:
            message = N_("The image is larger than {limit} MB. Make it smaller, then upload it again.")
            raise Invalid(Fault("file", message, "too_large", {"limit": limit // 1_000_000 or 1}))
    return data


async def _add(request: web.Request, received: Received) -> list[Image]:
    """All in one transaction. Raises Invalid: no file at all, or one without its description."""
    fields = {name: text for name, text in received.values.items() if name in Upload.model_fields}
    words = check(Upload, fields)
    if not received.files:
        raise Invalid(Fault("file", N_("Choose an image."), "missing"))
    one = received.files == 1
    if one and not _wants_json(request) and not received.faults:
        images.check_words(words)
    said = Words(**words.model_dump(exclude={"fit"})) if one else Words(folder=words.folder)
    async with access.account_tx(request, Role.EDITOR) as tx:
        return [await images.add(tx, stored, said) for stored in received.stored]


async def _drop(request: web.Request, stored: Sequence[Stored]) -> None:
    async with access.account_tx(request) as tx:
        for file_id in (one for each in stored for one in (each.file_id, each.thumbnail_id) if one):
            await files.delete(tx, file_id)


def _wants_json(request: web.Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _told(request: web.Request, added: list[Image], received: Received) -> web.Response:
    """The images in the shape of the list. With faults: a problem that also says what was added."""
    track = links(request)
    views = [image_library.view(image, track) for image in added]
    if received.faults:
        return response.problem(
            request,
            422,
            i18n.translate(N_("Some images were not added.")),
            errors=[response.fault_json(one) for one in received.faults],
            items=views,
        )
    return response.json(paging.Page(views), status=201)


async def listed(request: web.Request) -> web.Response:
    """The library for a picker: newest first, a page of fifty."""
    asked = query(request, Listed)
    key = paging.decode(asked.after, (int,))
    looking = Looking(q=asked.q, folder=asked.folder, before=int(str(key[0])) if key else None)
    async with access.account_tx(request) as tx:
        found = await image_library.many(tx, looking)
    page = paging.page(found, looking.limit, key=lambda row: (row.id,))
    track = links(request)
    views = [image_library.view(image, track) for image in page.items]
    return response.json(paging.Page(views, page.next_cursor))


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/images.json", listed),
    web.post("/{a}/images", upload),
    web.get("/{a}/media/new", new),
    web.post("/{a}/media", upload),
]
