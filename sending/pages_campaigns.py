"""Pages of campaigns: the list, and the first two steps of the wizard, setup and audience."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BeforeValidator, Field, StringConstraints

from lists import automation_uses, segments
from mailer.accounts import access, identity
from mailer.accounts.access import Role
from mailer.core import clock, paging
from mailer.core.addresses import domain_of, is_free_mail, parse
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read, services
from sending import (
    ab_variants,
    audience,
    campaign_lists,
    campaign_segments,
    campaigns,
    inbox_line,
    pages_steps,
    preview,
    senders,
)
from sending.campaign_lists import Ids
from sending.campaigns import Campaign, Changes, Kind, Language, NewCampaign
from sending.inbox_line import InboxLine
from sending.pages_senders import links

AUDIENCE = ("include", "exclude", "include_segments", "exclude_segments")
OWN = 0  # in the select of senders: the person's own address, not a sender yet


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


Number = Annotated[int | None, BeforeValidator(_empty_is_none)]


class Setup(Input):
    name: campaigns.Name
    kind: Kind = "newsletter"
    sender_id: Number = None
    reply_to: Annotated[str, StringConstraints(max_length=320)] = ""
    language: Language = "fr"
    subject: Annotated[str, StringConstraints(max_length=250)] = ""
    preheader: Annotated[str, StringConstraints(max_length=250)] = ""
    version: Number = None
    mailing_list: Number = None


class Audience(Input):
    include: Ids = Field(default_factory=list)
    exclude: Ids = Field(default_factory=list)
    include_segments: Ids = Field(default_factory=list)
    exclude_segments: Ids = Field(default_factory=list)
    version: Number = None


class Listing(Input):
    status: Literal["", "draft", "scheduled", "preparing", "sending", "paused", "sent", "cancelled"] = ""
    q: Annotated[str, StringConstraints(max_length=120)] = ""
    archived: bool = False
    cursor: str = ""


async def index(request: web.Request) -> web.Response:
    asked = query(request, Listing)
    key = paging.decode(asked.cursor, (int,))
    wanted = campaigns.Filter(
        status=asked.status,
        q=asked.q,
        archived=asked.archived,
        before=int(str(key[0])) if key else None,
    )
    async with access.account_tx(request) as tx:
        page = paging.page(await campaigns.many(tx, wanted), wanted.limit, key=lambda row: (row.id,))
        ever = bool(page.items) or bool(await campaigns.many(tx, campaigns.Filter(limit=1)))
    context = {"page": page, "asked": asked, "ever": ever, "form": Form(asked.model_dump())}
    return response.page(request, "sending/campaigns/index.html", context)


async def new(request: web.Request) -> web.Response:
    """The setup form of a campaign that is not there yet: looking at it creates nothing."""
    member = access.member(request)
    day = i18n.day(clock.now(), member.time_zone)
    values = {
        "name": i18n.translate(N_("Campaign of {day}"), day=day),
        "kind": "newsletter",
        "language": member.language,
        "mailing_list": request.query.get("list", ""),
    }
    async with access.account_tx(request, Role.EDITOR) as tx:
        options = await _sender_options(request, tx)
        return _setup_page(
            request, None, Form(values | {"sender_id": options[0][0] if options else ""}), options
        )


async def create(request: web.Request) -> web.Response:
    try:
        given = await read(request, Setup)
        async with access.account_tx(request, Role.EDITOR) as tx:
            made = await campaigns.create(
                tx,
                NewCampaign(
                    **given.model_dump(exclude={"version", "mailing_list", "sender_id"}),
                    sender_id=await _chosen_sender(request, tx, given.sender_id),
                ),
            )
            await _first_list(tx, made, given.mailing_list)
    except Invalid as error:
        async with access.account_tx(request, Role.EDITOR) as tx:
            options = await _sender_options(request, tx)
        return _setup_page(request, None, await forms.again(request, error), options, status=error.status)
    return response.redirect(f"/app/{access.member(request).account_id}/campaigns/{made.id}/audience")


async def setup(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        if campaign.status != "draft":
            return pages_steps.away(request, campaign)
        options = await _sender_options(request, tx)
        line = await _inbox_line(request, tx, campaign)
        variants = len(await ab_variants.numbers(tx, campaign.id))
    form = forms.filled(campaign)
    return _setup_page(request, campaign, form, options, line=line, compared=variants)


async def save_setup(request: web.Request) -> web.Response:
    campaign_id = id_in_path(request)
    try:
        given = await read(request, Setup)
        async with access.account_tx(request, Role.EDITOR) as tx:
            values = given.model_dump(exclude={"mailing_list", "sender_id"})
            changes = Changes(**values, sender_id=await _chosen_sender(request, tx, given.sender_id))
            campaign = await campaigns.change(tx, campaign_id, changes)
    except Invalid as error:
        return await _setup_again(request, campaign_id, error)
    return pages_steps.saved(request, campaign, then="audience")


async def _setup_again(request: web.Request, campaign_id: int, error: Invalid) -> web.Response:
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, campaign_id)
        options = await _sender_options(request, tx)
    form = await forms.again(request, error)
    return _setup_page(request, campaign, form, options, status=error.status)


def _setup_page(
    request: web.Request,
    campaign: Campaign | None,
    form: Form,
    sender_options: list[tuple[int, str]],
    *,
    status: int = 200,
    line: InboxLine | None = None,
    compared: int = 1,
) -> web.Response:
    context = pages_steps.context(request, campaign, "setup", form) | {
        "senders": sender_options,
        "line": line,
        "compared": compared if compared > 1 else 0,
    }
    return response.page(request, "sending/campaigns/setup.html", context, status=status)


async def _inbox_line(request: web.Request, tx: AccountTx, campaign: Campaign) -> InboxLine | None:
    """What is saved so far, as the sample contact sees it."""
    if not campaign.subject:
        return None
    shown = await preview.show(
        tx, services(request), preview.Subject(kind=preview.Kind.CAMPAIGN, id=campaign.id)
    )
    return inbox_line.of(shown, subject=campaign.subject, preheader=campaign.preheader, sample=True)


async def _sender_options(request: web.Request, tx: AccountTx) -> list[tuple[int, str]]:
    """Senders by their words; the person's own address where the account has none yet."""
    waiting = i18n.translate(N_("Waiting for its confirmation"))
    found = [
        (one.id, f"{one.name} <{one.email}>" + ("" if one.status == "confirmed" else f" – {waiting}"))
        for one in await senders.many(tx)
        if one.status != "revoked"
    ]
    own = access.person(request).email
    usable = own in await identity.team(tx) and not is_free_mail(domain_of(parse(own).key))
    if not found and usable:
        return [(OWN, f"{access.member(request).account_name} <{own}>")]
    return found


