"""Pages of one contact: everything known and why, editing, leaving lists, a copy of the data, erasing."""

from datetime import date, datetime
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import Field

from lists import (
    bounce_standing,
    consents,
    contact_history,
    contact_journeys,
    contact_timeline,
    contacts,
    field_values,
    fields,
    mailing_lists,
    subscriptions,
    tags,
)
from lists.consents import Answer, Evidence
from lists.contact_words import ACTS, METHODS, PURPOSES, told
from lists.contacts import ContactChange, Id, NewSubscriptions
from lists.decisions import why
from lists.field_values import FieldType, Value
from lists.pages_contacts import REASONS, bases, choices_of, contact_values, languages
from lists.pages_lists import home
from mailer.accounts import access, audit
from mailer.accounts.access import Role
from mailer.core.errors import Forbidden, Invalid, NotFound
from mailer.core.text import N_
from mailer.core.tokens import RecipientToken
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, read, services

MEASURES = {"unknown": N_("never asked"), "granted": N_("accepted"), "denied": N_("refused")}


class Unsubscription(Input):
    """`list_id` None: everything."""

    list_id: Id | None = None


class Measurement(Input):
    """The team can only write down a no."""

    what: Annotated[str, Field(pattern="^(opens|clicks)$")]


async def show(request: web.Request) -> web.Response:
    return await _show(request, Form())


