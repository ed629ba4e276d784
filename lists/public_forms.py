"""/t/form/{form}: the public page of a sign-up form, and where the HTML on other sites posts to.

No session, no cookie, no script, and no token of ours on other sites: `public_form_guard` stands before it.
GET changes nothing. The answer is the same whether an address is known, stopped or new (E-14).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from lists import (
    contacts,
    public_form_guard,
    recipients,
    sign_up_answers,
    sign_ups,
    signup_forms,
    signup_versions,
    signup_words,
)
from lists.public_visit import AUTHORITIES, CNIL, form_of, links
from lists.sign_up_answers import Posted
from lists.sign_ups import Wish
from lists.signup_versions import Published
from lists.signup_words import Frozen
from mailer.accounts import identity
from mailer.accounts.identity import Identity
from mailer.core import clock
from mailer.core.actor import RECIPIENT
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid, NotFound
from mailer.core.tokens import Purpose
from mailer.web import i18n, response
from mailer.web.forms import Form
from mailer.web.request import NONCE, WrongMediaType, services

MAX_BYTES = 64_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Before a public form. `form` None: it is closed."""

    tx: AccountTx
    controller: Identity
    form: Published | None

    @property
    def words(self) -> Frozen | None:
        return self.form.words if self.form else None


def _place(request: web.Request) -> tuple[int, str]:
    """Account and key of the address. Raises NotFound."""
    account, _, key = request.match_info["form"].partition("-")
    if not (account.isascii() and account.isdigit() and len(account) <= 18 and len(key) == 16):
        raise NotFound
    return int(account), key


async def _is_open(tx: AccountTx) -> bool:
    """A form of an account that may not send asks nobody for anything."""
    return bool(await tx.value("SELECT status = 'active' AND closed_at IS NULL FROM accounts WHERE id = $1"))


@asynccontextmanager
async def door(request: web.Request) -> AsyncIterator[Door]:
    """Raises NotFound for an address that is none."""
    account_id, key = _place(request)
    async with services(request).db.account(account_id, actor=RECIPIENT) as tx:
        controller = await identity.of(tx)
        form = await signup_versions.published(tx, key)
        if form is not None and not (form.words.purposes and await _is_open(tx)):
            form = None
        if form is not None:
            # its author wrote it in one language; the words around it follow
            i18n.use_language(form.words.language)
        yield Door(tx=tx, controller=controller, form=form)


def framed(request: web.Request, controller: Identity, more: Mapping[str, object]) -> dict[str, object]:
    """What every page of recipients shows around its text."""
    return {
        "controller": controller,
        "operator": services(request).settings.operator,
        "cnil": CNIL,
        "authorities": AUTHORITIES,
        **more,
    }


def _closed(request: web.Request, controller: Identity) -> web.Response:
    context = framed(request, controller, {})
    return response.page(request, "lists/recipients/form_closed.html", context, status=410)


def policy(request: web.Request, *, leads_to: str = "", ancestors: str = "'none'") -> str:
    """No script at all; a form may post to us, and be led from there to the author's own site."""
    target = urlsplit(leads_to)
    posts = f"'self' {target.scheme}://{target.netloc}" if leads_to else "'self'"
    return (
        f"default-src 'none'; style-src 'self' 'nonce-{request[NONCE]}'; img-src 'self'; form-action {posts};"
        f" base-uri 'none'; object-src 'none'; frame-ancestors {ancestors}"
    )


def _shown(request: web.Request, found: Door, form: Form, *, status: int = 200) -> web.Response:
    published = found.form
    if published is None:
        return _closed(request, found.controller)
    words = published.words
    context = framed(
        request,
        found.controller,
        {
            "words": words,
            "form": form,
            "action": request.path,
            "version": published.version,
            "stamp": public_form_guard.stamp(request, found.tx.account_id, published.form_id),
        },
    )
    answer = response.page(request, "lists/recipients/form.html", context, status=status)
    answer.headers["Content-Security-Policy"] = policy(request, leads_to=words.redirect_url)
    return answer


async def page(request: web.Request) -> web.Response:
    async with door(request) as found:
        return _shown(request, found, Form())


