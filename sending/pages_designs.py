"""Pages of designs: content kept to be used again, edited by the same two editors as a campaign's."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import StringConstraints

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import paging
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read
from sending import (
    campaigns,
    designs,
    footer,
    image_uses,
    image_weights,
    letter_form,
    offered_fields,
    pages_image_choice,
    pages_lint,
    pages_together,
    preview,
    sources,
    starters,
    thumbnails,
)
from sending.designs import Design, DesignChanges, NewDesign
from sending.draft_versions import Draft
from sending.pages_campaigns import Number
from sending.pages_content import (
    BLANK,
    Code,
    Looking,
    frame_links,
    letter_context,
    letter_faults,
    subject_of,
)
from sending.preview import Kind
from sending.problems import Problem
from sending.sources import Source
from sending.starters import STARTERS


class NewDesignForm(Input):
    """`campaign`: keep this campaign's content instead of what `kind` begins with."""

    name: designs.Name
    kind: Annotated[str, StringConstraints(pattern=r"^(letter|mjml|starter-[a-z]{1,20})$")] = "letter"
    campaign: Number = None


class Archived(Input):
    """`view`: cards with pictures, or a table."""

    archived: bool = False
    view: Literal["cards", "table"] = "cards"
    cursor: str = ""


def _base(request: web.Request, design_id: int) -> str:
    return f"/app/{access.member(request).account_id}/designs/{design_id}"


async def index(request: web.Request) -> web.Response:
    asked = query(request, Archived)
    key = paging.decode(asked.cursor, (int,))
    async with access.account_tx(request) as tx:
        found = await designs.many(tx, archived=asked.archived, before=int(str(key[0])) if key else None)
        pictures = await thumbnails.shown(tx, [one.id for one in found])
    page = paging.page(found, 50, key=lambda row: (row.id,))
    context = {"page": page, "asked": asked, "pictures": pictures}
    return response.page(request, "sending/designs/index.html", context)


async def new(request: web.Request) -> web.Response:
    access.need_role(request, Role.EDITOR)
    given = request.query.get("campaign", "")
    form = Form({"kind": "letter", "campaign": given})
    if given.isascii() and given.isdigit():
        async with access.account_tx(request, Role.EDITOR) as tx:
            form = Form({"name": (await campaigns.show(tx, int(given))).name, "campaign": given})
    return response.page(request, "sending/designs/new.html", {"form": form, "starters": STARTERS})


async def create(request: web.Request) -> web.Response:
    try:
        given = await read(request, NewDesignForm)
        async with access.account_tx(request, Role.EDITOR) as tx:
            if given.campaign is not None:
                made = await designs.keep(tx, given.campaign, given.name)
            else:
                made = await _begin(request, tx, given)
    except Invalid as error:
        context = {"form": await forms.again(request, error), "starters": STARTERS}
        return response.page(request, "sending/designs/new.html", context, status=error.status)
    return response.redirect(f"{_base(request, made.id)}/edit")


async def _begin(request: web.Request, tx: AccountTx, given: NewDesignForm) -> Design:
    """Raises NotFound for a starter that does not exist."""
    language = access.member(request).language
    if given.kind == "letter":
        return await designs.create(tx, NewDesign(name=given.name, kind="letter"), letter_form.start())
    if given.kind == "mjml":
        blank = str(footer.add_footer(BLANK, language=language))
        return await designs.create(tx, NewDesign(name=given.name, kind="mjml"), blank)
    key = given.kind.removeprefix("starter-")
    source, subject = starters.source(key, language), starters.subject(key, language)
    return await designs.create(tx, NewDesign(name=given.name, kind="mjml"), source, subject)


