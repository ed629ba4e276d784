"""The page on which a part of an image is cut out and its width in mails chosen."""

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, read, services
from sending import image_cuts, images
from sending.image_cuts import Wanted
from sending.pages_senders import links


async def ask(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        image = await images.show(tx, id_in_path(request))
    context = {
        "image": image,
        "links": links(request),
        "form": Form({"shape": "free", "shown": image.shown_width, "sharp": "true"}),
    }
    return response.page(request, "sending/media/cut.html", context)


async def cut(request: web.Request) -> web.Response:
    """A new image beside the first, with its words; the page that follows offers to put it in place."""
    member = access.member(request)
    async with access.account_tx(request, Role.EDITOR) as tx:
        image = await images.show(tx, id_in_path(request))
    try:
        wanted = await read(request, Wanted)
        stored = await image_cuts.make(services(request).db, member.account_id, image, wanted)
        async with access.account_tx(request, Role.EDITOR) as tx:
            made = await images.add(tx, stored, image.words)
    except Invalid as error:
        context = {"image": image, "links": links(request), "form": await forms.again(request, error)}
        return response.page(request, "sending/media/cut.html", context, status=error.status)
    await access.flash(request, N_("A new image is made. The first one is as it was."))
    return response.redirect(f"/app/{member.account_id}/media/{made.id}?of={image.id}")


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/media/{id:\d+}/cuts", ask),
    web.post(r"/{a}/media/{id:\d+}/cuts", cut),
]
