"""Pages of contacts: the table with its filter, adding one, and bulk actions on frozen contacts."""

from collections.abc import Mapping
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from lists import contact_search, contacts, fields, mailing_lists, selections, tags
from lists.contact_search import EXACT_TO, Filter
from lists.contacts import Id, NewContact
from lists.field_values import FieldType
from lists.mailing_lists import Named
from lists.pages_lists import STATES, home
from lists.selections import Confirmation, Wish
from lists.tags import Tag
from mailer.accounts import access, agreements
from mailer.accounts.access import Role
from mailer.core.db import AccountTx
from mailer.core.errors import Forbidden, Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query, services

STATE_WORDS = dict(STATES)
REASONS = {
    "unsubscribed": N_("Unsubscribed from everything"),
    "bounced": N_("Address rejected for good"),
    "complained": N_("Complaint"),
    "objected": N_("Objection"),
    "added": N_("Stopped by the team"),
}
BASES = (
    ("consent", N_("Consent")),
    ("existing_customer", N_("Existing customers")),
    ("b2b_interest", N_("Professional interest")),
    ("service", N_("Service messages")),
)
LANGUAGES = (("", N_("Not known")), ("fr", "Français"), ("en", "English"))


class ContactQuery(Input):
    """`all`: every contact of the filter is ticked."""

    q: Annotated[str, Field(max_length=320)] = ""
    list_id: Id | None = None
    status: contact_search.State = ""
    tag_id: Id | None = None
    cursor: str = ""
    all: bool = False


def bases() -> list[tuple[str, str]]:
    return [("", i18n.translate("Choose…")), *((value, i18n.translate(text)) for value, text in BASES)]


def languages() -> list[tuple[str, str]]:
    return [(value, i18n.translate(text) if text == "Not known" else text) for value, text in LANGUAGES]


def options(lists: list[Named], first: str) -> list[tuple[str, str]]:
    """For a select of lists; `first` stands for none."""
    return [("", i18n.translate(first)), *((str(one.id), one.name) for one in lists)]


async def contact_values(request: web.Request, many: tuple[str, ...] = ("lists",)) -> dict[str, Any]:
    """A posted contact form: `fields.<key>` gathered into `fields`, empty choices left out."""
    sent = await request.post()
    values: dict[str, Any] = {
        name: sent.getall(name) if name in many else sent[name]
        for name in dict.fromkeys(sent)
        if not name.startswith("fields.") and name not in ("csrf", "form_id", "seen")
    }
    values["fields"] = {
        name.removeprefix("fields."): _field_value(sent.getall(name))
        for name in dict.fromkeys(sent)
        if name.startswith("fields.")
    }
    return values


def _field_value(sent: list[Any]) -> object:
    """Boxes come behind an empty value, so that none ticked erases."""
    return sent[0] if len(sent) == 1 else [one for one in sent if one]


def choices_of(known: list[fields.Field]) -> tuple[str, ...]:
    """Names that a contact form sends several times."""
    return ("lists", *(f"fields.{one.key}" for one in known if one.type == FieldType.CHOICES))


def said(asked: ContactQuery | Mapping[str, Any], lists: list[Named], known_tags: list[Tag]) -> str:
    """The filter as a sentence, or ""."""
    values = asked.model_dump() if isinstance(asked, ContactQuery) else asked
    parts = []
    if values.get("q"):
        parts.append(i18n.translate("address or name begins with “{q}”", q=values["q"]))
    if values.get("list_id"):
        name = next((one.name for one in lists if one.id == values["list_id"]), "")
        parts.append(i18n.translate("list “{name}”", name=name))
    if status := values.get("status"):
        state = i18n.translate(STATE_WORDS[status])
        parts.append(i18n.translate("state “{state}”", state=state))
    if values.get("tag_id"):
        name = next((one.name for one in known_tags if one.id == values["tag_id"]), "")
        parts.append(i18n.translate("tag “{name}”", name=name))
    if not parts:
        return ""
    return i18n.translate("Contacts shown: {parts}.", parts=", ".join(parts))


async def index(request: web.Request) -> web.Response:
    return await _index(request, Form())


async def _index(request: web.Request, faults: Form, *, status: int = 200) -> web.Response:
    asked = query(request, ContactQuery)
    wanted = Filter(q=asked.q, list_id=asked.list_id, status=asked.status, tag_id=asked.tag_id)
    async with access.account_tx(request) as tx:
        total = await contact_search.count(tx, wanted)
        found = await contact_search.many(tx, wanted, cursor=asked.cursor or None, total=total)
        lists = await mailing_lists.names(tx)
        known_tags = await tags.names(tx)
    context = {
        "found": found,
        "asked": asked,
        "total": total,
        "more_than": EXACT_TO,
        "said": said(asked, lists, known_tags),
        "tags": [("", i18n.translate(N_("All tags"))), *((str(one.id), one.name) for one in known_tags)],
        "lists": options(lists, N_("All lists")),
        "states": [(value, i18n.translate(text)) for value, text in STATES],
        "reasons": REASONS,
        "form": Form(
            {
                "q": asked.q,
                "list_id": asked.list_id or "",
                "status": asked.status,
                "tag_id": asked.tag_id or "",
            },
            faults.faults,
        ),
        "address": _address(home(request), asked),
        "editor": access.member(request).role >= Role.EDITOR,
    }
    return response.page(request, "lists/contacts/index.html", context, status=status)


