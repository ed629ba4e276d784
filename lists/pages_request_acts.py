"""The tools of a request, a press each, and the pages of what cannot be undone (A-090)."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from lists import rights_acts, rights_answers, rights_requests, rights_words
from lists.pages_request_desk import desk_account_tx, place
from lists.pages_requests import left, shown, ways
from lists.public_rights_confirm import desk
from lists.rights_acts import Desk
from lists.rights_answers import Answering, Extension
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, read, services


async def _press(
    request: web.Request, act: Callable[[AccountTx, Desk, int], Awaitable[None]], message: str
) -> web.Response:
    """A tool without a form of its own; what is in its way is said on the page of the request."""
    try:
        async with desk_account_tx(request, Role.EDITOR) as tx:
            await act(tx, desk(request), id_in_path(request))
    except Invalid as error:
        return await shown(request, Form({}, error.faults), status=error.status)
    await access.flash(request, message)
    return response.redirect(place(request))


async def copy(request: web.Request) -> web.Response:
    async def act(tx: AccountTx, own: Desk, request_id: int) -> None:
        await rights_acts.send_copy(tx, own, request_id, now=clock.now())

    return await _press(request, act, N_("The link to the file leaves by mail. It lasts six days."))


async def object_(request: web.Request) -> web.Response:
    return await _press(request, rights_acts.stop_mail, N_("Refusal recorded: nothing more is sent."))


async def unmeasure(request: web.Request) -> web.Response:
    message = N_("Refusal recorded: nothing more is measured.")
    return await _press(request, rights_acts.stop_measuring, message)


async def erase(request: web.Request) -> web.Response:
    message = N_("Contact erased. A fingerprint of the address stays. Answer the person now.")
    return await _press(request, rights_acts.erase, message)


async def erasure(request: web.Request) -> web.Response:
    async with desk_account_tx(request, Role.EDITOR) as tx:
        found = await rights_requests.show(tx, services(request).sealer, id_in_path(request))
    context = {"found": found, "form": Form(), "place": place(request)}
    return response.page(request, "lists/requests/erasure.html", context)


async def extension(request: web.Request) -> web.Response:
    return await _extension(request, Form())


async def _extension(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with desk_account_tx(request, Role.EDITOR) as tx:
        found = await rights_requests.show(tx, services(request).sealer, id_in_path(request))
        received = await rights_requests.local_day(tx, found.received_at)
    until = rights_requests.extended_until(received)
    context = {"found": found, "until": until, "form": form, "place": place(request)}
    return response.page(request, "lists/requests/extension.html", context, status=status)


async def extend(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, Extension)
        async with desk_account_tx(request, Role.EDITOR) as tx:
            await rights_answers.extend(
                tx, services(request).sealer, id_in_path(request), wanted, now=clock.now()
            )
    except Invalid as error:
        return await _extension(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Two months more. The person is told why."))
    return response.redirect(place(request))


async def refusal(request: web.Request) -> web.Response:
    return await _refusal(request, None)


async def _refusal(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    async with desk_account_tx(request, Role.EDITOR) as tx:
        found = await rights_requests.show(tx, services(request).sealer, id_in_path(request))
        today = await rights_requests.local_day(tx, clock.now())
    letter = rights_words.refusal(found.right, found.language)
    context = {
        "found": found,
        "left": left(found, today),
        "form": form or forms.filled({"answer": letter, "by": "mail" if found.email else "other"}),
        "ways": ways(found),
        "place": place(request),
    }
    return response.page(request, "lists/requests/refusal.html", context, status=status)


async def answer(request: web.Request) -> web.Response:
    refused = False
    try:
        wanted = await read(request, Answering)
        refused = wanted.outcome == "refused"
        async with desk_account_tx(request, Role.EDITOR) as tx:
            await rights_answers.answer(
                tx, services(request).sealer, id_in_path(request), wanted, now=clock.now()
            )
    except Invalid as error:
        again = await forms.again(request, error)
        page = _refusal if refused else shown
        return await page(request, again, status=error.status)
    await access.flash(request, N_("Answered, and kept in the register for three years."))
    return response.redirect(place(request))


def tools(one: str) -> list[web.RouteDef]:
    """Under the address of a request."""
    return [
        web.post(f"{one}/copies", copy),
        web.post(f"{one}/objection", object_),
        web.post(f"{one}/measurement", unmeasure),
        web.get(f"{one}/erasure", erasure),
        web.post(f"{one}/erasure", erase),
        web.get(f"{one}/extension", extension),
        web.post(f"{one}/extension", extend),
        web.get(f"{one}/refusal", refusal),
        web.post(f"{one}/answer", answer),
    ]


ROUTES: list[web.RouteDef] = tools(r"/{a}/privacy/requests/{id:\d+}")
