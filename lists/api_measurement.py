"""JSON for programs: answers about measurement that were given elsewhere, with their proof (B-36, B-37)."""

from collections import Counter
from dataclasses import dataclass

from aiohttp import web

from lists import measurement_answers
from lists.measurement_answers import NewAnswers, Result
from mailer.accounts import access
from mailer.web.openapi import operation
from mailer.web.request import read
from mailer.web.response import json

MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersShown:
    """`results` stand in the order of the rows; the counts add up to them."""

    recorded: int
    unchanged: int
    refused: int
    unknown: int
    restricted: int
    results: list[Result]


@operation(
    "Take over up to 10,000 answers about measurement, with what proves each yes",
    body=NewAnswers,
    returns=AnswersShown,
    scope="contacts:write",
    max_bytes=MAX_BYTES,
)
async def create(request: web.Request) -> web.Response:
    new = await read(request, NewAnswers)
    async with access.api_tx(request) as tx:
        results = await measurement_answers.apply(tx, new)
    counted = Counter(one.result for one in results)
    return json(
        AnswersShown(
            recorded=counted["recorded"],
            unchanged=counted["unchanged"],
            refused=counted["refused"],
            unknown=counted["unknown"],
            restricted=counted["restricted"],
            results=results,
        )
    )


ROUTES: list[web.RouteDef] = [web.post("/measurement-answers", create)]