async def edit(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        design = await designs.show(tx, id_in_path(request))
        return await _editor(request, tx, design, Form())


async def _editor(
    request: web.Request,
    tx: AccountTx,
    design: Design,
    form: Form,
    *,
    status: int = 200,
    sent: str = "",
    kept: dict[str, object] | None = None,
) -> web.Response:
    shown = Source(design.kind, sent or design.source, access.member(request).language)
    base = _base(request, design.id)
    draft = Draft(design_id=design.id)
    together = await pages_together.presence_context(request, tx, draft, design.version)
    context: dict[str, object] = {
        **together,
        **(kept or {}),
        "design": design,
        "form": form if form.values else Form({"name": design.name}, form.faults),
        "base": base,
        "source": shown.text,
        "lint": pages_lint.view(await pages_lint.report(request, tx, shown)),
        "fields": await offered_fields.merge_fields(tx),
        "weight": await image_weights.of(tx, shown.text),
        "conflict": any(fault.code == "version" for fault in form.faults),
        "action": f"{base}/edit",
        "frame": f"{base}/preview/frame",
    }
    if design.kind == "letter":
        context |= await letter_context(request, tx, shown)
    return response.page(request, "sending/designs/edit.html", context, status=status)


async def save(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        design = await designs.show(tx, id_in_path(request))
    if design.kind == "letter":
        return await _save_letter(request, design)
    given = await read(request, Code)
    source = given.source.replace("\r\n", "\n")
    if given.act == "footer":
        made = footer.add_footer(source, language=access.member(request).language)
        if isinstance(made, Problem):
            fault = Fault("source", made.message, made.code, made.params)
            return await _again(request, design, Invalid(fault), source)
        source = made
    return await _write(request, design, source, given.version, stay=bool(given.act))


async def _save_letter(request: web.Request, design: Design) -> web.Response:
    form = await request.post()
    text = letter_form.read(form)
    version = str(form.get("version", ""))
    act = str(form.get("act", ""))
    place = letter_form.changed_place(form) if act else ""
    number = int(version) if version.isdigit() else None
    async with access.account_tx(request, Role.EDITOR) as tx:
        text = await pages_image_choice.described(tx, text, design.source)
    found = sources.mjml_of(Source("letter", text, "fr"))
    if isinstance(found, list) and not act and not request.headers.get("X-Autosave"):
        async with access.account_tx(request, Role.EDITOR) as tx:
            design = await designs.write(tx, design.id, text, version=number)
        return await _again(request, design, Invalid(*letter_faults(found)), text)
    choice = pages_image_choice.pressed(request, act, of="design", of_id=design.id)
    return await _write(request, design, text, number, stay=bool(act), place=choice or place)


async def _write(
    request: web.Request, design: Design, source: str, version: int | None, *, stay: bool, place: str = ""
) -> web.Response:
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            saved = await designs.write(tx, design.id, source, version=version)
    except Invalid as error:
        return await _again(request, design, error, source)
    if request.headers.get("X-Autosave"):
        return response.json({"version": saved.version})
    if stay:
        return response.redirect(place if place.startswith("/") else request.path + place)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"/app/{access.member(request).account_id}/designs")


async def _again(request: web.Request, design: Design, error: Invalid, sent: str) -> web.Response:
    kept = None
    if pages_together.is_late(error):
        kept = await pages_together.aside(request, Draft(design_id=design.id), Source(design.kind, sent, ""))
        if request.headers.get("X-Autosave"):
            return pages_together.told_late(request, kept)
    async with access.account_tx(request) as tx:
        found = await designs.show(tx, design.id)
        form = Form({}, error.faults)
        return await _editor(request, tx, found, form, status=error.status, sent=sent, kept=kept)


async def check(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        await designs.show(tx, id_in_path(request))
    source = await pages_lint.sent_source(request, "mjml", access.member(request).language)
    found = await pages_lint.apart(request, source)
    return response.json(pages_lint.diagnostics(found))


async def frame(request: web.Request) -> web.Response:
    asked = query(request, Looking)
    async with access.account_tx(request) as tx:
        design = await designs.show(tx, id_in_path(request))
    what = subject_of(asked, Kind.DESIGN, design.id)
    return response.redirect(preview.frame_url(frame_links(request), access.member(request).account_id, what))


async def rename(request: web.Request) -> web.Response:
    design_id = id_in_path(request)
    try:
        changes = await read(request, DesignChanges)
        async with access.account_tx(request, Role.EDITOR) as tx:
            if changes.name is not None:
                await designs.rename(tx, design_id, changes.name)
    except Invalid as error:
        form = await forms.again(request, error)
        async with access.account_tx(request) as tx:
            design = await designs.show(tx, design_id)
            return await _editor(request, tx, design, form, status=error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"{_base(request, design_id)}/edit")


async def duplicate(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await designs.show(tx, id_in_path(request))
        name = i18n.translate(N_("{name} (copy)"), name=found.name[:100])
        made = await designs.duplicate(tx, found.id, name)
    return response.redirect(f"{_base(request, made.id)}/edit")


async def use(request: web.Request) -> web.Response:
    """A new campaign that begins with this design."""
    async with access.account_tx(request, Role.EDITOR) as tx:
        design = await designs.show(tx, id_in_path(request))
        campaign = await campaigns.create(tx, campaigns.NewCampaign(name=design.name))
        await designs.use(tx, design.id, campaign.id)
    return response.redirect(f"/app/{access.member(request).account_id}/campaigns/{campaign.id}/setup")


async def archive(request: web.Request) -> web.Response:
    archived = (await request.post()).get("archived", "true") == "true"
    async with access.account_tx(request, Role.EDITOR) as tx:
        await designs.archive(tx, id_in_path(request), archived=archived)
    await access.flash(request, N_("Archived.") if archived else N_("Back in the list."))
    return response.redirect(f"/app/{access.member(request).account_id}/designs")


async def ask_delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        design = await designs.show(tx, id_in_path(request))
        unshared = await image_uses.unshared(tx, design.id)
    context = {"design": design, "form": Form({"images": "true"}), "images": len(unshared)}
    return response.page(request, "sending/designs/delete.html", context)


async def delete(request: web.Request) -> web.Response:
    """With the images that it alone used, unless they are to stay (A-084)."""
    with_images = (await request.post()).get("images") == "true"
    async with access.account_tx(request, Role.EDITOR) as tx:
        n = await image_uses.delete_design(tx, id_in_path(request), with_images=with_images)
    told = i18n.ntranslate(
        "The design is deleted, and {n} image with it.", "The design is deleted, and {n} images with it.", n
    )
    await access.flash(request, told if n else N_("The design is deleted."))
    return response.redirect(f"/app/{access.member(request).account_id}/designs")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/designs", index),
    web.get("/{a}/designs/new", new),
    web.post("/{a}/designs", create),
    web.get(r"/{a}/designs/{id:\d+}/edit", edit),
    web.post(r"/{a}/designs/{id:\d+}/edit", save),
    web.post(r"/{a}/designs/{id:\d+}/edit/checks", check),
    web.get(r"/{a}/designs/{id:\d+}/preview/frame", frame),
    web.post(r"/{a}/designs/{id:\d+}/name", rename),
    web.post(r"/{a}/designs/{id:\d+}/copies", duplicate),
    web.post(r"/{a}/designs/{id:\d+}/campaigns", use),
    web.post(r"/{a}/designs/{id:\d+}/archives", archive),
    web.get(r"/{a}/designs/{id:\d+}/deletion", ask_delete),
    web.post(r"/{a}/designs/{id:\d+}/deletion", delete),
]
