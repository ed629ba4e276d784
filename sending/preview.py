"""What one person would get of a draft, made by the same steps as the real mail, but it changes nothing.

The HTML is shown in a sandboxed frame under /t, on the recipients' origin; its address is a token of ten
minutes that names draft, person and theme (E-04). Nothing in it is tracked and its own links say “test”.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import IntEnum
from typing import Any

from mailer.accounts import identity
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from mailer.core.links import Links
from mailer.core.services import Services
from mailer.core.text import N_
from mailer.core.tokens import Purpose
from sending import (
    ab_variants,
    brand_kits,
    campaigns,
    designs,
    draft_versions,
    merge,
    personal,
    render,
    revisions,
    senders,
    sources,
    test_sends,
    utm,
    utm_settings,
)
from sending.merge_filters import Value
from sending.personal import Person
from sending.problems import Problem, error
from sending.render import AccountNames, Recipient, Rendered, RenderFailed, SenderNames
from sending.sources import Source

MINUTES = 10
SAMPLE_EMAIL = "ana.martin@example.com"
_DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
_LIGHT = re.compile(r"\(\s*prefers-color-scheme\s*:\s*light\s*\)")


class Kind(IntEnum):
    """What is shown, as a number in the token."""

    CAMPAIGN = 1
    DESIGN = 2
    VERSION = 3


class Theme(IntEnum):
    AUTO = 0
    LIGHT = 1
    DARK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What to show, to whom. `contact_id` None: a sample person, without a name when `bare`."""

    kind: Kind
    id: int
    contact_id: int | None = None
    bare: bool = False
    theme: Theme = Theme.LIGHT
    variant: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A content with what else a message needs."""

    source: Source
    subject: str
    preheader: str
    sender: SenderNames
    list_name: str
    campaign_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`rendered` None: it cannot be made; `problems` say why. `empty`: merge names without a value."""

    rendered: Rendered | None
    problems: tuple[Problem, ...]
    sender_name: str
    empty: tuple[str, ...] = ()


def frame_url(links: Links, account_id: int, what: Subject) -> str:
    """The address of the frame, for the next minutes; `links` with an empty base give a path."""
    expires = int((clock.now() + timedelta(minutes=MINUTES)).timestamp())
    numbers = (account_id, what.kind, what.id, what.contact_id or 0, int(what.bare), what.theme, what.variant)
    return links.preview(*numbers, expires=expires)


def read_token(links: Links, token: str) -> tuple[int, Subject]:
    """Account and subject of a frame. Raises NotFound when damaged or over."""
    numbers = links.tokens.read_timed(Purpose.PREVIEW, token, now=int(clock.now().timestamp()))
    try:
        account_id, kind, of, contact, bare, theme, variant = numbers
        what = Subject(
            kind=Kind(kind),
            id=of,
            contact_id=contact or None,
            bare=bool(bare),
            theme=Theme(theme),
            variant=variant,
        )
    except ValueError:
        raise NotFound from None
    return account_id, what


async def show(tx: AccountTx, services: Services, what: Subject) -> Shown:
    """The draft as this person would get it now. Raises NotFound."""
    draft = await _draft(tx, what)
    fields = await sources.field_keys(tx)
    contact = personal.values(await person(tx, what), await revisions.date_fields(tx))
    problems = _line_problems(draft, fields)
    tagging = (
        await utm_settings.of(tx, services.settings, draft.campaign_id, what.variant)
        if draft.campaign_id
        else utm.NONE
    )
    compiled = sources.compile_source(
        draft.source,
        settings=services.settings,
        fields=fields,
        tagging=tagging,
        kit=await brand_kits.of(tx, services.settings),
    )
    if isinstance(compiled, list) or problems:
        found = [*problems, *(compiled if isinstance(compiled, list) else ())]
        return Shown(rendered=None, problems=tuple(found), sender_name=draft.sender.name)
    recipient = await _recipient(tx, services, draft, contact)
    try:
        program = render.compile_revision(compiled, subject=draft.subject, preheader=draft.preheader)
        rendered = program.render(recipient)
    except RenderFailed:
        message = N_("The message cannot be made for this person. Check the conditions and the fields.")
        return Shown(rendered=None, problems=(error(0, "render", message),), sender_name=draft.sender.name)
    used = merge.names_used(compiled.html) | merge.names_used(draft.subject)
    empty = sorted(name for name in used if name.startswith("contact.") and not contact.get(name[8:]))
    return Shown(
        rendered=rendered, problems=compiled.remarks, sender_name=draft.sender.name, empty=tuple(empty)
    )


