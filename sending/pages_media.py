"""Pages of images: uploaded once, described, under names that tell nothing."""

from aiohttp import BodyPartReader, web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import paging
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import check, id_in_path, read, services
from sending import image_bytes, images
from sending.images import Words
from sending.pages_senders import links

_MAX_WORD = 4_000


async def index(request: web.Request) -> web.Response:
    key = paging.decode(request.query.get("cursor"), (int,))
    async with access.account_tx(request) as tx:
        found = await images.many(tx, before=int(str(key[0])) if key else None)
    page = paging.page(found, 50, key=lambda row: (row.id,))
    context = {"page": page, "links": links(request), "paged": key is not None}
    return response.page(request, "sending/media/index.html", context)


async def new(request: web.Request) -> web.Response:
    access.need_role(request, Role.EDITOR)
    return response.page(request, "sending/media/new.html", {"form": Form()})


async def upload(request: web.Request) -> web.Response:
    """Streamed up to its limit, made clean in a thread, then stored: no transaction waits for any of it."""
    member = access.member(request)
    values: dict[str, str] = {}
    try:
        # the right to do it comes before the work
        async with access.account_tx(request, Role.EDITOR):
            pass
        data = await _parts(request, values)
        words = check(Words, {name: text for name, text in values.items() if name in Words.model_fields})
        if not data:
            raise Invalid(Fault("file", N_("Choose an image."), "missing"))
        images.check_words(words)
        clean = await images.clean(data)
        stored = await images.store(services(request).db, member.account_id, clean)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await images.add(tx, stored, words)
    except Invalid as error:
        context = {"form": Form(values, error.faults)}
        return response.page(request, "sending/media/new.html", context, status=error.status)
    await access.flash(request, N_("Image added. Where and when it was taken has been removed from it."))
    return response.redirect(f"/app/{member.account_id}/media")


async def _parts(request: web.Request, values: dict[str, str]) -> bytes:
    """The bytes of `file`; the other fields go into `values`. Raises Invalid at `file` when too large."""
    if request.content_type != "multipart/form-data":
        raise Invalid(Fault("file", N_("Choose an image."), "missing"))
    data = bytearray()
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name != "file":
            values[part.name or ""] = (await _limited(part, _MAX_WORD)).decode("utf-8", "replace")
            continue
        data = await _limited(part, image_bytes.MAX_BYTES)
    return bytes(data)


async def _limited(part: BodyPartReader, limit: int) -> bytearray:
    data = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        data += chunk
        if len(data) > limit:
            message = N_("The image is larger than {limit} MB. Make it smaller, then upload it again.")
            raise Invalid(Fault("file", message, "too_large", {"limit": limit // 1_000_000 or 1}))
    return data


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        image = await images.show(tx, id_in_path(request))
        used = await images.used_in(tx, image.name)
    form = Form({"label": image.label, "alt": image.alt, "decorative": not image.alt})
    context = {"image": image, "used": used, "form": form, "links": links(request)}
    return response.page(request, "sending/media/show.html", context)


async def describe(request: web.Request) -> web.Response:
    try:
        words = await read(request, Words)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await images.describe(tx, id_in_path(request), words)
    except Invalid as error:
        async with access.account_tx(request) as tx:
            image = await images.show(tx, id_in_path(request))
            used = await images.used_in(tx, image.name)
        form = await forms.again(request, error)
        context = {"image": image, "used": used, "form": form, "links": links(request)}
        return response.page(request, "sending/media/show.html", context, status=error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(request.path)


async def ask_delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        image = await images.show(tx, id_in_path(request))
    return response.page(request, "sending/media/delete.html", {"image": image, "form": Form()})


async def delete(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            await images.delete(tx, id_in_path(request))
    except Invalid as error:
        async with access.account_tx(request) as tx:
            image = await images.show(tx, id_in_path(request))
        context = {"image": image, "form": Form({}, error.faults)}
        return response.page(request, "sending/media/delete.html", context, status=error.status)
    await access.flash(request, N_("The image is deleted."))
    return response.redirect(f"/app/{access.member(request).account_id}/media")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/media", index),
    web.get("/{a}/media/new", new),
    web.post("/{a}/media", upload),
    web.get(r"/{a}/media/{id:\d+}", show),
    web.post(r"/{a}/media/{id:\d+}", describe),
    web.get(r"/{a}/media/{id:\d+}/deletion", ask_delete),
    web.post(r"/{a}/media/{id:\d+}/deletion", delete),
]
