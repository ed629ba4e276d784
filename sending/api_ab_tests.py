"""JSON for programs: the A/B test of a campaign, its figures, and the decision."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound
from mailer.core.text import N_
from mailer.web.openapi import operation
from mailer.web.request import Input, id_in_path, read
from mailer.web.response import json
from sending import ab_results, ab_runs, ab_tests, campaigns, sources
from sending.ab_results import Row
from sending.ab_tests import About, Setting, Unclear, Variant, WinnerBy
from sending.ab_verdict import Finding
from sending.api_campaigns import Mjml, Version
from sending.campaigns import Campaign, Line
from sending.letter import Letter
from sending.problems import blocking
from sending.sources import Source


class VariantInput(Input):
    """B, C or D. In a test of subjects: `subject`, `preheader`. In one of contents: `mjml` or `letter`;
    without either it begins as a copy of A."""

    subject: Line | None = None
    preheader: Line | None = None
    mjml: Mjml | None = None
    letter: Letter | None = None


class AbTestInput(Input):
    """`variants`: those beside A, which is the campaign itself. `share`: percent of the audience that gets
    them; at 100 nobody waits. `hours`: from when the last mail of the test was tried. `early`: sooner when
    the result is beyond doubt. `unclear`: when nothing is shown, `first` sends A to the others, `ask` waits
    for a decision. `version`: refuses with 409 when somebody changed the campaign since it was read."""

    about: About = "subject"
    variants: Annotated[list[VariantInput], Field(min_length=1, max_length=3)]
    share: Annotated[int, Field(ge=5, le=100)] = 20
    winner_by: WinnerBy = "clicks"
    hours: Annotated[int, Field(ge=1, le=120)] = 4
    early: bool = False
    unclear: Unclear = "first"
    version: Version | None = None


class DecisionInput(Input):
    """`variant`: 1 is A, the campaign itself."""

    variant: Annotated[int, Field(ge=1, le=4)]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantView:
    """`clicked` of `clicks_base`: people who clicked, of the mails delivered to those who accept that clicks
    are measured; machines are left out. Only people drawn for the test are in these figures."""

    number: int
    subject: str
    preheader: str
    drawn: int
    waiting: int
    delivered: int
    opens_base: int
    opened: int
    clicks_base: int
    clicked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AbTestView:
    """`finding`: clear (`leader` does better), close (chance explains the difference: it makes one like it
    with the probability `chance`), few, or unmeasured. `held`: people who wait for the decision."""

    about: str
    share: int
    winner_by: str
    hours: int
    early: bool
    unclear: str
    state: str
    ends_at: datetime | None
    winner: int | None
    decided_at: datetime | None
    decided_by: str | None
    finding: Finding
    leader: int
    chance: float | None
    held: int
    variants: list[VariantView]


async def _view(tx: AccountTx, campaign_id: int) -> AbTestView:
    """Raises NotFound."""
    found = await ab_results.of(tx, campaign_id)
    if found is None:
        raise NotFound
    names = AbTestView.__dataclass_fields__.keys() & found.test.__dataclass_fields__.keys()
    return AbTestView(
        **{name: getattr(found.test, name) for name in names},
        finding=found.verdict.finding,
        leader=found.verdict.leader,
        chance=found.verdict.chance,
        held=found.held,
        variants=[_variant(row) for row in found.rows],
    )


def _variant(row: Row) -> VariantView:
    figures = {name: getattr(row.figures, name) for name in row.figures.__dataclass_fields__}
    return VariantView(subject=row.version.subject, preheader=row.version.preheader, **figures)


async def _given(tx: AccountTx, campaign: Campaign, given: AbTestInput) -> Setting:
    """Raises Invalid with the lines of a content at fault."""
    fields = await sources.field_keys(tx)
    variants = [
        _source(f"variants.{n}", one, campaign.language, fields) for n, one in enumerate(given.variants)
    ]
    names = ("about", "share", "winner_by", "hours", "early", "unclear", "version")
    return Setting(variants=variants, **{name: getattr(given, name) for name in names})


def _source(place: str, one: VariantInput, language: str, fields: frozenset[str]) -> Variant:
    if one.mjml is not None and one.letter is not None:
        raise Invalid(Fault(f"{place}.letter", N_("Give mjml or letter, not both."), "both"))
    if one.mjml is None and one.letter is None:
        return Variant(subject=one.subject, preheader=one.preheader)
    if one.mjml is not None:
        made, name = Variant(content_kind="mjml", source=one.mjml), "mjml"
    else:
        assert one.letter is not None
        text = orjson.dumps(one.letter.model_dump(exclude={"language"})).decode()
        made, name = Variant(content_kind="letter", source=text), "letter"
    found = sources.check_source(Source(name, made.source or "", language), fields=fields)
    if blocking(found):
        raise Invalid(
            *(
                Fault(
                    f"{place}.{name}",
                    problem.message,
                    problem.code,
                    problem.params,
                    problem.line or None,
                    problem.column,
                )
                for problem in found
            )
        )
    return made


@operation("Show the A/B test of a campaign", returns=AbTestView, scope="campaigns:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(await _view(tx, id_in_path(request)))


@operation(
    "Set the A/B test of a draft",
    body=AbTestInput,
    returns=AbTestView,
    scope="campaigns:write",
    errors=(409,),
)
async def put(request: web.Request) -> web.Response:
    given = await read(request, AbTestInput)
    async with access.api_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        await ab_tests.put(tx, campaign.id, await _given(tx, campaign, given))
        return json(await _view(tx, campaign.id))


@operation("Compare nothing any more in a draft", status=204, scope="campaigns:write", errors=(409,))
async def delete(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await ab_tests.drop(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "Choose the variant that everybody who waits gets",
    body=DecisionInput,
    returns=AbTestView,
    scope="campaigns:send",
    errors=(409,),
)
async def decide(request: web.Request) -> web.Response:
    given = await read(request, DecisionInput)
    async with access.api_tx(request) as tx:
        await ab_runs.decide(tx, id_in_path(request), given.variant)
        return json(await _view(tx, id_in_path(request)))


ROUTES: list[web.RouteDef] = [
    web.get("/campaigns/{id}/ab-test", show),
    web.put("/campaigns/{id}/ab-test", put),
    web.delete("/campaigns/{id}/ab-test", delete),
    web.post("/campaigns/{id}/ab-test/decisions", decide),
]
