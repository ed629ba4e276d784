"""The visual editor's page, of a campaign's content and of a design.

It stores nothing itself: its form goes where the code editor's goes, with the same version, so that autosave,
two editors on one text and what follows are the same.
"""

from collections.abc import Mapping

import orjson
from aiohttp import web

from mailer.accounts import access
from mailer.accounts import identity as identities
from mailer.core.db import AccountTx
from mailer.core.text import N_
from mailer.web import i18n, middleware, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, query, services
from sending import (
    ab_tests,
    ab_variants,
    brand,
    brand_kits,
    campaigns,
    designs,
    mjml_lint,
    offered_fields,
    pages_steps,
    preview,
    sources,
    visual_blocks,
)
from sending.pages_content import OfVariant
from sending.pages_senders import links
from sending.problems import blocking
from sending.sources import Source

# Words of each part in the structure; MJML's own names mean nothing to most.
NAMES = (
    ("mj-body", N_("Message")),
    ("mj-wrapper", N_("Group of sections")),
    ("mj-section", N_("Section")),
    ("mj-group", N_("Group of columns")),
    ("mj-column", N_("Column")),
    ("mj-hero", N_("Cover")),
    ("mj-text", N_("Text")),
    ("mj-button", N_("Button")),
    ("mj-image", N_("Image")),
    ("mj-divider", N_("Divider")),
    ("mj-spacer", N_("Space")),
    ("mj-social", N_("Social networks")),
    ("mj-social-element", N_("Network")),
    ("mj-navbar", N_("Menu")),
    ("mj-navbar-link", N_("Link of the menu")),
    ("mj-table", N_("Table")),
    ("mj-raw", N_("HTML")),
    ("mj-accordion", N_("Accordion")),
    ("mj-carousel", N_("Carousel")),
    ("comment", N_("Comment")),
    ("condition", N_("Part under a condition")),
    ("other", N_("Part “{tag}”")),
)
# What to do here, where the linter's own words speak of the code; the other codes keep theirs.
ADVICE = (
    ("no_src", N_("No image yet: choose one of the library, or write the address of one.")),
    ("no_alt", N_("Say what the image shows, or that it only decorates.")),
    ("no_href", N_("It leads nowhere yet: write the address that it opens.")),
)
# A block that was put in and has no image yet is written on here, and nowhere better.
_UNFINISHED = frozenset({"no_src"})


async def campaign(request: web.Request) -> web.Response:
    """Of a draft; of the variant that the address names, or A."""
    number = query(request, OfVariant).variant
    which = f"?variant={number}" if number > 1 else ""
    async with access.account_tx(request) as tx:
        found = await campaigns.show(tx, id_in_path(request))
        if number > 1:
            found = await ab_tests.variant(tx, found, number)
        base = pages_steps.base(request, found)
        if found.status != "draft":
            return pages_steps.away(request, found)
        if found.content_kind != "mjml":
            return response.redirect(f"{base}/content{which}")
        shown = Source("mjml", found.source, found.language)
        context = await _context(request, tx, shown)
        fields = await _fields(tx, list_name=await preview.list_name(tx, found.id))
    context |= pages_steps.context(request, found, "content", Form()) | {
        "code": f"{base}/content{which}",
        "lint": f"{base}/lint{which}",
        "frame": f"{base}/preview/frame{which}",
        "version": found.version,
        "letter": ab_variants.LETTERS[number - 1] if which else "",
        "fields": fields,
    }
    return _page(request, "sending/visual/campaign.html", context)


async def design(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await designs.show(tx, id_in_path(request))
        base = f"/app/{access.member(request).account_id}/designs/{found.id}"
        if found.kind != "mjml":
            return response.redirect(f"{base}/edit")
        context = await _context(request, tx, found.content(access.member(request).language))
        fields = await _fields(tx, list_name="")
    context |= {
        "design": found,
        "code": f"{base}/edit",
        "lint": f"{base}/lint",
        "frame": f"{base}/preview/frame",
        "version": found.version,
        "fields": fields,
    }
    return _page(request, "sending/visual/design.html", context)


async def _context(request: web.Request, tx: AccountTx, shown: Source) -> dict[str, object]:
    """What both pages show. A source with faults of structure goes to the code editor, with the reason."""
    settings = services(request).settings
    kit = await brand_kits.of(tx, settings)
    faults = [one for one in mjml_lint.lint(brand.fill(shown.text, kit)) if one.code not in _UNFINISHED]
    return {
        "source": shown.text,
        "faults": faults if blocking(faults) else [],
        "parts_of_column": [*visual_blocks.parts(), visual_blocks.unsubscribe(shown.language)],
        "sections": visual_blocks.sections(shown.language),
        "names": [(tag, i18n.translate(words)) for tag, words in NAMES],
        "advice": [(code, i18n.translate(words)) for code, words in ADVICE],
        "brand": orjson.dumps(kit.values()).decode(),
        "pictures_from": links(request).image(""),
        "icons_from": sources.icon_origin(settings),
    }


async def _fields(tx: AccountTx, *, list_name: str) -> list[tuple[str, str, str]]:
    """What “Insert a field” offers: the tag, what it stands for, what a sample person would read there."""
    who = await identities.of(tx)
    samples = {
        '{{ contact.first_name | default("") }}': "Ana",
        '{{ contact.last_name | default("") }}': "Martin",
        "{{ contact.email }}": preview.SAMPLE_EMAIL,
        "{{ list.name }}": list_name,
        "{{ account.name }}": who.legal_name or who.account_name,
        "{{ account.address }}": who.postal_address,
    }
    return [(tag, label, samples.get(tag, "")) for tag, label in await offered_fields.merge_fields(tx)]


def _page(request: web.Request, template: str, context: Mapping[str, object]) -> web.Response:
    """Inline styles are allowed: GrapesJS writes style elements and attributes into a frame of this page, and
    they cannot carry a nonce (decision 25). Pictures come from us alone, so that no style can tell anybody.
    """
    answer = response.page(request, template, context)
    answer.headers["Content-Security-Policy"] = middleware.policy(request, inline_styles=True)
    return answer


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/campaigns/{id:\d+}/content/visual", campaign),
    web.get(r"/{a}/designs/{id:\d+}/edit/visual", design),
]
