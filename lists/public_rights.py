"""/t/rights: what a person may ask about their data, and where they ask for it (A-022). GET changes nothing.

    /t/rights/{token}        from a link of a mail: the address is known, and never shown
    /t/rights/form/{token}   of the account, without a mail at hand: the address is typed

Whoever asks reads the same in every case; what is known is looked up later, by a job (`rights_asks`).
"""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from lists import contacts, public_form_guard, rights_asks, rights_words
from lists.public_forms import framed
from lists.public_visit import Visit, form_of, here, shown, visit
from lists.rights_words import Right
from mailer.accounts import answering, identity
from mailer.accounts.answering import Why
from mailer.accounts.identity import Identity
from mailer.core import clock
from mailer.core.actor import RECIPIENT
from mailer.core.addresses import Address
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, TooMany
from mailer.core.rate import Limit
from mailer.core.text import N_
from mailer.core.tokens import Purpose
from mailer.web import i18n, response
from mailer.web.forms import Form
from mailer.web.request import client_ip, rates, services

NETWORK = Limit("rights-network", 30, 600)
ACCOUNT = Limit("rights-account", 3000, 86_400)
ADDRESS = Limit("rights-address", 20, 86_400)
CHOOSE = N_("Choose what you ask for.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Door:
    tx: AccountTx
    controller: Identity
    answerer: Why

    @property
    def sender(self) -> str:
        return self.controller.legal_name or self.controller.account_name


@asynccontextmanager
async def _door(request: web.Request) -> AsyncIterator[_Door]:
    """Raises NotFound for an address that is none, and when the account is erased."""
    account_id, _, _ = services(request).tokens.read_noted(Purpose.RIGHTS_FORM, request.match_info["token"])
    async with services(request).db.account(account_id, actor=RECIPIENT) as tx:
        accept = request.headers.get("Accept-Language", "")
        i18n.use_language(i18n.best_language(request.query.get("lang"), accept=accept))
        yield _Door(tx=tx, controller=await identity.of(tx), answerer=await answering.by_operator(tx))


def _context(request: web.Request, form: Form, *, typed: bool) -> dict[str, object]:
    return {
        "form": form,
        "choices": rights_words.CHOICES,
        "typed": typed,
        "asked": "asked" in request.query and not form.faults,
        "action": here(request).replace("asked=1", "").rstrip("?&"),
    }


async def _of_mail(request: web.Request, found: Visit, form: Form, *, status: int = 200) -> web.Response:
    more = _context(request, form, typed=found.person is None)
    more["answerer"] = await answering.by_operator(found.tx)
    return shown(request, found, "rights.html", context=more, status=status)


def _of_form(request: web.Request, found: _Door, form: Form, *, status: int = 200) -> web.Response:
    more = _context(request, form, typed=True) | {"sender": found.sender, "answerer": found.answerer}
    context = framed(request, found.controller, more)
    answer = response.page(request, "lists/recipients/rights.html", context, status=status)
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


async def page(request: web.Request) -> web.Response:
    async with visit(request, Purpose.RIGHTS) as found:
        return await _of_mail(request, found, Form())


async def form_page(request: web.Request) -> web.Response:
    async with _door(request) as found:
        return _of_form(request, found, Form())


async def act(request: web.Request) -> web.Response:
    await _count_network(request)
    posted = await form_of(request)
    async with visit(request, Purpose.RIGHTS) as found:
        own = found.person.email if found.person else None
        try:
            kind, address = _read(posted, own)
        except Invalid as error:
            return await _of_mail(request, found, _again(posted, error), status=error.status)
        await _ask(request, found.tx, kind, address)
    return response.redirect(here(request, asked="1"))


async def form_act(request: web.Request) -> web.Response:
    await _count_network(request)
    posted = await form_of(request)
    async with _door(request) as found:
        try:
            kind, address = _read(posted, None)
        except Invalid as error:
            return _of_form(request, found, _again(posted, error), status=error.status)
        await _ask(request, found.tx, kind, address)
    return response.redirect(here(request, asked="1"))


async def _count_network(request: web.Request) -> None:
    """Raises TooMany."""
    own = public_form_guard.network(client_ip(request) or "")
    await rates(request).take(NETWORK, _keyed(request, own))


def _read(posted: dict[str, list[str]], own: str | None) -> tuple[Right, Address]:
    """Raises Invalid at `right` and `email`."""
    faults: list[Fault] = []
    wanted = posted.get("right", [""])[0]
    if wanted not in set(Right):
        faults.append(Fault("right", CHOOSE, "missing"))
    address = None
    try:
        address = contacts.read_address(own if own is not None else posted.get("email", [""])[0])
    except Invalid as error:
        faults.extend(error.faults)
    if faults or address is None:
        raise Invalid(*faults)
    return Right(wanted), address


async def _ask(request: web.Request, tx: AccountTx, kind: Right, address: Address) -> None:
    """Raises TooMany for a flood of the account; for one address nothing happens, and nobody is told."""
    await rates(request).take(ACCOUNT, str(tx.account_id))
    try:
        await rates(request).take(ADDRESS, f"{tx.account_id}:{_keyed(request, address.key)}")
    except TooMany:
        return
    held = services(request)
    await rights_asks.ask(tx, held.sealer, address, kind, language=i18n.language(), now=clock.now())


def _keyed(request: web.Request, text: str) -> str:
    """Counters stand in Valkey without an address anybody could read."""
    return hmac.digest(services(request).settings.key, f"rights:{text}".encode(), hashlib.sha256)[:16].hex()


def _again(posted: dict[str, list[str]], error: Invalid) -> Form:
    return Form({name: found[0] for name, found in posted.items() if found}, error.faults)


ROUTES: list[web.RouteDef] = [
    # before /rights/{token}
    web.get("/rights/form/{token}", form_page),
    web.post("/rights/form/{token}", form_act),
    web.get("/rights/{token}", page),
    web.post("/rights/{token}", act),
]