async def _show(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    contact_id = id_in_path(request)
    async with access.account_tx(request) as tx:
        found = await contact_history.everything(tx, contact_id)
        timeline = await contact_timeline.many(tx, contact_id, limit=10)
        journeys = await contact_journeys.many(tx, contact_id)
        failing = await bounce_standing.of_contact(tx, contact_id)
        known = await fields.many(tx)
        lists = await mailing_lists.names(tx)
        names = await audit.members(tx)
        on_contact, known_tags = await tags.of_contact(tx, contact_id), await tags.names(tx)
    zone = access.member(request).time_zone
    on = {one.list_id for one in found.subscriptions}
    active = sum(one.status == "active" and not one.stopped for one in found.subscriptions)
    last = next((one.at for one in found.deliveries if one.status == "delivered"), None)
    context = {
        "found": found,
        "contact": found.contact,
        "active": active,
        "last": last,
        "failing": failing,
        "failing_why": bounce_standing.REASONS.get(failing.reason, bounce_standing.OTHER) if failing else "",
        "failing_limits": (bounce_standing.DAYS, bounce_standing.SPAN.days),
        "stopped": (stopped := next((one for one in found.suppressions if one.list_id is None), None)),
        "returned": [one.name for one in lists if stopped and one.id in stopped.returned_to],
        "values": [(one.label, shown_value(found.contact.fields.get(one.key), one.type)) for one in known],
        "others": [(one.id, one.name) for one in lists if one.id not in on],
        "tags": on_contact,
        "known_tags": known_tags,
        "deliveries": [(one, why(one, zone)) for one in found.deliveries],
        "journeys": [
            (one, i18n.translate(contact_journeys.OUTCOMES.get(one.outcome, ""))) for one in journeys
        ],
        "timeline": [(one, told(one)) for one in timeline.items],
        "more": timeline.next_cursor is not None,
        "bases": bases(),
        "languages": dict(languages()),
        "measures": MEASURES,
        "reasons": REASONS,
        "acts": ACTS,
        "methods": METHODS,
        "names": names,
        "purposes": PURPOSES,
        "form": form,
        "editor": access.member(request).role >= Role.EDITOR,
    }
    return response.page(request, "lists/contacts/show.html", context, status=status)


def shown_value(value: Value | None, kind: FieldType) -> str:
    """A field as people read it."""
    match kind:
        case _ if value is None:
            return "–"
        case FieldType.BOOLEAN:
            return i18n.translate("Yes") if value else i18n.translate("No")
        case FieldType.DATE:
            return i18n.day(date.fromisoformat(str(value)))
        case FieldType.LIST | FieldType.CHOICES if isinstance(value, list):
            return ", ".join(value)
        case FieldType.NUMBER if isinstance(value, int | float):
            return i18n.number(value)
    return field_values.write(value)


async def edit(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        contact = await contacts.show(tx, id_in_path(request))
    if contact.restricted_at:
        return response.redirect(f"{home(request)}/contacts/{contact.id}/restriction")
    values = {name: getattr(contact, name) for name in ("email", "first_name", "last_name", "language")}
    values |= {f"fields.{key}": _typed(value) for key, value in contact.fields.items()}
    return await _edit(request, Form(values))


def _typed(value: Value) -> object:
    """As the person would type it: boxes are ticked one by one, decimals have the sign of the language."""
    if isinstance(value, list):
        return _Items(value)
    text = field_values.write(value)
    return text.replace(".", ",") if isinstance(value, float) and i18n.language() == "fr" else text


class _Items(list[str]):
    """Several values: the boxes look for each, a line of text shows them as it is read."""

    def __str__(self) -> str:
        return field_values.write(list(self))


async def _edit(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        context = {
            "contact": await contacts.show(tx, id_in_path(request)),
            "fields": await fields.many(tx),
            "languages": languages(),
            "types": FieldType,
            "form": form,
        }
    return response.page(request, "lists/contacts/edit.html", context, status=status)


async def change(request: web.Request) -> web.Response:
    contact_id = id_in_path(request)
    try:
        wanted = check(ContactChange, await contact_values(request))
        seen = _instant(str((await request.post()).get("seen", "")))
        async with access.account_tx(request, Role.EDITOR) as tx:
            await contacts.change(tx, services(request).sealer, contact_id, wanted, seen=seen)
    except Invalid as error:
        async with access.account_tx(request, Role.EDITOR) as tx:
            many = choices_of(await fields.many(tx))
        form = await forms.again(request, error, many=many)
        return await _edit(request, form, status=error.status)
    await access.flash(request, N_("Contact saved."))
    return response.redirect(f"{home(request)}/contacts/{contact_id}")


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


async def subscribe(request: web.Request) -> web.Response:
    contact_id = id_in_path(request)
    try:
        wanted = await read(request, NewSubscriptions)
        async with access.account_tx(request, Role.EDITOR) as tx:
            await contacts.add_to_lists(tx, contact_id, wanted)
            result = await subscriptions.of_contact(tx, contact_id)
    except Invalid as error:
        return await _show(request, await forms.again(request, error, many=("lists",)), status=error.status)
    refused = [one for one in result if one.list_id in wanted.lists and one.status == "unsubscribed"]
    if refused:
        await access.flash(request, N_("The refusal of this person stands: nothing was added."), kind="info")
    else:
        await access.flash(request, N_("Added to the list, with its source."))
    return response.redirect(f"{home(request)}/contacts/{contact_id}")


async def unsubscribe(request: web.Request) -> web.Response:
    contact_id = id_in_path(request)
    sent = await request.post()
    wanted = check(Unsubscription, {"list_id": sent["list_id"]} if sent.get("list_id") else {})
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        await contacts.show(tx, contact_id)
        await subscriptions.unsubscribe_contacts(tx, [contact_id], wanted.list_id)
    await access.flash(request, N_("Unsubscribe recorded. Messages that were waiting are stopped."))
    return response.redirect(f"{home(request)}/contacts/{contact_id}")


async def refuse_measurement(request: web.Request) -> web.Response:
    contact_id = id_in_path(request)
    wanted = await read(request, Measurement)
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        hashed = await tx.value(
            "SELECT address_hash FROM contacts WHERE account_id = $1 AND id = $2", contact_id
        )
        if hashed is None:
            raise NotFound
        who = RecipientToken(tx.account_id, 0, contact_id, hashed)
        answer = Answer(opens=False) if wanted.what == "opens" else Answer(clicks=False)
        await consents.choose(tx, who, answer, evidence=Evidence(method=consents.method_of(tx)))
    await access.flash(request, N_("Measurement stopped for this contact."))
    return response.redirect(f"{home(request)}/contacts/{contact_id}")


async def data(request: web.Request) -> web.Response:
    """Everything about one person, as JSON. POST, because it is written down and needs the password."""
    _need_password(request, f"{home(request)}/contacts/{id_in_path(request)}")
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        found: dict[str, Any] = await contact_history.archive(tx, id_in_path(request))
    text = orjson.dumps(response.jsonable(found), option=orjson.OPT_INDENT_2, default=str)
    name = f"contact-{id_in_path(request)}.json"
    return web.Response(
        body=text,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'},
    )


def _need_password(request: web.Request, back: str) -> None:
    """ui 3.5: data of a person needs the password again; then back to a page that can be shown."""
    try:
        access.need_fresh_password(request)
    except Forbidden as error:
        raise Forbidden(error.message, code=error.code, link=f"/app/me/confirmations?next={back}") from None


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/contacts/{id}", show),
    web.get("/{a}/contacts/{id}/edit", edit),
    web.post("/{a}/contacts/{id}/edit", change),
    web.post("/{a}/contacts/{id}/subscriptions", subscribe),
    web.post("/{a}/contacts/{id}/unsubscriptions", unsubscribe),
    web.post("/{a}/contacts/{id}/measurement", refuse_measurement),
    web.post("/{a}/contacts/{id}/data", data),
]
