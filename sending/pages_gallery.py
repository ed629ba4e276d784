"""Pictures of designs and starters, the files that designs become, and those that become designs."""

from aiohttp import BodyPartReader, web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, services
from sending import design_archive, design_export, design_import, thumbnails
from sending.design_export import Exported

_MAX_WORD = 4_000
_NAME = 120

# drawn by us from what the account wrote, and no cache's business (E-06)
_PICTURE = {
    "Content-Type": "image/webp",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
    "Cache-Control": "no-store",
}


async def thumbnail(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        picture = await thumbnails.find(tx, id_in_path(request))
    return web.Response(body=picture, headers=_PICTURE)


async def starter(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        language = access.member(request).language
        picture = await thumbnails.of_starter(tx, services(request), request.match_info["key"], language)
    return web.Response(body=picture, headers=_PICTURE)


async def download(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        language = access.member(request).language
        made = await design_export.export(tx, id_in_path(request), language=language)
    return as_file(made)


def as_file(made: Exported) -> web.Response:
    """Saved, never shown. The name holds ASCII letters, digits and hyphens only."""
    headers = {
        "Content-Type": made.media_type,
        "Content-Disposition": f'attachment; filename="{made.name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return web.Response(body=made.data, headers=headers)


async def new_file(request: web.Request) -> web.Response:
    access.need_role(request, Role.EDITOR)
    return response.page(request, "sending/designs/import.html", {"form": Form()})


async def take_file(request: web.Request) -> web.Response:
    """Read up to its limit, then made safe in threads; the page tells each line that changed."""
    member = access.member(request)
    values: dict[str, str] = {}
    try:
        # the right to do it comes before the work
        async with access.account_tx(request, Role.EDITOR):
            pass
        file = await read_file(request, values)
        made = await design_import.take(
            services(request),
            member.account_id,
            file,
            name=values.get("name", "").strip(),
            language=member.language,
        )
    except Invalid as error:
        context = {"form": Form(values, error.faults)}
        return response.page(request, "sending/designs/import.html", context, status=error.status)
    if not made.told and not made.problems:
        await access.flash(request, N_("Imported. Nothing had to be changed."))
        return response.redirect(f"/app/{member.account_id}/designs/{made.design.id}/edit")
    return response.page(request, "sending/designs/imported.html", {"made": made})


async def read_file(request: web.Request, values: dict[str, str]) -> tuple[str, bytes]:
    """Name and bytes of the field `file`; the others go into `values`. Raises Invalid at `file`."""
    missing = Invalid(Fault("file", N_("Choose a .mjml, .html or .zip file."), "missing"))
    if request.content_type != "multipart/form-data":
        raise missing
    name, data = "", b""
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        limit = design_archive.MAX_FILE if part.name == "file" else _MAX_WORD
        found = await _limited(part, limit)
        if part.name == "file":
            name, data = (part.filename or "")[-_NAME:], found
        else:
            values[part.name or ""] = found.decode("utf-8", "replace")
    if not data:
        raise missing
    return name, data


async def _limited(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        data += chunk
        if len(data) > limit:
            message = N_("The file is larger than {limit} MB.")
            raise Invalid(Fault("file", message, "too_large", {"limit": limit // 1_000_000 or 1}))
    return bytes(data)


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/designs/{id:\d+}/thumbnail", thumbnail),
    web.get(r"/{a}/designs/{id:\d+}/file", download),
    web.get("/{a}/designs/files/new", new_file),
    web.post("/{a}/designs/files", take_file),
    web.get(r"/{a}/designs/starters/{key:\w+}", starter),
]
