"""What the linter says of a draft: for the code editor and the visual one as JSON, for its page as a list.

    GET  …/lint   of what is stored          POST …/lint   of the text that is sent along; stores nothing

Both answer {"findings": […], "summary": "…", "data_of": "…"}. `problems` is the same for the code editor.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.core.db import AccountTx
from mailer.core.errors import fault
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.request import Input, id_in_path, query, services
from sending import ab_tests, campaigns, designs, lint, lint_audience, mail_programs, merge, sources
from sending.finding import Finding, Kind
from sending.lint import Report
from sending.sources import Source

_PLACE = re.compile(r"^(?:Line|Ligne|Block|Bloc)\s[\d\s.,]+:\s+")
# two hostile sources at a time may keep one processor busy, not all
_AT_ONCE = asyncio.Semaphore(2)


class Of(Input):
    """`variant`: of an A/B test."""

    variant: Annotated[int, Field(ge=1, le=4)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """`line` 0: the whole message; of a letter, its block. `message`, `fix`: in the reader's language."""

    line: int
    column: int
    kind: Kind
    code: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LintView:
    """`data_of`: the day of what is known about mail programs."""

    findings: list[FindingView]
    errors: int
    warnings: int
    advice: int
    summary: str
    data_of: str


async def report(
    request: web.Request, tx: AccountTx, source: Source, *, campaign_id: int | None = None
) -> Report:
    """Everything, with the audience of a campaign."""
    found = await _examined(request, source, await sources.field_keys(tx))
    return await lint_audience.complete(tx, services(request), found, campaign_id=campaign_id)


async def apart(request: web.Request, source: Source, *, campaign_id: int | None = None) -> Report:
    """The same for whoever asks at each pause of typing: no transaction is open while the source is read."""
    async with access.account_tx(request) as tx:
        known = await sources.field_keys(tx)
    found = await _examined(request, source, known)
    async with access.account_tx(request) as tx:
        return await lint_audience.complete(tx, services(request), found, campaign_id=campaign_id)


async def _examined(request: web.Request, source: Source, known: frozenset[str]) -> Report:
    """The work runs beside the loop."""
    settings = services(request).settings
    async with _AT_ONCE:
        return await asyncio.to_thread(lint.check, source, settings=settings, known=known)


def view(found: Report) -> LintView:
    kinds = [one.kind for one in found.findings]
    counts = {kind: kinds.count(kind) for kind in Kind}
    known = mail_programs.known().as_of
    return LintView(
        findings=[_told(one) for one in found.findings],
        errors=counts[Kind.ERROR],
        warnings=counts[Kind.WARNING],
        advice=counts[Kind.ADVICE],
        summary=_summary(counts),
        data_of=i18n.day(known) if known else "",
    )


def _told(one: Finding) -> FindingView:
    # sentences of the structure begin with their line or block: the place is told once
    words = _PLACE.sub("", i18n.translate(one.message, **one.params))
    return FindingView(
        line=one.line,
        column=one.column or 1,
        kind=one.kind,
        code=one.code,
        message=words[:1].upper() + words[1:],
        fix=i18n.translate(one.fix, **one.params) if one.fix else "",
    )


def _summary(counts: dict[Kind, int]) -> str:
    to_fix = counts[Kind.ERROR] + counts[Kind.WARNING]
    told = []
    if to_fix:
        told.append(i18n.ntranslate("{n} thing to fix", "{n} things to fix", to_fix))
    if counts[Kind.ADVICE]:
        told.append(i18n.ntranslate("{n} piece of advice", "{n} pieces of advice", counts[Kind.ADVICE]))
    return ", ".join(told) if told else i18n.translate(N_("Nothing to fix."))


def diagnostics(found: Report) -> dict[str, object]:
    """For the code editor: place, weight and sentence of each, and their number in words."""
    told = view(found)
    return {
        "problems": [
            {
                "line": one.line or 1,
                "column": one.column,
                "severity": "info" if one.kind is Kind.ADVICE else str(one.kind),
                "message": one.message,
                "fix": one.fix,
                "place": place(one) + i18n.translate(N_(": {reason}"), reason="").rstrip(" "),
            }
            for one in told.findings
        ],
        "summary": told.summary,
    }


def place(one: FindingView) -> str:
    if not one.line:
        return i18n.translate(N_("Whole message"))
    return i18n.translate(N_("Line {n}"), n=one.line)


async def sent_source(request: web.Request, kind: str, language: str) -> Source:
    """The `source` of a form or of JSON. Raises Invalid: none, or too long."""
    if request.content_type == "application/json":
        body = await request.json() if request.can_read_body else {}
        text = body.get("source") if isinstance(body, dict) else None
        kind = str(body.get("kind", kind)) if isinstance(body, dict) else kind
    else:
        text = (await request.post()).get("source")
    if not isinstance(text, str):
        raise fault("source", N_("Send the source to look at."), code="missing")
    if len(text) > merge.MAX_SOURCE:
        message = N_("The source holds {size} characters; {limit} at most. Shorten it.")
        raise fault("source", message, code="source_too_long", size=len(text), limit=merge.MAX_SOURCE)
    return Source("mjml" if kind not in ("mjml", "letter") else kind, text.replace("\r\n", "\n"), language)


async def of_campaign(request: web.Request) -> web.Response:
    """Of the stored content, or with POST of the text that is sent along."""
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        number = query(request, Of).variant
        if number > 1:
            campaign = await ab_tests.variant(tx, campaign, number)
    source = campaign.content
    if request.method == "POST":
        source = await sent_source(request, "mjml", campaign.language)
    return response.json(view(await apart(request, source, campaign_id=campaign.id)))


async def of_design(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        design = await designs.show(tx, id_in_path(request))
    language = access.member(request).language
    source = design.content(language)
    if request.method == "POST":
        source = await sent_source(request, "mjml", language)
    return response.json(view(await apart(request, source)))


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/campaigns/{id:\d+}/lint", of_campaign),
    web.post(r"/{a}/campaigns/{id:\d+}/lint", of_campaign),
    web.get(r"/{a}/designs/{id:\d+}/lint", of_design),
    web.post(r"/{a}/designs/{id:\d+}/lint", of_design),
]