async def person(tx: AccountTx, what: Subject) -> Person:
    """The contact, or the sample. Raises NotFound for a contact that is no more."""
    if what.contact_id is None:
        return _sample(bare=what.bare)
    return await tx.one(
        Person,
        """
        SELECT id AS contact_id, 0::bigint AS list_id, email, address_key, address_hash, first_name,
               last_name, language, fields, opens, clicks
        FROM contacts
        WHERE account_id = $1 AND id = $2
        """,
        what.contact_id,
    )


def _sample(*, bare: bool) -> Person:
    return Person(
        contact_id=0,
        list_id=0,
        email=SAMPLE_EMAIL,
        address_key=SAMPLE_EMAIL,
        address_hash=b"",
        first_name="" if bare else "Ana",
        last_name="" if bare else "Martin",
        language="",
        fields={},
        opens="unknown",
        clicks="unknown",
    )


def in_theme(html: str, theme: Theme) -> str:
    """Rules for this theme always apply and those for the other never, whatever the system says."""
    if theme is Theme.AUTO:
        return html
    dark = theme is Theme.DARK
    html = _DARK.sub("(min-width: 0)" if dark else "(max-width: 0)", html)
    html = _LIGHT.sub("(max-width: 0)" if dark else "(min-width: 0)", html)
    scheme = "dark" if dark else "light"
    return html.replace("</head>", f'<meta name="color-scheme" content="{scheme}"></head>', 1)


async def _draft(tx: AccountTx, what: Subject) -> Draft:
    if what.kind is Kind.VERSION:
        version = await draft_versions.show(tx, what.id)
        of = version.design_id or version.campaign_id or 0
        kind = Kind.DESIGN if version.design_id else Kind.CAMPAIGN
        now = await _draft(tx, replace(what, kind=kind, id=of, variant=version.variant))
        return replace(now, source=replace(now.source, kind=version.kind, text=version.source))
    if what.kind is Kind.DESIGN:
        design = await designs.show(tx, what.id)
        who = await identity.of(tx)
        return Draft(
            source=design.content(who.language),
            subject=design.subject or design.name,
            preheader=design.preheader,
            sender=SenderNames(name=who.legal_name or who.account_name, email=who.contact_email),
            list_name=who.account_name,
            campaign_id=0,
        )
    campaign = await campaigns.show(tx, what.id)
    found = await ab_variants.versions(tx, campaign.id)
    shown = next((one for one in found if one.number == what.variant), found[0])
    return Draft(
        source=sources.Source(shown.content_kind, shown.source, campaign.language),
        subject=shown.subject,
        preheader=shown.preheader,
        sender=await sender_names(tx, campaign),
        list_name=await list_name(tx, campaign.id),
        campaign_id=campaign.id,
    )


async def sender_names(tx: AccountTx, campaign: campaigns.Campaign) -> SenderNames:
    if campaign.sender_id is None:
        return SenderNames(name="", email="")
    sender = await senders.show(tx, campaign.sender_id)
    return SenderNames(name=sender.name, email=sender.email, reply_to=campaign.reply_to or sender.reply_to)


async def list_name(tx: AccountTx, campaign_id: int) -> str:
    found: Any = await tx.value(
        """
        SELECT l.public_name
        FROM campaign_lists c
        JOIN mailing_lists l ON l.account_id = c.account_id AND l.id = c.list_id
        WHERE c.account_id = $1 AND c.campaign_id = $2 AND c.use = 'include'
        ORDER BY c.position
        LIMIT 1
        """,
        campaign_id,
    )
    return str(found or "")


async def _recipient(tx: AccountTx, services: Services, draft: Draft, contact: dict[str, Value]) -> Recipient:
    who = await identity.of(tx)
    links = Links(services.tokens, services.settings.track_url)
    return Recipient(
        contact=contact,
        urls=test_sends.urls(links, tx.account_id, draft.campaign_id),
        list_name=draft.list_name,
        sender=draft.sender,
        account=AccountNames(
            name=who.legal_name or who.account_name, address=who.postal_address, email=who.contact_email
        ),
        language=draft.source.language,
    )


def _line_problems(draft: Draft, fields: frozenset[str]) -> list[Problem]:
    return [
        *merge.check(draft.subject, fields=fields, part="subject"),
        *merge.check(draft.preheader, fields=fields, part="preheader"),
    ]
