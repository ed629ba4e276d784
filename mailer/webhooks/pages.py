"""Pages of webhooks, for managers and owners. Whoever changes one has just given the password (E-30)."""

from datetime import timedelta
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.errors import Invalid, TooMany
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.outgoing import Outcome, wall_of
from mailer.web.request import Input, id_in_path, query, rates, read, services
from mailer.webhooks import attempts, endpoints, words
from mailer.webhooks.attempts import Attempt, Replay
from mailer.webhooks.catalogue import KINDS
from mailer.webhooks.endpoints import Endpoint, EndpointChanges, NewEndpoint

SPANS = {
    1: N_("the last hour"),
    6: N_("the last 6 hours"),
    24: N_("the last 24 hours"),
    72: N_("the last 3 days"),
    144: N_("the last 6 days"),
}


class LogQuery(Input):
    cursor: Annotated[str, Field(max_length=1000)] = ""


class AskedReplay(Input):
    """`hours`: how far back, on the page; `message_id`: one only."""

    hours: int | None = Field(default=None, ge=1, le=144)
    message_id: str | None = Field(default=None, max_length=100)
    only: Literal["undelivered", "all"] = "undelivered"


def _home(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}/integrations/webhooks"


def _options() -> list[tuple[str, str, str]]:
    return [(name, i18n.translate(kind.words), name) for name, kind in KINDS.items()]


async def index(request: web.Request) -> web.StreamResponse:
    async with access.account_tx(request, Role.MANAGER) as tx:
        found = await endpoints.many(tx)
    rows = [(one, words.state(one)) for one in found]
    context = {"rows": rows, "full": len(found) >= endpoints.MOST, "most": endpoints.MOST}
    return response.page(request, "webhooks/index.html", context)


async def new(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER):
        pass
    return response.page(request, "webhooks/new.html", {"form": Form(), "options": _options()})


async def create(request: web.Request) -> web.StreamResponse:
    """Answers with the page that shows the secret, this once."""
    access.need_fresh_password(request)
    held = services(request)
    try:
        given = await read(request, NewEndpoint)
        async with access.account_tx(request, Role.MANAGER) as tx:
            made, secret = await endpoints.create(tx, held.sealer, wall_of(held.settings), given)
    except Invalid as error:
        context = {"form": await forms.again(request, error, many=["events"]), "options": _options()}
        return response.page(request, "webhooks/new.html", context, status=error.status)
    return _secret(request, made, secret)


def _secret(request: web.Request, endpoint: Endpoint, secret: str) -> web.Response:
    context = {"endpoint": endpoint, "secret": secret, "rotated": endpoint.old_secret_until is not None}
    return response.page(request, "webhooks/secret.html", context)


async def show(request: web.Request) -> web.StreamResponse:
    asked = query(request, LogQuery)
    async with access.account_tx(request, Role.MANAGER) as tx:
        endpoint = await endpoints.show(tx, id_in_path(request))
        found = await attempts.many(tx, endpoint.id, cursor=asked.cursor, limit=25)
        backlog = await attempts.backlog(tx, endpoint.id)
    context = {
        "endpoint": endpoint,
        "state": words.state(endpoint),
        "why": words.DISABLED.get(endpoint.disabled_reason, ""),
        "rows": [_row(one) for one in found.items],
        "next_cursor": found.next_cursor,
        "asked": asked,
        "backlog": backlog,
        "rotating": endpoint.old_secret_until is not None and endpoint.old_secret_until > clock.now(),
        "kinds": [(name, KINDS[name].words) for name in endpoint.events if name in KINDS],
        "form": Form({"hours": 24, "only": "undelivered"}),
        "spans": [(hours, i18n.translate(text)) for hours, text in SPANS.items()],
    }
    return response.page(request, "webhooks/show.html", context)


def _row(one: Attempt) -> tuple[Attempt, str, str, str, str]:
    """With the words of event, mark, outcome and state."""
    mark, outcome = words.OUTCOMES[Outcome(one.outcome)]
    return one, words.event(one.type), mark, outcome, words.STATES[one.state]


