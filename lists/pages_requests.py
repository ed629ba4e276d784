"""Requests about people's data: what is due when, one with its tools, one that came by post (A-023)."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from aiohttp import web

from lists import (
    restrictions,
    rights_records,
    rights_requests,
    rights_settings,
    rights_words,
)
from lists.pages_lists import home
from lists.pages_request_desk import account_place, desk_account_tx, index_place, is_operators, place
from lists.public_visit import links
from lists.rights_records import RecordedRequest
from lists.rights_requests import Request
from lists.rights_settings import Instruction
from lists.rights_words import Right
from mailer.accounts import access, identity
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read, services

STATES = (
    ("", N_("All requests")),
    ("open", N_("To answer")),
    ("done", N_("Done")),
    ("refused", N_("Refused, with reasons")),
)
INSTRUCTIONS = (
    (Right.CORRECT, N_("Correction"), N_("A new name takes the place of the old one; words are forwarded.")),
    (Right.ERASE, N_("Erasure"), N_("The contact is erased; a fingerprint of the address stays.")),
    (Right.RESTRICT, N_("Restriction"), N_("Nothing is sent or changed until your team lifts it.")),
    (Right.ACCESS, N_("A copy"), N_("A link to the file leaves by mail.")),
    (Right.PORTABILITY, N_("Reusable file"), N_("A link to the file leaves by mail.")),
)


class RequestQuery(Input):
    state: Literal["", "open", "done", "refused"] = ""
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """`kind` is that of a status mark (ui 3.3)."""

    kind: str
    words: str


class Due(Protocol):
    @property
    def state(self) -> str: ...

    def days_left(self, today: date, /) -> int: ...


def left(request: Due, today: date) -> Left:
    """The time that is left, in words."""
    days = request.days_left(today)
    if request.state != "open":
        return Left("off", "")
    if days < 0:
        return Left("bad", i18n.ntranslate("{n} day overdue", "{n} days overdue", -days))
    if days == 0:
        return Left("bad", i18n.translate("Today is the last day"))
    kind = "wait" if days <= 7 else "info"
    return Left(kind, i18n.ntranslate("{n} day left", "{n} days left", days))


async def handlers(tx: AccountTx, found: list[Request]) -> dict[int, str]:
    """Who of the team answered, by name."""
    return await identity.names(tx, [one.handled_by for one in found if one.handled_by is not None])


async def index(request: web.Request) -> web.Response:
    asked = query(request, RequestQuery)
    async with access.account_tx(request) as tx:
        sealer = services(request).sealer
        found = await rights_requests.many(tx, sealer, state=asked.state, cursor=asked.cursor or None)
        today = await rights_requests.local_day(tx, clock.now())
        people = await handlers(tx, list(found.items))
        account_id = tx.account_id
    said = dict(STATES)[asked.state] if asked.state else ""
    context = {
        "rows": [(one, left(one, today)) for one in found.items],
        "found": found,
        "asked": asked,
        "people": people,
        "form": forms.filled({"state": asked.state}),
        "states": [(value, i18n.translate(text)) for value, text in STATES],
        "said": i18n.translate("Shown: {parts}.", parts=i18n.translate(said)) if said else "",
        "public_form": links(request).rights_form(account_id),
        "editor": access.member(request).role >= Role.EDITOR,
        "words": rights_words,
    }
    return response.page(request, "lists/requests/index.html", context)


async def show(request: web.Request) -> web.Response:
    return await shown(request, None)


async def shown(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    """`form` None: the letter that is ready."""
    async with desk_account_tx(request, Role.ANALYST) as tx:
        found = await rights_requests.show(tx, services(request).sealer, id_in_path(request))
        today = await rights_requests.local_day(tx, clock.now())
        limited = []
        if found.contact_id is not None:
            limited = [
                one for one in await restrictions.of_contact(tx, found.contact_id) if not one.lifted_at
            ]
        people = await handlers(tx, [found])
    letter = rights_words.letter(found.right, found.language)
    context = {
        "found": found,
        "left": left(found, today),
        "may_extend": found.extended_at is None and today <= found.due_on,
        "limited": limited,
        "person": people.get(found.handled_by or 0, ""),
        "form": form or forms.filled({"answer": letter, "by": "mail" if found.email else "other"}),
        "ways": ways(found),
        "operators": is_operators(request),
        "editor": is_operators(request) or access.member(request).role >= Role.EDITOR,
        "place": place(request),
        "back": index_place(request),
        "contact": f"{account_place(request)}/contacts/{found.contact_id}",
        "contacts": f"{account_place(request)}/contacts",
        "words": rights_words,
    }
    return response.page(request, "lists/requests/show.html", context, status=status)


def ways(found: Request) -> list[tuple[str, str]]:
    """How an answer reaches the person."""
    other = ("other", i18n.translate("I have answered in another way: keep the text as proof"))
    if found.email is None:
        return [other]
    return [("mail", i18n.translate("By mail to {address}", address=found.email)), other]


async def new(request: web.Request) -> web.Response:
    return await _new(request, forms.filled({"channel": "post", "language": i18n.language()}))


async def _new(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR, even_closed=True):
        pass
    context = {
        "form": form,
        "kinds": [(kind.value, i18n.translate(text)) for kind, text in rights_words.KINDS.items()],
        "channels": [
            (name, i18n.translate(text)) for name, text in rights_words.CHANNELS.items() if name != "page"
        ],
        "languages": [("fr", "Français"), ("en", "English")],
    }
    return response.page(request, "lists/requests/new.html", context, status=status)


async def create(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, Typed)
        async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
            made = await rights_records.record(
                tx, services(request).sealer, wanted.recorded(), now=clock.now()
            )
    except Invalid as error:
        return await _new(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Request written down. Its last day is {day}."), day=i18n.day(made.due_on))
    return response.redirect(f"{home(request)}/privacy/requests/{made.id}")


class Typed(RecordedRequest):
    """As a form sends it: a day that is left open is empty."""

    received_on: date | Literal[""] | None = None  # type: ignore[assignment]  # "" is today

    def recorded(self) -> RecordedRequest:
        return RecordedRequest(**self.model_dump() | {"received_on": self.received_on or None})


async def instruction(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        chosen = await rights_settings.at_once(tx)
    form = forms.filled({"at_once": [one.value for one in chosen]})
    context = {
        "form": form,
        "options": [
            (kind.value, i18n.translate(name), i18n.translate(text)) for kind, name, text in INSTRUCTIONS
        ],
        "owner": access.member(request).role >= Role.OWNER,
    }
    return response.page(request, "lists/requests/instruction.html", context)


async def instruct(request: web.Request) -> web.Response:
    wanted = await read(request, Instruction)
    async with access.account_tx(request, Role.OWNER) as tx:
        await rights_settings.instruct(tx, wanted)
    await access.flash(
        request, N_("Instruction saved. It holds for requests that are confirmed from now on.")
    )
    return response.redirect(f"{home(request)}/privacy/requests")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/privacy/requests", index),
    web.post("/{a}/privacy/requests", create),
    web.get("/{a}/privacy/requests/new", new),
    web.get("/{a}/privacy/requests/instruction", instruction),
    web.post("/{a}/privacy/requests/instruction", instruct),
    web.get(r"/{a}/privacy/requests/{id:\d+}", show),
]
