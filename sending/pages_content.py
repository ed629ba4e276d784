"""The third step: where to start, the simple letter, the code editor; and the preview of all of them."""

from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid
from mailer.core.links import Links
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read, services
from sending import (
    ab_tests,
    ab_variants,
    campaigns,
    designs,
    footer,
    image_library,
    image_weights,
    inbox_line,
    letter_form,
    offered_fields,
    pages_image_choice,
    pages_lint,
    pages_steps,
    pages_together,
    preview,
    sources,
    starters,
    thumbnails,
    visual_blocks,
)
from sending.campaigns import Campaign
from sending.draft_versions import Draft
from sending.pages_campaigns import Number
from sending.pages_senders import links
from sending.preview import Kind, Subject, Theme
from sending.problems import Problem
from sending.sources import Source

BLANK = """<mjml>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text>
          <h1></h1>
          <p></p>
        </mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""


class Start(Input):
    """`begin`: letter, visual, blank, starter-event, design-3 or campaign-7."""

    begin: Annotated[
        str,
        StringConstraints(
            pattern=r"^(letter|visual|blank|starter-[a-z]{1,20}|(design|campaign)-[0-9]{1,18})$"
        ),
    ]
    version: Number = None


class Code(Input):
    source: Annotated[str, StringConstraints(strip_whitespace=False, max_length=2_000_000)]
    version: Number = None
    act: Literal["", "check", "footer"] = ""


class Looking(Input):
    """`who`: sample, bare or a contact's id."""

    who: Annotated[str, StringConstraints(pattern=r"^(sample|bare|[0-9]{1,18})$")] = "sample"
    theme: Literal["light", "dark"] = "light"
    width: Literal["360", "600", "full"] = "full"
    q: Annotated[str, StringConstraints(max_length=120)] = ""
    variant: Annotated[int, Field(ge=1, le=4)] = 1


class OfVariant(Input):
    """Which variant of an A/B test the content is of."""

    variant: Annotated[int, Field(ge=1, le=4)] = 1


async def _campaign(request: web.Request, tx: AccountTx) -> Campaign:
    """As the variant that the address names, or A. Raises NotFound."""
    found = await campaigns.show(tx, id_in_path(request))
    number = query(request, OfVariant).variant
    return found if number == 1 else await ab_tests.variant(tx, found, number)


async def _write(
    request: web.Request, tx: AccountTx, campaign_id: int, source: Source, version: int | None
) -> Campaign:
    """The content of that variant. Raises as `campaigns.write_content`."""
    kind: Any = source.kind
    number = query(request, OfVariant).variant
    if number == 1:
        return await campaigns.write_content(tx, campaign_id, kind, source.text, version=version)
    await ab_tests.write_content(tx, campaign_id, number, source, version=version)
    return await _campaign(request, tx)


def _draft(request: web.Request) -> Draft:
    return Draft(campaign_id=id_in_path(request), variant=query(request, OfVariant).variant)


def _of_variant(request: web.Request) -> str:
    number = query(request, OfVariant).variant
    return f"?variant={number}" if number > 1 else ""


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        campaign = await _campaign(request, tx)
        if campaign.status != "draft":
            return pages_steps.away(request, campaign)
        if campaign.content_kind == "none" or "start" in request.query:
            return await _start_page(request, tx, campaign, Form())
        return await _editor(request, tx, campaign, Form())


async def _start_page(
    request: web.Request, tx: AccountTx, campaign: Campaign, form: Form, *, status: int = 200
) -> web.Response:
    kept = (await designs.many(tx))[:50]
    past = [one for one in await campaigns.many(tx, campaigns.Filter(limit=20)) if one.id != campaign.id]
    context = pages_steps.context(request, campaign, "content", form) | {
        "designs": kept,
        "pictures": await thumbnails.shown(tx, [one.id for one in kept]),
        "starters": starters.STARTERS,
        "past": past,
    }
    return response.page(request, "sending/campaigns/start.html", context, status=status)