async def ask_change(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        endpoint = await endpoints.show(tx, id_in_path(request))
    form = forms.filled(endpoint, ("url", "name", "events"))
    context = {"endpoint": endpoint, "form": form, "options": _options()}
    return response.page(request, "webhooks/change.html", context)


async def change(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    wall = wall_of(services(request).settings)
    async with access.account_tx(request, Role.MANAGER) as tx:
        before = await endpoints.show(tx, id_in_path(request))
    try:
        given = await read(request, NewEndpoint)
        changes = EndpointChanges(url=given.url, name=given.name, events=given.events)
        async with access.account_tx(request, Role.MANAGER) as tx:
            await endpoints.change(tx, wall, before.id, changes)
    except Invalid as error:
        form = await forms.again(request, error, many=["events"])
        context = {"endpoint": before, "form": form, "options": _options()}
        return response.page(request, "webhooks/change.html", context, status=error.status)
    await access.flash(request, N_("Saved."))
    return response.redirect(f"{_home(request)}/{before.id}")


class Turned(Input):
    status: Literal["on", "off"]


async def turn(request: web.Request) -> web.StreamResponse:
    """On or off."""
    access.need_fresh_password(request)
    wanted = await read(request, Turned)
    wall = wall_of(services(request).settings)
    async with access.account_tx(request, Role.MANAGER) as tx:
        endpoint = await endpoints.change(
            tx, wall, id_in_path(request), EndpointChanges(status=wanted.status)
        )
    if endpoint.status == "on":
        await access.flash(
            request, N_("Turned on. What it missed can be sent again with the form on this page.")
        )
    else:
        await access.flash(request, N_("Turned off. What happens from now on is not kept for it."))
    return response.redirect(f"{_home(request)}/{endpoint.id}")


async def test(request: web.Request) -> web.StreamResponse:
    endpoint_id = id_in_path(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        try:
            await rates(request).take(attempts.TESTS, str(tx.account_id))
        except TooMany as error:
            await access.flash(request, error.message, kind="warning", **error.params)
            return response.redirect(f"{_home(request)}/{endpoint_id}")
        await attempts.test(tx, endpoint_id)
    await access.flash(request, N_("The test event is on its way: refresh this page in a moment."))
    return response.redirect(f"{_home(request)}/{endpoint_id}")


async def replay(request: web.Request) -> web.StreamResponse:
    endpoint_id = id_in_path(request)
    try:
        given = await read(request, AskedReplay)
        since = None if given.message_id else clock.now() - timedelta(hours=given.hours or 24)
        wanted = Replay(message_id=given.message_id, since=since, only=given.only)
        async with access.account_tx(request, Role.MANAGER) as tx:
            done = await attempts.replay(tx, endpoint_id, wanted)
    except Invalid as error:
        fault = error.faults[0]
        await access.flash(request, fault.message, kind="warning", **fault.params)
        return response.redirect(f"{_home(request)}/{endpoint_id}")
    await access.flash(request, N_("Events that are sent again: {n}."), n=done.count)
    return response.redirect(f"{_home(request)}/{endpoint_id}")


async def ask_secret(request: web.Request) -> web.StreamResponse:
    async with access.account_tx(request, Role.MANAGER) as tx:
        endpoint = await endpoints.show(tx, id_in_path(request))
    return response.page(request, "webhooks/rotate.html", {"endpoint": endpoint, "form": Form()})


async def rotate(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        secret = await endpoints.rotate(tx, services(request).sealer, id_in_path(request))
        endpoint = await endpoints.show(tx, id_in_path(request))
    return _secret(request, endpoint, secret)


async def show_attempt(request: web.Request) -> web.StreamResponse:
    async with access.account_tx(request, Role.MANAGER) as tx:
        endpoint = await endpoints.show(tx, id_in_path(request))
        attempt, body = await attempts.show(tx, endpoint.id, id_in_path(request, "attempt"))
    _, event, mark, outcome, state = _row(attempt)
    context = {
        "endpoint": endpoint,
        "attempt": attempt,
        "body": body,
        "event": event,
        "mark": mark,
        "outcome": outcome,
        "state": state,
    }
    return response.page(request, "webhooks/attempt.html", context)


async def ask_delete(request: web.Request) -> web.StreamResponse:
    async with access.account_tx(request, Role.MANAGER) as tx:
        endpoint = await endpoints.show(tx, id_in_path(request))
    return response.page(request, "webhooks/delete.html", {"endpoint": endpoint, "form": Form()})


async def delete(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        await endpoints.delete(tx, id_in_path(request))
    await access.flash(request, N_("The webhook is deleted, with its secret and its log."))
    return response.redirect(_home(request))


_HERE = r"/{a}/integrations/webhooks/{id:\d+}"
ROUTES: list[web.RouteDef] = [
    web.get("/{a}/integrations/webhooks", index),
    web.get("/{a}/integrations/webhooks/new", new),
    web.post("/{a}/integrations/webhooks", create),
    web.get(_HERE, show),
    web.get(_HERE + "/settings", ask_change),
    web.post(_HERE + "/settings", change),
    web.post(_HERE + "/states", turn),
    web.post(_HERE + "/tests", test),
    web.post(_HERE + "/replays", replay),
    web.get(_HERE + "/secrets", ask_secret),
    web.post(_HERE + "/secrets", rotate),
    web.get(_HERE + r"/attempts/{attempt:\d+}", show_attempt),
    web.get(_HERE + "/deletion", ask_delete),
    web.post(_HERE + "/deletion", delete),
]
