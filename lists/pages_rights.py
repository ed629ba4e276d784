"""The rights of one person, a page each that says what happens: a copy of the data,
limiting its use, erasing (C-10 … C-13)."""

from aiohttp import web

from lists import contacts, erasures, restrictions
from lists.erasures import By, Erasure
from lists.pages_lists import home
from lists.restrictions import Lifting, NewRestriction
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import id_in_path, read

GROUNDS = (
    ("accuracy", N_("They say that the data is wrong, and it is being checked")),
    ("unlawful", N_("The data should not have been used, and they want it kept all the same")),
    ("claims", N_("They need the data for a legal claim")),
    ("objection", N_("They objected, and our reasons are being weighed")),
)
GROUND_WORDS = dict(GROUNDS)
ASKED_BY = (
    (By.PERSON, N_("The person: a fingerprint of the address stays, and nobody writes to it again")),
    (By.TEAM, N_("The team: only what the person refused before stays, as a fingerprint")),
)


async def data(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        contact = await contacts.show(tx, id_in_path(request))
    return response.page(request, "lists/contacts/data.html", {"contact": contact})


async def deletion(request: web.Request) -> web.Response:
    return await _deletion(request, forms.filled({"asked_by": By.PERSON}))


async def _deletion(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        contact = await contacts.show(tx, id_in_path(request))
    if contact.restricted_at:
        return response.redirect(f"{home(request)}/contacts/{contact.id}/restriction")
    choices = [(value, i18n.translate(text)) for value, text in ASKED_BY]
    context = {"contact": contact, "choices": choices, "form": form}
    return response.page(request, "lists/contacts/delete.html", context, status=status)


async def delete(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, Erasure)
        async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
            await erasures.erase(tx, id_in_path(request), wanted)
    except Invalid as error:
        return await _deletion(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Contact deleted. Its refusals are kept as fingerprints."))
    return response.redirect(f"{home(request)}/contacts")


async def restriction(request: web.Request) -> web.Response:
    return await _restriction(request, Form())


async def _restriction(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    contact_id = id_in_path(request)
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        context = {
            "contact": await contacts.show(tx, contact_id),
            "history": await restrictions.of_contact(tx, contact_id),
            "grounds": [(value, i18n.translate(text)) for value, text in GROUNDS],
            "words": GROUND_WORDS,
            "form": form,
        }
    return response.page(request, "lists/contacts/restriction.html", context, status=status)


async def limit(request: web.Request) -> web.Response:
    contact_id = id_in_path(request)
    try:
        wanted = await read(request, NewRestriction)
        async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
            await restrictions.limit(tx, contact_id, wanted)
    except Invalid as error:
        return await _restriction(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Use limited: nothing is sent to this person, and nothing changed."))
    return response.redirect(f"{home(request)}/contacts/{contact_id}")


async def lift(request: web.Request) -> web.Response:
    contact_id = id_in_path(request)
    try:
        wanted = await read(request, Lifting)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await restrictions.lift(tx, contact_id, wanted)
    except Invalid as error:
        return await _restriction(request, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("The limit is lifted, with its reason."))
    return response.redirect(f"{home(request)}/contacts/{contact_id}")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/contacts/{id}/data", data),
    web.get("/{a}/contacts/{id}/deletion", deletion),
    web.post("/{a}/contacts/{id}/deletion", delete),
    web.get("/{a}/contacts/{id}/restriction", restriction),
    web.post("/{a}/contacts/{id}/restriction", limit),
    web.post("/{a}/contacts/{id}/restriction/lifting", lift),
]