def _address(start: str, asked: ContactQuery) -> str:
    """The table's own address with its filter, without a cursor."""
    from urllib.parse import urlencode

    values = {
        "q": asked.q,
        "list_id": asked.list_id or "",
        "status": asked.status,
        "tag_id": asked.tag_id or "",
    }
    return f"{start}/contacts?{urlencode({name: value for name, value in values.items() if value})}"


async def new(request: web.Request) -> web.Response:
    asked = query(request, ContactQuery)
    return await _new(request, Form({"lists": [asked.list_id] if asked.list_id else []}))


async def _new(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        agreed = await agreements.latest(tx) is not None
        context = await _choices(tx) | {"form": form, "agreed": agreed}
    return response.page(request, "lists/contacts/new.html", context, status=status)


async def _choices(tx: AccountTx) -> dict[str, object]:
    return {
        "fields": await fields.many(tx),
        "lists": [(one.id, one.name) for one in await mailing_lists.names(tx)],
        "bases": bases(),
        "languages": languages(),
        "types": FieldType,
    }


async def create(request: web.Request) -> web.Response:
    try:
        wanted = check(NewContact, await contact_values(request))
        async with access.account_tx(request, Role.EDITOR) as tx:
            made = await contacts.add(tx, services(request).sealer, wanted)
    except Invalid as error:
        return await _new(request, await _again(request, error), status=error.status)
    except Forbidden as error:
        if error.code != "agreement":
            raise
        return await _new(request, await _again(request, Invalid()), status=403)
    await access.flash(request, N_("Contact added."))
    return response.redirect(f"{home(request)}/contacts/{made.id}")


async def _again(request: web.Request, error: Invalid) -> Form:
    async with access.account_tx(request, Role.EDITOR) as tx:
        many = choices_of(await fields.many(tx))
    return await forms.again(request, error, many=many)


# ---------------------------------------------------------------- bulk actions


async def freeze(request: web.Request) -> web.Response:
    try:
        wish = check(Wish, _wish_values(await request.post()))
        async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
            selection_id = await selections.freeze(tx, wish)
        if wish.action == "export":
            return response.redirect(f"{home(request)}/exports/new?selection_id={selection_id}")
    except Invalid as error:
        await access.flash(request, error.faults[0].message, kind="warning")
        return response.redirect(f"{home(request)}/contacts")
    return response.redirect(f"{home(request)}/contacts/selections/{selection_id}")


def _wish_values(sent: Any) -> dict[str, object]:
    many = ("ids", "shown")
    values = {name: sent.getall(name) if name in many else sent[name] for name in dict.fromkeys(sent)}
    return {name: value for name, value in values.items() if name not in ("csrf", "form_id") and value != ""}


async def selection(request: web.Request) -> web.Response:
    return await _selection(request, None)


async def _selection(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
        found = await selections.show(tx, id_in_path(request))
        if found.action == "export":
            return response.redirect(f"{home(request)}/exports/new?selection_id={found.id}")
        lists = await mailing_lists.names(tx)
        sample = await selections.sample(tx, found.id)
        known_tags = await tags.names(tx)
    first = N_("All lists, and any other mail") if found.action == "unsubscribe" else N_("Choose…")
    context = {
        "selection": found,
        "sample": sample,
        "said": said(found.filter, lists, known_tags),
        "tags": [("", i18n.translate("Choose…")), *((str(one.id), one.name) for one in known_tags)],
        "known_tags": known_tags,
        "tag_name": next((one.name for one in known_tags if one.id == found.tag_id), ""),
        "lists": options(lists, first),
        "bases": bases(),
        "typed_from": selections.TYPED_FROM,
        "list_name": next((one.name for one in lists if one.id == found.list_id), ""),
        "form": form
        or Form({"list_id": found.filter.get("list_id") or "", "tag_id": found.filter.get("tag_id") or ""}),
    }
    name = "selection" if found.state == "frozen" else "selection_done"
    return response.page(request, f"lists/contacts/{name}.html", context, status=status)


async def act(request: web.Request) -> web.Response:
    selection_id = id_in_path(request)
    try:
        sent = await request.post()
        values = {name: sent[name] for name in sent if name not in ("csrf", "form_id") and sent[name] != ""}
        wanted = check(Confirmation, values)
        async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
            # stopping and erasing stay possible on a closed account, adding does not
            action = (await selections.show(tx, selection_id)).action
            if action == "add":
                await _need_open(request)
            if action == "delete":
                access.need_fresh_password(request)
            await selections.confirm(tx, selection_id, wanted)
    except Invalid as error:
        return await _selection(request, await forms.again(request, error), status=error.status)
    return response.redirect(f"{home(request)}/contacts/selections/{selection_id}")


async def _need_open(request: web.Request) -> None:
    async with access.account_tx(request, Role.EDITOR):
        pass


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/contacts", index),
    web.post("/{a}/contacts", create),
    web.get("/{a}/contacts/new", new),
    web.post("/{a}/contacts/selections", freeze),
    web.get("/{a}/contacts/selections/{id}", selection),
    web.post("/{a}/contacts/selections/{id}", act),
]
