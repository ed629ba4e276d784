"""JSON for programs: the checks of a campaign, its test sends, and the account's test addresses."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from mailer.accounts import access
from mailer.core.errors import NotFound
from mailer.core.links import Links
from mailer.core.paging import Page
from mailer.web import i18n
from mailer.web.openapi import operation, page_of
from mailer.web.request import Input, id_in_path, read, services
from mailer.web.response import json
from sending import campaign_checks, campaigns, seeds, test_sends
from sending.campaign_checks import Group
from sending.seeds import NewSeed, Seed
from sending.test_sends import TestSend


class TestInput(Input):
    """`to`: "me" (who made the key), "seeds" (every confirmed test address), or addresses.

    `contact_id`: as this contact would get it; left out, as somebody made up. `variant`: of an A/B test.
    """

    to: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=320)]],
        Field(min_length=1, max_length=50),
    ]
    contact_id: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    variant: Annotated[int, Field(ge=1, le=4)] = 1


class SeedConfirmation(Input):
    """`token`: the last part of the link in the confirmation mail. Without it the mail is sent again."""

    token: Annotated[str, StringConstraints(max_length=2400)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """`message` is in the language of the request; branch on `code`. `page`: where it is mended."""

    group: Group
    code: str
    message: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksView:
    """`blocked`: a send would be refused. `audience`: how many would get it now."""

    blocked: bool
    audience: int
    checks: list[CheckView]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestView:
    """`state` is waiting, sent or failed; `reply` what the server answered."""

    id: int
    recipient: str
    contact_id: int | None
    variant: int
    state: str
    reply: str
    created_at: datetime
    finished_at: datetime | None


def _links(request: web.Request) -> Links:
    held = services(request)
    return Links(held.tokens, held.settings.track_url)


def _view(test: TestSend) -> TestView:
    return TestView(**{name: getattr(test, name) for name in TestView.__dataclass_fields__})


@operation("Check a campaign before it is sent", returns=ChecksView, scope="campaigns:read")
async def checks(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        report = await campaign_checks.run(tx, services(request), id_in_path(request))
        home = f"/app/{tx.account_id}"
    base = f"{home}/campaigns/{report.campaign.id}"
    shown = [
        CheckView(
            group=one.group,
            code=one.code,
            message=i18n.translate(one.message, **one.params),
            page=f"{home if '/' in one.step else base}/{one.step}",
        )
        for one in report.checks
    ]
    return json(ChecksView(blocked=report.blocked, audience=report.counts.result, checks=shown))


@operation(
    "Send tests of a campaign, to people of the team and confirmed test addresses only",
    body=TestInput,
    returns=page_of(TestView),
    status=202,
    scope="campaigns:write",
    errors=(429,),
)
async def create_tests(request: web.Request) -> web.Response:
    given = await read(request, TestInput)
    async with access.api_tx(request) as tx:
        made = await test_sends.ask_all(
            tx, id_in_path(request), given.to, contact_id=given.contact_id, variant=given.variant
        )
        return json(Page([_view(one) for one in made]), status=202)


@operation("List the newest tests of a campaign", returns=page_of(TestView), scope="campaigns:read")
async def list_tests(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        return json(Page([_view(one) for one in await test_sends.recent(tx, campaign.id)]))


@operation("List test addresses", returns=page_of(Seed), scope="senders:read")
async def list_seeds(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(Page(await seeds.many(tx)))


@operation(
    "Add a test address; its owner gets a confirmation mail",
    body=NewSeed,
    returns=Seed,
    status=201,
    scope="senders:write",
    errors=(409, 429),
)
async def create_seed(request: web.Request) -> web.Response:
    new = await read(request, NewSeed)
    async with access.api_tx(request) as tx:
        return json(await seeds.add(tx, new, _links(request)), status=201)


@operation("Take a test address off", status=204, scope="senders:write", errors=(409,))
async def delete_seed(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await seeds.remove(tx, id_in_path(request))
    return web.Response(status=204)


@operation(
    "Confirm a test address with the token of its mail, or have the mail sent again",
    body=SeedConfirmation,
    returns=Seed,
    scope="senders:write",
    errors=(409, 429),
)
async def confirm_seed(request: web.Request) -> web.Response:
    given = await read(request, SeedConfirmation)
    seed_id = id_in_path(request)
    async with access.api_tx(request) as tx:
        if given.token is None:
            return json(await seeds.ask_again(tx, seed_id, _links(request)))
        account_id, named_id, asked = seeds.read_token(_links(request), given.token)
        if (account_id, named_id) != (tx.account_id, seed_id):
            raise NotFound
        return json(await seeds.confirm(tx, seed_id, asked=asked))


ROUTES: list[web.RouteDef] = [
    web.get("/campaigns/{id}/checks", checks),
    web.get("/campaigns/{id}/tests", list_tests),
    web.post("/campaigns/{id}/tests", create_tests),
    web.get("/test-addresses", list_seeds),
    web.post("/test-addresses", create_seed),
    web.delete("/test-addresses/{id}", delete_seed),
    web.post("/test-addresses/{id}/confirmations", confirm_seed),
]