async def _editor(
    request: web.Request,
    tx: AccountTx,
    campaign: Campaign,
    form: Form,
    *,
    status: int = 200,
    sent: str = "",
    kept: dict[str, object] | None = None,
) -> web.Response:
    """The form of this kind of content; `sent` was typed on another version, `kept` says where it is."""
    shown = Source(campaign.content_kind, sent or campaign.source, campaign.language)
    which = _of_variant(request)
    together = await pages_together.presence_context(request, tx, _draft(request), campaign.version)
    context = pages_steps.context(request, campaign, "content", form) | together
    context |= kept or {}
    context |= {
        "source": shown.text,
        "stored": campaign.source,
        "lint": pages_lint.view(await pages_lint.report(request, tx, shown, campaign_id=campaign.id)),
        "fields": await offered_fields.merge_fields(tx),
        "weight": await image_weights.of(tx, shown.text),
        "action": f"{pages_steps.base(request, campaign)}/content{which}",
        "which": which,
        "letter": ab_variants.LETTERS[query(request, OfVariant).variant - 1],
        "version": campaign.version,
        "frame": f"{pages_steps.base(request, campaign)}/preview/frame{which}",
    }
    if campaign.content_kind == "letter":
        context |= await letter_context(request, tx, shown)
        return response.page(request, "sending/campaigns/letter.html", context, status=status)
    return response.page(request, "sending/campaigns/code.html", context, status=status)


async def letter_context(request: web.Request, tx: AccountTx, shown: Source) -> dict[str, object]:
    """Blocks with their fields, and the images to choose from."""
    values = sources.letter_values(shown.text)
    track = links(request)
    found = (await image_library.many(tx, image_library.Looking(limit=50)))[:50]
    return {
        "blocks": values["blocks"],
        "with_footer": values["footer"],
        "images": [(track.image(one.name), one.label or one.alt or one.name, one.alt) for one in found],
    }


async def start(request: web.Request) -> web.Response:
    """Takes a starting point; what was there before is replaced, which the page says."""
    campaign_id = id_in_path(request)
    given = await read(request, Start)
    begin, _, number = given.begin.partition("-")
    async with access.account_tx(request, Role.EDITOR) as tx:
        match begin:
            case "letter":
                source = letter_form.start()
                await campaigns.write_content(tx, campaign_id, "letter", source, version=given.version)
            case "visual":
                campaign = await campaigns.show(tx, campaign_id)
                source = visual_blocks.blank(campaign.language)
                await campaigns.write_content(tx, campaign_id, "mjml", source, version=given.version)
            case "blank":
                campaign = await campaigns.show(tx, campaign_id)
                made = footer.add_footer(BLANK, language=campaign.language)
                source = BLANK if isinstance(made, Problem) else made
                await campaigns.write_content(tx, campaign_id, "mjml", source, version=given.version)
            case "starter":
                await designs.begin(tx, campaign_id, number, version=given.version)
            case "design":
                await designs.use(tx, int(number), campaign_id, version=given.version)
            case _:
                past = await campaigns.show(tx, int(number))
                kind: Any = past.content_kind
                await campaigns.write_content(tx, campaign_id, kind, past.source, version=given.version)
    editor = "/content/visual" if begin == "visual" else "/content"
    return response.redirect(request.path.removesuffix("/starts") + editor)


async def save(request: web.Request) -> web.Response:
    """Either editor, by the kind of content that is stored."""
    async with access.account_tx(request, Role.EDITOR) as tx:
        campaign = await _campaign(request, tx)
    if campaign.content_kind == "letter":
        return await _save_letter(request, campaign)
    return await _save_code(request, campaign)


async def _save_code(request: web.Request, campaign: Campaign) -> web.Response:
    given = await read(request, Code)
    source = given.source.replace("\r\n", "\n")
    problem: Problem | None = None
    if given.act == "footer":
        made = footer.add_footer(source, language=campaign.language)
        problem = made if isinstance(made, Problem) else None
        source = source if isinstance(made, Problem) else made
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            written = Source("mjml", source, campaign.language)
            campaign = await _write(request, tx, campaign.id, written, given.version)
            if given.act and problem is None and not request.headers.get("X-Autosave"):
                return response.redirect(request.path + _of_variant(request))
    except Invalid as error:
        return await _again(request, error, sent=source)
    if problem is not None:
        fault = Fault("source", problem.message, problem.code, problem.params)
        return await _again(request, Invalid(fault), sent=source)
    return pages_steps.saved(request, campaign, then="ab-test" if _of_variant(request) else "checks")


async def _save_letter(request: web.Request, campaign: Campaign) -> web.Response:
    form = await request.post()
    text = letter_form.read(form)
    version = str(form.get("version", ""))
    try:
        async with access.account_tx(request, Role.EDITOR) as tx:
            text = await pages_image_choice.described(tx, text, campaign.source)
            written = Source("letter", text, campaign.language)
            before = int(version) if version.isdigit() else None
            saved = await _write(request, tx, campaign.id, written, before)
    except Invalid as error:
        return await _again(request, error, sent=text)
    if form.get("act") and not request.headers.get("X-Autosave"):
        act = str(form["act"])
        if away := pages_image_choice.pressed(request, act, of="campaign", of_id=campaign.id):
            return response.redirect(away)
        return response.redirect(request.path + _of_variant(request) + letter_form.changed_place(form))
    found = sources.mjml_of(saved.content)
    if isinstance(found, list) and not request.headers.get("X-Autosave"):
        return await _again(request, Invalid(*letter_faults(found)))
    return pages_steps.saved(request, saved, then="ab-test" if _of_variant(request) else "checks")