async def act(request: web.Request) -> web.Response:
    if request.content_type != "application/x-www-form-urlencoded":
        raise WrongMediaType
    if (request.content_length or 0) > MAX_BYTES:
        raise web.HTTPRequestEntityTooLarge(max_size=MAX_BYTES, actual_size=request.content_length or 0)
    await public_form_guard.count_network(request)
    posted = await form_of(request)
    async with door(request) as found:
        if found.form is None:
            return _closed(request, found.controller)
        try:
            await public_form_guard.check(request, found.tx.account_id, found.form, posted)
            wish = await _wish(request, found.tx, found.form, posted)
        except Invalid as error:
            return _shown(request, found, _again(posted, error), status=error.status)
        await public_form_guard.count_form(request, found.tx.account_id, found.form)
        address = contacts.read_address(wish.answers.email)
        if await public_form_guard.may_write_to(request, found.tx.account_id, address):
            await sign_ups.ask(found.tx, services(request).sealer, links(request), wish)
        return _asked(request, found.tx.account_id, found.form, address.email)


async def _wish(request: web.Request, tx: AccountTx, current: Published, posted: Posted) -> Wish:
    """By the version that the person read, for what the form still offers today. Raises Invalid."""
    read = current
    number = sign_up_answers.first(posted, "version")
    if number.isascii() and number.isdigit() and len(number) <= 9 and int(number) != current.version:
        read = await signup_versions.published_as(tx, current, int(number))
    words = read.words
    today = clock.now().astimezone(i18n.zone((await identity.of(tx)).time_zone)).date()
    answers = sign_up_answers.check(words, posted, today=today)
    url = links(request).form(tx.account_id, current.public_key)
    return Wish(form=read, words=words, answers=answers, page=url)


def _again(posted: Posted, error: Invalid) -> Form:
    """What was typed and ticked by the person, as it was."""
    values: dict[str, object] = {name: found[0] for name, found in posted.items() if found}
    return Form(values | {"list": list(posted.get("list", ()))}, error.faults)


def _asked(request: web.Request, account_id: int, form: Published, email: str) -> web.Response:
    words = form.words
    if words.redirect_url:
        return response.redirect(words.redirect_url)
    token = services(request).tokens.noted(
        Purpose.FORM_ASKED, account_id, form.form_id, recipients.masked(email)[:200]
    )
    return response.redirect(f"{request.path}/asked/{token}")


async def asked(request: web.Request) -> web.Response:
    """Where a post leads to; it says nothing that the person did not type."""
    account_id, form_id, address = services(request).tokens.read_noted(
        Purpose.FORM_ASKED, request.match_info["token"]
    )
    async with door(request) as found:
        if found.form is None:
            return _closed(request, found.controller)
        if (found.tx.account_id, found.form.form_id) != (account_id, form_id):
            raise NotFound
        words = found.form.words
        context = framed(request, found.controller, {"words": words, "address": address})
        return response.page(request, "lists/recipients/form_asked.html", context)


async def preview(request: web.Request) -> web.Response:
    """A draft in the frame of its builder: nothing can be sent from it."""
    held = services(request)
    numbers = held.tokens.read_timed(
        Purpose.FORM_PREVIEW, request.match_info["token"], now=int(clock.now().timestamp())
    )
    async with held.db.account(numbers[0], actor=RECIPIENT) as tx:
        controller = await identity.of(tx)
        draft = (await signup_forms.show(tx, numbers[1])).content
        words = await signup_words.freeze(tx, draft, processor=held.settings.operator.name)
    i18n.use_language(words.language)
    more = {"words": words, "form": Form(), "action": "", "version": 0, "stamp": ""}
    answer = response.page(request, "lists/recipients/form.html", framed(request, controller, more))
    public = urlsplit(held.settings.public_url)
    ancestors = f"'self' {public.scheme}://{public.netloc}"
    answer.headers["Content-Security-Policy"] = policy(request, ancestors=ancestors) + "; sandbox"
    return answer


ROUTES: list[web.RouteDef] = [
    web.get("/form/{form}", page),
    web.post("/form/{form}", act),
    web.get("/form/{form}/asked/{token}", asked),
    web.get("/form-preview/{token}", preview),
]
