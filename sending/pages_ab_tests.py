"""The A/B test of a campaign: what is compared while it is a draft, how it goes after; decided by hand."""

from dataclasses import replace
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, identity
from mailer.accounts.access import Role
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, read, services
from sending import (
    ab_results,
    ab_runs,
    ab_tests,
    ab_variants,
    campaigns,
    inbox_line,
    pages_steps,
    preview,
    seeds,
)
from sending.ab_tests import About, AbTest, Setting, Unclear, Variant, WinnerBy
from sending.campaigns import Campaign, Line
from sending.inbox_line import InboxLine
from sending.pages_campaigns import Number

OTHERS = range(2, ab_variants.MOST + 1)


class AbForm(Input):
    """Of a test of subjects the filled-in ones count; of contents, `contents` says how many there are."""

    about: About = "subject"
    subject_2: Line = ""
    subject_3: Line = ""
    subject_4: Line = ""
    preheader_2: Line = ""
    preheader_3: Line = ""
    preheader_4: Line = ""
    contents: Annotated[int, Field(ge=2, le=4)] = 2
    share: Annotated[int, Field(ge=5, le=100)] = 20
    winner_by: WinnerBy = "clicks"
    hours: Annotated[int, Field(ge=1, le=120)] = 4
    early: bool = False
    unclear: Unclear = "first"
    version: Number = None


class Decision(Input):
    variant: Annotated[int, Field(ge=1, le=4)]


async def show(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        if campaign.status == "draft":
            test = await ab_tests.of(tx, campaign.id)
            return await _setting_page(request, tx, campaign, await _filled(tx, campaign, test))
        results = await ab_results.of(tx, campaign.id)
        if results is None:
            raise NotFound
        context = {
            "campaign": campaign,
            "base": pages_steps.base(request, campaign),
            "results": results,
            "may_send": access.member(request).can_send,
            "who_may": await identity.senders_of_mail(tx),
        }
    return response.page(request, "sending/campaigns/ab_results.html", context)


async def _filled(tx: AccountTx, campaign: Campaign, test: AbTest | None) -> Form:
    if test is None:
        return Form({"about": "subject", "contents": 2, "share": 20, "winner_by": "clicks", "hours": 4})
    found = await ab_variants.versions(tx, campaign.id)
    values: dict[str, object] = {**forms.filled(test).values, "contents": len(found)}
    if test.about == "subject":
        values |= {f"subject_{one.number}": one.subject for one in found[1:]}
        values |= {f"preheader_{one.number}": one.preheader for one in found[1:]}
    return Form(values)


async def _setting_page(
    request: web.Request, tx: AccountTx, campaign: Campaign, form: Form, *, status: int = 200
) -> web.Response:
    test = await ab_tests.of(tx, campaign.id)
    context = pages_steps.context(request, campaign, "setup", form) | {
        "test": test,
        "variants": await ab_variants.versions(tx, campaign.id) if test else [],
        "lines": await _lines(request, tx, campaign) if test else {},
        "others": [(number, ab_variants.LETTERS[number - 1]) for number in OTHERS],
        "person": access.person(request),
        "seeds": len(await seeds.usable(tx)),
    }
    return response.page(request, "sending/campaigns/ab_test.html", context, status=status)


async def _lines(request: web.Request, tx: AccountTx, campaign: Campaign) -> dict[int, InboxLine]:
    """How each variant stands in a mailbox."""
    lines = {}
    for one in await ab_variants.versions(tx, campaign.id):
        what = preview.Subject(kind=preview.Kind.CAMPAIGN, id=campaign.id, variant=one.number)
        shown = await preview.show(tx, services(request), what)
        lines[one.number] = inbox_line.of(shown, subject=one.subject, preheader=one.preheader, sample=True)
    return lines


async def save(request: web.Request) -> web.Response:
    campaign_id = id_in_path(request)
    try:
        given = await read(request, AbForm)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await ab_tests.put(tx, campaign_id, await _setting(tx, campaign_id, given))
    except Invalid as error:
        form = await forms.again(request, Invalid(*map(_at_its_field, error.faults)))
        async with access.account_tx(request) as tx:
            campaign = await campaigns.show(tx, campaign_id)
            if campaign.status != "draft":
                return pages_steps.away(request, campaign)
            return await _setting_page(request, tx, campaign, form, status=error.status)
    await access.flash(request, N_("The A/B test is saved. It begins when the campaign leaves."))
    return response.redirect(request.path)


async def _setting(tx: AccountTx, campaign_id: int, given: AbForm) -> Setting:
    if given.about == "content":
        variants = await _contents(tx, campaign_id, given.contents)
    else:
        pairs = [
            (getattr(given, f"subject_{number}"), getattr(given, f"preheader_{number}")) for number in OTHERS
        ]
        while len(pairs) > 1 and not any(pairs[-1]):
            pairs.pop()
        variants = [Variant(subject=subject, preheader=preheader) for subject, preheader in pairs]
    names = ("about", "share", "winner_by", "hours", "early", "unclear", "version")
    return Setting(variants=variants, **{name: getattr(given, name) for name in names})


async def _contents(tx: AccountTx, campaign_id: int, many: int) -> list[Variant]:
    """What was written for a variant stays; a new one begins as a copy of A."""
    test = await ab_tests.of(tx, campaign_id)
    found = await ab_variants.versions(tx, campaign_id) if test and test.about == "content" else []
    kinds: dict[str, Literal["letter", "mjml"]] = {"letter": "letter", "mjml": "mjml"}
    kept = [Variant(content_kind=kinds.get(one.content_kind), source=one.source) for one in found[1:many]]
    return [*kept, *(Variant() for _ in range(many - 1 - len(kept)))]


def _at_its_field(one: Fault) -> Fault:
    """variants.0.subject → subject_2."""
    place, _, rest = one.field.partition(".")
    number, _, part = rest.partition(".")
    return replace(one, field=f"{part}_{int(number) + 2}") if place == "variants" and part else one


async def remove(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        campaign = await ab_tests.drop(tx, id_in_path(request))
    await access.flash(request, N_("The campaign compares nothing any more: everybody gets variant A."))
    return response.redirect(f"{pages_steps.base(request, campaign)}/setup")


async def decide(request: web.Request) -> web.Response:
    place = request.path.removesuffix("/decisions")
    given = await read(request, Decision)
    try:
        async with access.sender_tx(request) as tx:
            await ab_runs.decide(tx, id_in_path(request), given.variant)
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
        return response.redirect(place)
    letter = ab_variants.LETTERS[given.variant - 1]
    await access.flash(request, N_("Variant {letter} goes to everybody who waits."), letter=letter)
    return response.redirect(place)


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/campaigns/{id:\d+}/ab-test", show),
    web.post(r"/{a}/campaigns/{id:\d+}/ab-test", save),
    web.post(r"/{a}/campaigns/{id:\d+}/ab-test/removals", remove),
    web.post(r"/{a}/campaigns/{id:\d+}/ab-test/decisions", decide),
]
