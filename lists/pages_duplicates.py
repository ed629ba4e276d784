"""Pages of duplicates: the pairs that were found, and two contacts side by side before they are merged."""

from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from lists import contact_merges, contacts, duplicates, fields
from lists.contact_merges import ListMerged, Merge
from lists.contacts import Contact, Id
from lists.duplicates import Reason
from lists.pages_contact import MEASURES, shown_value
from lists.pages_contacts import bases, languages
from lists.pages_lists import STATES, home
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core.errors import Invalid, NotFound
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, check, id_in_path, query, read

REASONS = {
    Reason.ADDRESS: N_("same mailbox, written differently"),
    Reason.TYPO: N_("one of the addresses looks mistyped"),
    Reason.FIELD: N_("same name, and same number or date"),
}


class PageQuery(Input):
    cursor: Annotated[str, Field(max_length=200)] = ""


class With(Input):
    """`other_id`: the contact that goes into the one in the path."""

    other_id: Id


class Beside(Input):
    """0: nobody."""

    other_id: Annotated[int, Field(ge=0, lt=2**63)] = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A value of both contacts. `chosen`: whose is kept; `same`: nothing to choose."""

    name: str
    label: str
    kept: str
    other: str
    chosen: str

    @property
    def same(self) -> bool:
        return self.kept == self.other


async def index(request: web.Request) -> web.Response:
    asked = query(request, PageQuery)
    editor = access.member(request).role >= Role.EDITOR
    async with access.account_tx(request) as tx:
        if editor and await duplicates.is_old(tx):
            await duplicates.search(tx)
        found = await duplicates.many(tx, cursor=asked.cursor or None)
        last = await duplicates.last_search(tx)
    context = {"found": found, "asked": asked, "last": last, "reasons": REASONS, "editor": editor}
    return response.page(request, "lists/contacts/duplicates.html", context)


async def search(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        await duplicates.search(tx)
    return response.redirect(f"{home(request)}/contacts/duplicates")


async def compare(request: web.Request) -> web.Response:
    return await _compare(request, query(request, Beside).other_id, Form())


async def _compare(request: web.Request, other_id: int, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR) as tx:
        kept = await contacts.show(tx, id_in_path(request))
        other = await contacts.show(tx, other_id)
        if kept.id == other.id:
            raise NotFound
        known = await fields.many(tx)
        lists = await contact_merges.lists_of(tx, kept.id, other.id)
    lines = _lines(kept, other) + [
        Line(
            f"fields.{one.key}",
            one.label,
            shown_value(kept.fields.get(one.key), one.type),
            shown_value(other.fields.get(one.key), one.type),
            "kept" if one.key in kept.fields else "other",
        )
        for one in known
        if one.key in kept.fields or one.key in other.fields
    ]
    context = {
        "kept": kept,
        "other": other,
        "form": form,
        "lines": [_again(line, form) for line in lines],
        "lists": [_list_line(one) for one in lists],
        "measures": [
            (text, MEASURES[mine], MEASURES[theirs], MEASURES[contact_merges.stricter(mine, theirs)])
            for text, mine, theirs in (
                (N_("Open measurement"), kept.opens, other.opens),
                (N_("Click measurement"), kept.clicks, other.clicks),
            )
        ],
    }
    return response.page(request, "lists/contacts/compare.html", context, status=status)


def _lines(kept: Contact, other: Contact) -> list[Line]:
    names = dict(languages())

    def line(name: str, label: str, mine: str, theirs: str) -> Line:
        return Line(name, i18n.translate(label), mine or "–", theirs or "–", "kept" if mine else "other")

    return [
        line("email", N_("E-mail address"), kept.email, other.email),
        line("first_name", N_("First name"), kept.first_name, other.first_name),
        line("last_name", N_("Last name"), kept.last_name, other.last_name),
        line(
            "language",
            N_("Language"),
            names[kept.language] if kept.language else "",
            names[other.language] if other.language else "",
        ),
    ]


def _again(line: Line, form: Form) -> Line:
    """After a fault: what the person had chosen."""
    chosen = str(form.value(line.name) or line.chosen)
    return Line(line.name, line.label, line.kept, line.other, chosen)


def _list_line(one: ListMerged) -> tuple[str, str, str, str, str]:
    """Name, both states, the result, and its legal basis in words."""
    words: dict[str, str] = {**dict(STATES), "": N_("not on it")}
    basis = "" if one.status == "unsubscribed" else dict(bases()).get(one.legal_basis, "")
    return (
        one.list_name,
        i18n.translate(words[one.kept_status]),
        i18n.translate(words[one.other_status]),
        i18n.translate(words[one.status]),
        basis,
    )


async def merge(request: web.Request) -> web.Response:
    sent = await request.post()
    other_id = check(With, {"other_id": sent.get("other_id", "")}).other_id
    values: dict[str, Any] = {
        name: sent[name] for name in ("email", "first_name", "last_name", "language") if name in sent
    }
    values["fields"] = {
        name.removeprefix("fields."): sent[name] for name in dict.fromkeys(sent) if name.startswith("fields.")
    }
    contact_id = id_in_path(request)
    try:
        wanted = check(Merge, values | {"other_id": other_id})
        async with access.account_tx(request, Role.EDITOR) as tx:
            await contact_merges.merge(tx, contact_id, wanted)
    except Invalid as error:
        return await _compare(request, other_id, await forms.again(request, error), status=error.status)
    await access.flash(request, N_("Contacts merged. Every refusal of either holds."))
    return response.redirect(f"{home(request)}/contacts/{contact_id}")


async def keep_apart(request: web.Request) -> web.Response:
    wanted = await read(request, With)
    async with access.account_tx(request, Role.EDITOR) as tx:
        await duplicates.keep_apart(tx, id_in_path(request), wanted.other_id)
    await access.flash(request, N_("Noted: these are two people. They will not be proposed again."))
    return response.redirect(f"{home(request)}/contacts/duplicates")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/contacts/duplicates", index),
    web.post("/{a}/contacts/duplicates/searches", search),
    web.get("/{a}/contacts/{id}/merges", compare),
    web.post("/{a}/contacts/{id}/merges", merge),
    web.post("/{a}/contacts/{id}/not-duplicates", keep_apart),
]
