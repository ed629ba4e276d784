"""/t/rights/confirm and /t/rights/file: what the links of our mails about people's data lead to.

A look changes nothing (D-44): scanners of mailboxes follow links. A press confirms, or fetches the file.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from lists import (
    person_file,
    rights_acts,
    rights_asks,
    rights_requests,
    rights_settings,
    rights_words,
)
from lists.public_forms import framed
from lists.public_visit import back, form_of, here, links
from lists.rights_acts import Desk, Given
from lists.rights_asks import Ask
from lists.rights_requests import Request
from lists.rights_words import Right
from mailer.accounts import answering, identity
from mailer.accounts.identity import Identity
from mailer.core import clock
from mailer.core.actor import RECIPIENT
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid, NotFound
from mailer.core.rate import Limit
from mailer.core.tokens import Purpose
from mailer.web import i18n, response
from mailer.web.forms import Form
from mailer.web.request import check, rates, services

PRESSES = Limit("rights-confirmation", 30, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """`ask` None: its time is over. `request`: once it is confirmed."""

    tx: AccountTx
    controller: Identity
    ask: Ask | None = None
    request: Request | None = None

    @property
    def sender(self) -> str:
        return self.controller.legal_name or self.controller.account_name


def desk(request: web.Request) -> Desk:
    held = services(request)
    return Desk(held.sealer, links(request), held.settings.public_url)


def _numbers(request: web.Request, purpose: Purpose) -> tuple[int, int]:
    """Account and row. Raises NotFound for a damaged or foreign link, or one that is long over."""
    now = int(clock.now().timestamp())
    found = services(request).tokens.read_timed(purpose, request.match_info["token"], now=now)
    if len(found) != 2:
        raise NotFound
    return found[0], found[1]


def speak(request: web.Request, language: str | None) -> None:
    accept = request.headers.get("Accept-Language", "")
    i18n.use_language(i18n.best_language(request.query.get("lang"), language, accept=accept))


@asynccontextmanager
async def _visit(request: web.Request) -> AsyncIterator[_Visit]:
    account_id, ask_id = _numbers(request, Purpose.RIGHTS_CONFIRM)
    held = services(request)
    async with held.db.account(account_id, actor=RECIPIENT) as tx:
        ask = await rights_asks.waiting(tx, ask_id, clock.now())
        done = None
        if ask is not None and ask.request_id is not None:
            done = await rights_requests.show(tx, held.sealer, ask.request_id)
        speak(request, ask.language if ask else None)
        yield _Visit(tx=tx, controller=await identity.of(tx), ask=ask, request=done)


async def _shown(request: web.Request, found: _Visit, form: Form, *, status: int = 200) -> web.Response:
    answerer = await answering.by_operator(found.tx)
    more: dict[str, object] = {
        "sender": found.sender,
        "answerer": answerer,
        "form": form,
        "action": here(request),
    }
    if found.ask is None:
        template, status = "rights_over.html", 410
    elif found.request is not None:
        template = "rights_end.html"
        done = found.request
        more |= {"done": done, "words": rights_words.DONE[done.right], "zone": found.controller.time_zone}
    else:
        template, kind = "rights_confirm.html", Right(found.ask.kind)
        more |= {
            "kind": kind.value,
            "question": rights_words.QUESTIONS[kind],
            "effect": rights_words.EFFECTS[kind],
            "button": rights_words.BUTTONS[kind],
            "at_once": kind in await rights_settings.at_once(found.tx),
            "grounds": rights_words.GROUNDS,
        }
    answer = response.page(
        request, f"lists/recipients/{template}", framed(request, found.controller, more), status=status
    )
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


async def page(request: web.Request) -> web.Response:
    async with _visit(request) as found:
        return await _shown(request, found, Form())


async def act(request: web.Request) -> web.Response:
    posted = {name: values[0] for name, values in (await form_of(request)).items()}
    known = {name: text for name, text in posted.items() if name in Given.model_fields}
    try:
        async with _visit(request) as found:
            if found.ask is None:
                return await _shown(request, found, Form())
            await rates(request).take(PRESSES, f"{found.tx.account_id}:{found.ask.id}")
            given = check(Given, known)
            await rights_acts.confirm(found.tx, desk(request), found.ask, given, now=clock.now())
    except Invalid as error:
        # outside: whatever was begun is undone
        async with _visit(request) as found:
            return await _shown(request, found, Form(dict(known), error.faults), status=error.status)
    return back(request)


async def file_page(request: web.Request) -> web.Response:
    account_id, request_id = _numbers(request, Purpose.RIGHTS_FILE)
    held = services(request)
    async with held.db.account(account_id, actor=RECIPIENT) as tx:
        asked = await person_file.fetchable(tx, held.sealer, request_id, now=clock.now())
        speak(request, asked.language if asked else None)
        controller = await identity.of(tx)
    more = {
        "sender": controller.legal_name or controller.account_name,
        "asked": asked,
        "action": here(request),
    }
    context = framed(request, controller, more)
    answer = response.page(
        request, "lists/recipients/rights_file.html", context, status=200 if asked else 410
    )
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


async def fetch(request: web.Request) -> web.Response:
    account_id, request_id = _numbers(request, Purpose.RIGHTS_FILE)
    wanted = (await form_of(request)).get("as", ["json"])[0]
    await rates(request).take(PRESSES, f"file:{account_id}:{request_id}")
    held = services(request)
    async with held.db.account(account_id, actor=RECIPIENT) as tx:
        now = clock.now()
        asked = await person_file.fetchable(tx, held.sealer, request_id, now=now)
        if asked is None or asked.contact_id is None:
            return back(request)
        speak(request, asked.language)
        found = await person_file.gather(tx, asked.contact_id, held.settings.operator, now=now)
        await person_file.note_fetched(tx, request_id, now)
        controller = await identity.of(tx)
    if wanted == "html":
        page = person_file.readable(found, controller)
        return _attachment(page.encode(), "text/html", "html")
    if wanted == "csv":
        return _attachment(person_file.table(found), "text/csv", "csv")
    return _attachment(person_file.machine_readable(found), "application/json", "json")


def _attachment(data: bytes, media_type: str, ending: str) -> web.Response:
    name = i18n.translate("my-data")
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{ending}"',
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex, nofollow",
    }
    return web.Response(body=data, content_type=media_type, charset="utf-8", headers=headers)


ROUTES: list[web.RouteDef] = [
    web.get("/rights/confirm/{token}", page),
    web.post("/rights/confirm/{token}", act),
    web.get("/rights/file/{token}", file_page),
    web.post("/rights/file/{token}", fetch),
]