def letter_faults(problems: list[Problem]) -> list[Fault]:
    """Each at its block."""
    return [
        Fault(f"b{one.line - 1}" if one.line else "blocks", one.message, one.code, one.params)
        for one in problems
    ]


async def _again(request: web.Request, error: Invalid, *, sent: str = "") -> web.Response:
    kept = None
    if sent and pages_together.is_late(error):
        async with access.account_tx(request) as tx:
            kind = (await _campaign(request, tx)).content_kind
        kept = await pages_together.aside(request, _draft(request), Source(kind, sent, ""))
        if request.headers.get("X-Autosave"):
            return pages_together.told_late(request, kept)
    async with access.account_tx(request) as tx:
        campaign = await _campaign(request, tx)
        form = Form({}, error.faults)
        return await _editor(request, tx, campaign, form, status=error.status, sent=sent, kept=kept)


async def check(request: web.Request) -> web.Response:
    """What the editor lists while somebody types; stores nothing."""
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
    source = await pages_lint.sent_source(request, "mjml", campaign.language)
    found = await pages_lint.apart(request, source, campaign_id=campaign.id)
    return response.json(pages_lint.diagnostics(found))


async def look(request: web.Request) -> web.Response:
    """What exactly one person gets."""
    asked = query(request, Looking)
    held = services(request)
    async with access.account_tx(request) as tx:
        campaign = await _campaign(request, tx)
        people = await _people(tx, asked.q)
        shown = await preview.show(tx, held, subject_of(asked, Kind.CAMPAIGN, campaign.id))
        tests = await pages_steps.tests(tx, campaign.id)
        numbers = await ab_variants.numbers(tx, campaign.id)
    context = pages_steps.context(request, campaign, "content", forms.filled(asked.model_dump())) | {
        "shown": shown,
        "asked": asked,
        "people": people,
        "variants": [(n, ab_variants.LETTERS[n - 1]) for n in numbers] if len(numbers) > 1 else [],
        "person": access.person(request),
        **tests,
        "line": inbox_line.of(
            shown,
            subject=campaign.subject,
            preheader=campaign.preheader,
            sample=asked.who == "sample",
        ),
        "frame": f"{pages_steps.base(request, campaign)}/preview/frame"
        f"?who={asked.who}&theme={asked.theme}&variant={asked.variant}",
    }
    return response.page(request, "sending/campaigns/preview.html", context)


async def frame(request: web.Request) -> web.Response:
    """A fresh address of the frame each time: a token of ten minutes on the recipients' origin (E-04)."""
    asked = query(request, Looking)
    member = access.member(request)
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
    what = subject_of(asked, Kind.CAMPAIGN, campaign.id)
    return response.redirect(preview.frame_url(frame_links(request), member.account_id, what))


def frame_links(request: web.Request) -> Links:
    """On one origin the frame's address is a path: a reader may have come by another name of this host."""
    settings = services(request).settings
    base = "" if settings.track_url == settings.public_url else settings.track_url
    return Links(services(request).tokens, base)


def subject_of(asked: Looking, kind: Kind, of: int) -> Subject:
    return Subject(
        kind=kind,
        id=of,
        contact_id=int(asked.who) if asked.who.isdigit() else None,
        bare=asked.who == "bare",
        theme=Theme.DARK if asked.theme == "dark" else Theme.LIGHT,
        variant=asked.variant,
    )


async def _people(tx: AccountTx, start_of_address: str) -> list[tuple[int, str]]:
    """Up to ten contacts whose address begins so; a range on a plain column (S8)."""
    prefix = start_of_address.strip().lower()
    found = await tx.rows(
        """
        SELECT id, email
        FROM contacts
        WHERE account_id = $1 AND address_key >= $2 AND address_key < $3
        ORDER BY address_key
        LIMIT 10
        """,
        prefix,
        prefix + "\U0010ffff",
    )
    return [(contact_id, email) for contact_id, email in found]


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/campaigns/{id:\d+}/content", show),
    web.post(r"/{a}/campaigns/{id:\d+}/content", save),
    web.post(r"/{a}/campaigns/{id:\d+}/starts", start),
    web.post(r"/{a}/campaigns/{id:\d+}/content/checks", check),
    web.get(r"/{a}/campaigns/{id:\d+}/preview", look),
    web.get(r"/{a}/campaigns/{id:\d+}/preview/frame", frame),
]
