"""Agreements of the account: what is accepted, what changes and when, the controller's duties (ui 2.4)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import (
    access,
    accounts,
    agreements,
    announcements,
    legal,
    policies,
    policy_changes,
    prose,
    public,
)
from mailer.accounts.access import Role
from mailer.accounts.policies import Version
from mailer.core import clock
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again
from mailer.web.request import Input, id_in_path, read, services
from mailer.web.response import page, redirect


class Acceptance(Input):
    """A box that is not shown, because what it says was accepted before, sends no version."""

    version: str = Field("", max_length=20)
    accepted: bool = False
    responsibilities_version: str = Field("", max_length=20)
    acknowledged: bool = False


async def _texts(request: web.Request, tx: AccountTx) -> dict[str, object]:
    """What is to be accepted, beside what was."""
    operator = services(request).settings.operator
    accepted, last = await agreements.latest(tx), await agreements.ever(tx)
    known = await agreements.offered(tx, operator)
    newest = known[-1]
    chosen: Version = newest if accepted is None or accepted.version != newest.version else known[0]
    text = await policies.text_of(tx.shared(), chosen, i18n.language(), operator)
    lines: list[policy_changes.Line] = []
    to_accept = last is None or last.version != newest.version
    if to_accept and last is not None:
        old = await _text_accepted(request, tx, last)
        lines = policy_changes.between(old, text) if old else []
    return {
        "acceptance": accepted,
        "reworded": await agreements.reworded(tx),
        "last": last,
        "acknowledgement": await agreements.acknowledged(tx),
        "acceptances": await agreements.many(tx),
        "version": chosen,
        "to_accept": to_accept,
        "lines": lines,
        "text": prose.html(text),
        "duties": prose.html(legal.shipped_text("responsibilities", i18n.language(), operator)),
        "duties_version": agreements.RESPONSIBILITIES,
        "unread": await announcements.unread(tx.shared(), access.person(request).user_id, clock.now().date()),
    }


async def _text_accepted(request: web.Request, tx: AccountTx, last: agreements.Acceptance) -> str:
    """In the language of the page, so that the two can be compared; else as it was accepted."""
    operator = services(request).settings.operator
    for one in await policies.many(tx.shared(), "agreement", operator):
        if one.version == last.version:
            return await policies.text_of(tx.shared(), one, i18n.language(), operator)
    return (await agreements.accepted_text(tx, last.id))[1]


async def _page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        account = await accounts.show(tx)
        context: dict[str, object] = {"account": account, **await _texts(request, tx)}
    place = access.member(request)
    context |= {
        "form": form,
        "may_accept": place.role >= Role.OWNER and account.status in ("active", "pending"),
        "today": clock.now().date(),
        "titles": policies.KINDS,
    }
    return page(request, "accounts/agreements.html", context, status=status)


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def accept(request: web.Request) -> web.StreamResponse:
    """A tick for each and a button: neither use nor silence is consent (A-127)."""
    who, operator = access.person(request), services(request).settings.operator
    try:
        form = await read(request, Acceptance)
        async with access.account_tx(request, Role.OWNER) as tx:
            duties_open = await agreements.acknowledged(tx) is None
            _need_ticks(form, duties_open=duties_open)
            if form.version:
                await agreements.accept(
                    tx, form.version, person=who.name, user_id=who.user_id, operator=operator
                )
            if duties_open:
                await agreements.acknowledge(
                    tx,
                    form.responsibilities_version,
                    person=who.name,
                    user_id=who.user_id,
                    operator=operator,
                )
    except Invalid as error:
        return await _page(request, await again(request, error), status=422)
    await access.flash(
        request, N_("Agreement accepted.") if form.version else N_("Responsibilities acknowledged.")
    )
    return redirect(f"/app/{access.member(request).account_id}")


def _need_ticks(form: Acceptance, *, duties_open: bool) -> None:
    faults = []
    if form.version and not form.accepted:
        message = N_("Tick the box to say that you have read the agreement and accept it.")
        faults.append(Fault("accepted", message))
    if duties_open and not form.acknowledged:
        message = N_("Tick the box to say that you have read your responsibilities and take them on.")
        faults.append(Fault("acknowledged", message))
    if not form.version and not duties_open:
        faults.append(Fault("version", N_("Choose the version that you accept.")))
    if faults:
        raise Invalid(*faults)


async def as_file(request: web.Request) -> web.StreamResponse:
    """What was accepted, word for word. NotFound for what was accepted before texts were kept."""
    async with access.account_tx(request) as tx:
        found, text = await agreements.accepted_text(tx, id_in_path(request))
    if not text:
        raise NotFound
    title = i18n.translate(legal.PAGES[found.kind].title)
    return public.file(request, name=f"{found.kind}-{found.version}", title=title, text=text)


async def note_read(request: web.Request) -> web.StreamResponse:
    """That this person has seen what is announced (A-039)."""
    async with access.account_tx(request) as tx:
        await announcements.note_read(
            tx.shared(), access.person(request).user_id, id_in_path(request), clock.now()
        )
    await access.flash(request, N_("Noted: you have seen it."))
    return redirect(f"/app/{access.member(request).account_id}/privacy/agreements")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/privacy/agreements", show),
    web.post("/{a}/privacy/agreements", accept),
    web.get(r"/{a}/privacy/agreements/{id:\d+}.{format:txt|html}", as_file),
    web.post(r"/{a}/privacy/announcements/{id:\d+}/readings", note_read),
]
