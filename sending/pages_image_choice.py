"""Choosing an image of the library for a block of a simple letter: a page of its own, that needs no script.

letter, button “Choose…” of block 2 ─▶ saved ─▶ this page: words, folder, pages ─▶ a press ─▶ letter, block 2
"""

from typing import Annotated, Literal
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field, StringConstraints

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import paging
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.web import forms, response
from mailer.web.request import Input, query, read
from sending import ab_tests, campaigns, designs, image_library, images, letter_form
from sending.image_library import Looking
from sending.images import Image
from sending.pages_senders import links
from sending.sources import Source

PAGE = 24


class Place(Input):
    """Where the image goes: a block of the letter of a campaign (or of one variant of it) or of a design."""

    of: Literal["campaign", "design"]
    id: Annotated[int, Field(ge=1, lt=2**63)]
    variant: Annotated[int, Field(ge=1, le=4)] = 1
    block: Annotated[int, Field(ge=0, lt=letter_form.MAX_BLOCKS)]


class Asked(Place):
    q: Annotated[str, StringConstraints(max_length=120)] = ""
    folder: Annotated[str, StringConstraints(max_length=80)] = ""
    cursor: Annotated[str, StringConstraints(max_length=200)] = ""


class Chosen(Place):
    image: Annotated[int, Field(ge=1, lt=2**63)]


def address(home: str, place: Place) -> str:
    return f"{home}/media/choice?{urlencode(place.model_dump())}"


def pressed(request: web.Request, form_act: str, *, of: Literal["campaign", "design"], of_id: int) -> str:
    """The address of this page when the button of a block asked for it; else ""."""
    act, _, block = form_act.rpartition("-")
    if act != "image" or not block.isascii() or not block.isdigit() or int(block) >= letter_form.MAX_BLOCKS:
        return ""
    variant = request.query.get("variant", "1")
    number = int(variant) if variant in ("2", "3", "4") else 1
    place = Place(of=of, id=of_id, variant=number, block=int(block))
    return address(f"/app/{access.member(request).account_id}", place)


async def described(tx: AccountTx, text: str, before: str) -> str:
    """A letter in which an image just chosen has the description that the library knows."""
    names = images.names_in(text, tx.account_id)
    if not names:
        return text
    alts = {one.name: one.alt for one in await image_library.by_names(tx, names) if one.alt}
    return letter_form.with_alts(text, before, alts)


async def ask(request: web.Request) -> web.Response:
    asked = query(request, Asked)
    key = paging.decode(asked.cursor, (int,))
    before = int(str(key[0])) if key else None
    async with access.account_tx(request, Role.EDITOR) as tx:
        await _letter(tx, asked)
        looking = Looking(q=asked.q, folder=asked.folder or None, before=before, limit=PAGE)
        found = await image_library.many(tx, looking)
        folders = await image_library.folders(tx)
    page = paging.page(found, PAGE, key=lambda row: (row.id,))
    here = request.rel_url.without_query_params("cursor", "lang")
    context = {
        "page": page,
        "asked": asked,
        "place": Place(**asked.model_dump(include=set(Place.model_fields))).model_dump(),
        "form": forms.filled(asked.model_dump()),
        "folders": folders,
        "links": links(request),
        "back": _back(request, asked),
        "first": str(here) if asked.cursor else "",
        "next": str(here.update_query(cursor=page.next_cursor)) if page.next_cursor else "",
    }
    return response.page(request, "sending/media/choice.html", context)


async def choose(request: web.Request) -> web.Response:
    """With its description, as wide as a mail shows it. Raises NotFound, Conflict."""
    given = await read(request, Chosen)
    async with access.account_tx(request, Role.EDITOR) as tx:
        letter, version = await _letter(tx, given)
        image = await images.show(tx, given.image)
        text = letter_form.with_image(letter.text, given.block, _block(request, image))
        if text is None:
            raise NotFound
        await _write(tx, given, Source("letter", text, letter.language), version)
    return response.redirect(_back(request, given))


def _block(request: web.Request, image: Image) -> dict[str, object]:
    return {"src": links(request).image(image.name), "alt": image.alt, "width": image.shown_width}


async def _letter(tx: AccountTx, place: Place) -> tuple[Source, int]:
    """The stored letter and its version. Raises NotFound, also when what is written there is no letter."""
    if place.of == "design":
        design = await designs.show(tx, place.id)
        found, version = design.content("fr"), design.version
    else:
        campaign = await campaigns.show(tx, place.id)
        if campaign.status != "draft":
            raise NotFound
        version = campaign.version
        if place.variant > 1:
            campaign = await ab_tests.variant(tx, campaign, place.variant)
        found = campaign.content
    if found.kind != "letter":
        raise NotFound
    return found, version


async def _write(tx: AccountTx, place: Place, source: Source, version: int) -> None:
    if place.of == "design":
        await designs.write(tx, place.id, source.text, version=version)
    elif place.variant > 1:
        await ab_tests.write_content(tx, place.id, place.variant, source, version=version)
    else:
        await campaigns.write_content(tx, place.id, "letter", source.text, version=version)


def _back(request: web.Request, place: Place) -> str:
    home = f"/app/{access.member(request).account_id}"
    if place.of == "design":
        return f"{home}/designs/{place.id}/edit#b{place.block}"
    variant = f"?variant={place.variant}" if place.variant > 1 else ""
    return f"{home}/campaigns/{place.id}/content{variant}#b{place.block}"


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/media/choice", ask),
    web.post("/{a}/media/choice", choose),
]
