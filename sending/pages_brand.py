"""The page of the brand kit: colours, fonts, logo and footer words of every mail that uses them."""

from typing import Any

from aiohttp import web

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import read
from sending import brand, brand_kits, image_library, images
from sending.brand_kits import Kit
from sending.pages_campaigns import Number
from sending.pages_senders import links


class KitForm(Kit):
    logo_image_id: Number = None


async def show(request: web.Request) -> web.Response:
    return await _page(request, None)


async def _page(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        kit = await brand_kits.stored(tx)
        found = (await image_library.many(tx, image_library.Looking(limit=200)))[:200]
        chosen = kit.logo_image_id
        if chosen is not None and all(one.id != chosen for one in found):
            found.append(await images.show(tx, chosen))
    logo = next((one for one in found if one.id == chosen), None)
    context: dict[str, Any] = {
        "form": form or Form({**kit.model_dump(), "logo_image_id": chosen or ""}),
        "images": [(one.id, one.label or one.alt or one.name) for one in found],
        "fonts": [(key, stack.partition(",")[0]) for key, stack in brand.FONTS.items()],
        "logo": logo and links(request).image(logo.thumbnail_name or logo.name),
    }
    return response.page(request, "sending/brand/show.html", context, status=status)


async def save(request: web.Request) -> web.Response:
    try:
        given = await read(request, KitForm)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await brand_kits.put(tx, given)
    except Invalid as error:
        return await _page(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Saved. Drafts and designs that use the brand kit look so from now on."))
    return response.redirect(request.path)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/brand", show),
    web.post("/{a}/brand", save),
]