async def _chosen_sender(request: web.Request, tx: AccountTx, sender_id: int | None) -> int | None:
    if sender_id != OWN:
        return sender_id
    member = access.member(request)
    email = access.person(request).email
    await senders.own(tx, email=email, name=member.account_name, links=links(request))
    found = await senders.many(tx)
    return found[0].id if found else None


async def _first_list(tx: AccountTx, campaign: Campaign, asked: int | None) -> None:
    """The list that the person came from, or the only one there is."""
    found = await tx.rows(
        "SELECT id FROM mailing_lists WHERE account_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT 2"
    )
    only = found[0][0] if len(found) == 1 else None
    chosen = asked or only
    if chosen is not None:
        await campaign_lists.choose(tx, campaign.id, include=[chosen], exclude=[])


async def show_audience(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        if campaign.status != "draft":
            return pages_steps.away(request, campaign)
        return await _audience_page(request, tx, campaign, Form())


async def save_audience(request: web.Request) -> web.Response:
    campaign_id = id_in_path(request)
    try:
        given = await read(request, Audience)
        async with access.account_tx(request, Role.EDITOR) as tx:
            campaign = await campaign_lists.choose(
                tx, campaign_id, include=given.include, exclude=given.exclude, version=given.version
            )
            await campaign_segments.choose(
                tx, campaign_id, include=given.include_segments, exclude=given.exclude_segments
            )
            if request.headers.get("HX-Request"):
                return await _audience_page(request, tx, campaign, Form())
    except Invalid as error:
        async with access.account_tx(request) as tx:
            campaign = await campaigns.show(tx, campaign_id)
            form = await forms.again(request, error, many=AUDIENCE)
            return await _audience_page(request, tx, campaign, form, status=error.status)
    return pages_steps.saved(request, campaign, then="content")


async def _audience_page(
    request: web.Request, tx: AccountTx, campaign: Campaign, form: Form, *, status: int = 200
) -> web.Response:
    used = await campaign_lists.many(tx, campaign.id)
    narrowed = await campaign_segments.many(tx, campaign.id)
    whole = await campaign_segments.settle(tx, campaign.id)
    if not form.values:
        chosen = {use: [one.list_id for one in used if one.use == use] for use in ("include", "exclude")}
        chosen |= {
            f"{use}_segments": [one.segment_id for one in narrowed if one.use == use] for use in chosen
        }
        form = Form(chosen, form.faults)
    options = await tx.rows(
        """
        SELECT l.id, l.name, (SELECT count(*) FROM subscriptions s
                              WHERE s.account_id = l.account_id AND s.list_id = l.id AND s.status = 'active')
        FROM mailing_lists l
        WHERE l.account_id = $1 AND l.deleted_at IS NULL
        ORDER BY l.name
        LIMIT 500
        """,
    )
    context = pages_steps.context(request, campaign, "audience", form) | {
        "options": options,
        "segments": await segments.names(tx),
        "whole": whole,
        "broken": await campaign_segments.broken(tx, narrowed),
        "counts": await audience.count(tx, campaign.id),
        "chosen": [one for one in used if one.use == "include"],
    }
    return response.page(request, "sending/campaigns/audience.html", context, status=status)


async def duplicate(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        found = await campaigns.show(tx, id_in_path(request))
        name = i18n.translate(N_("{name} (copy)"), name=found.name[:100])
        made = await campaigns.duplicate(tx, found.id, name)
    await access.flash(request, N_("This is a copy: change what you want, nothing has left."))
    return response.redirect(f"/app/{access.member(request).account_id}/campaigns/{made.id}/setup")


async def archive(request: web.Request) -> web.Response:
    sent = await request.post()
    archived = sent.get("archived", "true") == "true"
    async with access.account_tx(request, Role.EDITOR) as tx:
        await campaigns.archive(tx, id_in_path(request), archived=archived)
    await access.flash(request, N_("Archived.") if archived else N_("Back in the list."))
    return response.redirect(f"/app/{access.member(request).account_id}/campaigns")


async def ask_delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        automations = await automation_uses.of(tx, "campaign", campaign.id)
    context = {"campaign": campaign, "automations": automations, "form": Form()}
    return response.page(request, "sending/campaigns/delete.html", context)


async def delete(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        await campaigns.delete(tx, id_in_path(request))
    await access.flash(request, N_("The draft is deleted."))
    return response.redirect(f"/app/{access.member(request).account_id}/campaigns")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/campaigns", index),
    web.get("/{a}/campaigns/new", new),
    web.post("/{a}/campaigns", create),
    web.get(r"/{a}/campaigns/{id:\d+}/setup", setup),
    web.post(r"/{a}/campaigns/{id:\d+}/setup", save_setup),
    web.get(r"/{a}/campaigns/{id:\d+}/audience", show_audience),
    web.post(r"/{a}/campaigns/{id:\d+}/audience", save_audience),
    web.post(r"/{a}/campaigns/{id:\d+}/copies", duplicate),
    web.post(r"/{a}/campaigns/{id:\d+}/archives", archive),
    web.get(r"/{a}/campaigns/{id:\d+}/deletion", ask_delete),
    web.post(r"/{a}/campaigns/{id:\d+}/deletion", delete),
]
