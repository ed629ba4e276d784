"""JSON for programs: what the linter says of a source, stored or not (F-11, F-12)."""

from dataclasses import replace
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.core.errors import fault
from mailer.core.text import N_
from mailer.web.openapi import operation
from mailer.web.request import Input, read
from mailer.web.response import json
from sending import campaigns, pages_lint
from sending.api_campaigns import Mjml
from sending.campaigns import Language
from sending.letter import Letter
from sending.pages_lint import LintView
from sending.sources import Source


class LintInput(Input):
    """`mjml` or `letter`; neither: what the campaign holds. With `campaign_id` its audience is looked at too,
    for people who have nothing in a field that is printed. `language` left out: the campaign's, else fr."""

    mjml: Mjml | None = None
    letter: Letter | None = None
    language: Language | None = None
    campaign_id: Annotated[int, Field(ge=1, lt=2**63)] | None = None


@operation(
    "Look at a source as the editors do while somebody writes; stores nothing",
    body=LintInput,
    returns=LintView,
    scope="campaigns:read",
)
async def lint(request: web.Request) -> web.Response:
    given = await read(request, LintInput)
    if given.mjml is not None and given.letter is not None:
        raise fault("letter", N_("Give mjml or letter, not both."), code="both")
    # it changes nothing, so that a closed account may ask as well
    async with access.api_tx(request, even_closed=True) as tx:
        source = _sent(given)
        if given.campaign_id is not None:
            campaign = await campaigns.show(tx, given.campaign_id)
            held = campaign.content
            source = replace(source, language=given.language or held.language) if source else held
        if source is None:
            raise fault("mjml", N_("Send the source to look at."), code="missing")
        found = await pages_lint.report(request, tx, source, campaign_id=given.campaign_id)
    return json(pages_lint.view(found))


def _sent(given: LintInput) -> Source | None:
    """What is sent along; None: what the campaign holds."""
    language = given.language or "fr"
    if given.mjml is not None:
        return Source("mjml", given.mjml.replace("\r\n", "\n"), language)
    if given.letter is None:
        return None
    text = orjson.dumps(given.letter.model_dump(exclude={"language"})).decode()
    return Source("letter", text, language)


ROUTES: list[web.RouteDef] = [web.post("/lint", lint)]
