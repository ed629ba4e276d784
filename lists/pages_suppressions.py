"""Pages of the suppression list: who must not be written to and why, one address looked up, some added."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from lists import mailing_lists, suppression_form, suppressions
from lists.contacts import read_address
from lists.legal_bases import Day
from lists.pages_contacts import REASONS
from lists.pages_lists import home
from lists.suppression_form import NewStops
from lists.suppressions import Filter, Reason, Suppression
from mailer.accounts import access, audit
from mailer.accounts.access import Role
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, query, read, services

WHY = (
    ("added", N_("Our team does not want to write to them")),
    ("objected", N_("They told us that they want no more of it")),
)


class SuppressionQuery(Input):
    """`email`: check one address. `since`, `until`: days, both included."""

    email: Annotated[str, Field(max_length=1000)] = ""
    reason: str = ""
    since: Day = None
    until: Day = None
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What stops mail to one address."""

    rows: list[Suppression]


async def index(request: web.Request) -> web.Response:
    asked, form = _asked(request)
    checked: Checked | None = None
    async with access.account_tx(request) as tx:
        if asked.email:
            try:
                address = read_address(asked.email)
                hashed = await suppressions.hash_of(tx, services(request).sealer, address.email)
                checked = Checked(await suppressions.of_address(tx, hashed))
            except Invalid as error:
                form = Form(form.values, error.faults)
        found = await suppressions.many(tx, await _filter(tx, asked), cursor=asked.cursor or None)
        lists = await mailing_lists.names(tx)
        by_team = [one.id for one in found.items if one.reason == Reason.ADDED]
        makers = await audit.makers(tx, "suppression", by_team) if by_team else {}
    context = {
        "names": {one.id: one.name for one in lists},
        "found": found,
        "checked": checked,
        "asked": asked,
        "makers": makers,
        "said": _said(asked),
        "form": form,
        "reasons": REASONS,
        "choices": [
            ("", i18n.translate("All reasons")),
            *((key, i18n.translate(text)) for key, text in REASONS.items()),
        ],
        "editor": access.member(request).role >= Role.EDITOR,
    }
    status = 422 if form.faults else 200
    return response.page(request, "lists/suppressions/index.html", context, status=status)


def _asked(request: web.Request) -> tuple[SuppressionQuery, Form]:
    """The filter, and its form; a day that is none is shown as it was written, with what is wrong."""
    values = {name: request.query.get(name, "") for name in ("email", "reason", "since", "until")}
    try:
        asked = query(request, SuppressionQuery)
    except Invalid as error:
        return SuppressionQuery(), Form(values, error.faults)
    if asked.reason not in set(Reason):
        asked = asked.model_copy(update={"reason": ""})
    return asked, Form(values)


async def _filter(tx: AccountTx, asked: SuppressionQuery) -> Filter:
    until = await suppression_form.instant(tx, asked.until)
    return Filter(
        reason=asked.reason,
        since=await suppression_form.instant(tx, asked.since),
        before=until + suppression_form.A_DAY if until else None,
    )


def _said(asked: SuppressionQuery) -> str:
    """The filter as a sentence, or ""."""
    parts = []
    if asked.reason:
        parts.append(i18n.translate("reason “{reason}”", reason=i18n.translate(REASONS[asked.reason])))
    if asked.since:
        parts.append(i18n.translate("from {day} on", day=i18n.day(asked.since)))
    if asked.until:
        parts.append(i18n.translate("up to {day}", day=i18n.day(asked.until)))
    return i18n.translate("Shown: {parts}.", parts=", ".join(parts)) if parts else ""


async def new(request: web.Request) -> web.Response:
    return await _new(request, forms.filled({"reason": "added"}))


async def _new(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.EDITOR, even_closed=True):
        pass
    context = {
        "form": form,
        "why": [(value, i18n.translate(text)) for value, text in WHY],
        "most": suppression_form.MOST,
    }
    return response.page(request, "lists/suppressions/new.html", context, status=status)


async def create(request: web.Request) -> web.Response:
    try:
        wanted = await read(request, NewStops)
        emails = suppression_form.read(wanted)
        async with access.account_tx(request, Role.EDITOR, even_closed=True) as tx:
            await suppression_form.check_end(tx, wanted.reason, wanted.expires_on)
            added = await suppressions.add_many_by_team(
                tx,
                services(request).sealer,
                emails,
                reason=Reason(wanted.reason),
                expires_at=await suppression_form.instant(tx, wanted.expires_on),
            )
    except Invalid as error:
        return await _new(request, await forms.again(request, error), status=error.status)
    if len(emails) == 1:
        message = N_("Nothing will be sent to this address any more.")
        await access.flash(request, message if added else N_("This address was on the list already."))
    else:
        text = N_("{n} addresses added; {already} were on the list already.")
        await access.flash(request, text, n=added, already=len(emails) - added)
    return response.redirect(f"{home(request)}/suppressions")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/suppressions", index),
    web.post("/{a}/suppressions", create),
    web.get("/{a}/suppressions/new", new),
]
