"""Settings of the account: identity, the journal, the agreement (ui 2.4). Next: `pages_account_life.py`."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, account_life, accounts, agreements, audit, audit_words, legal
from mailer.accounts.access import Role
from mailer.accounts.accounts import AccountSettings
from mailer.core import clock
from mailer.core.errors import Invalid, fault
from mailer.core.paging import Page
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again, filled
from mailer.web.request import Input, query, read, services
from mailer.web.response import page, redirect

_SETTINGS = tuple(AccountSettings.model_fields)


class Acceptance(Input):
    version: str = Field(max_length=20)
    accepted: bool = False


class LogQuery(Input):
    cursor: str = Field("", max_length=200)


async def settings_page(request: web.Request, form: Form | None = None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        account = await accounts.show(tx)
    role = access.member(request).role
    context = {
        "account": account,
        "form": form or filled(account, _SETTINGS),
        "may_change": role >= Role.MANAGER and account.status in ("active", "pending"),
        "may_close": role >= Role.OWNER,
        "retrievable_until": account_life.retrievable_until(account),
        "now": clock.now(),
        "zone_options": [(name, name.replace("_", " ")) for name in i18n.zone_names()],
    }
    return page(request, "accounts/settings.html", context, status=status)


async def settings(request: web.Request) -> web.StreamResponse:
    return await settings_page(request)


async def change_settings(request: web.Request) -> web.StreamResponse:
    """Back to the setup list the first time, so that the next step is at hand."""
    try:
        new = await read(request, AccountSettings)
        async with access.account_tx(request, Role.MANAGER) as tx:
            before = await accounts.show(tx)
            await accounts.change(tx, new)
    except Invalid as error:
        return await settings_page(request, await again(request, error), status=422)
    await access.flash(request, N_("Account saved."))
    here = f"/app/{access.member(request).account_id}"
    return redirect(f"{here}/settings/account" if before.identified else here)


async def _agreement_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request) as tx:
        account = await accounts.show(tx)
        context: dict[str, object] = {
            "account": account,
            "acceptance": await agreements.latest(tx),
            "acceptances": await agreements.many(tx),
        }
    place = access.member(request)
    context |= {
        "form": form,
        "may_accept": place.role >= Role.OWNER and account.status in ("active", "pending"),
        **legal.facts(services(request).settings),
        "text": legal.template("agreement"),
        "document": legal.PAGES["agreement"],
    }
    return page(request, "accounts/agreements.html", context, status=status)


async def agreement(request: web.Request) -> web.StreamResponse:
    return await _agreement_page(request, Form())


async def accept(request: web.Request) -> web.StreamResponse:
    """A tick and a button: neither use nor silence is consent (A-127)."""
    who = access.person(request)
    try:
        form = await read(request, Acceptance)
        if not form.accepted:
            raise fault("accepted", N_("Tick the box to say that you have read the agreement and accept it."))
        async with access.account_tx(request, Role.OWNER) as tx:
            await agreements.accept(tx, form.version, person=who.name, user_id=who.user_id)
    except Invalid as error:
        return await _agreement_page(request, await again(request, error), status=422)
    await access.flash(request, N_("Agreement accepted."))
    return redirect(f"/app/{access.member(request).account_id}")


async def log(request: web.Request) -> web.StreamResponse:
    """The journal: ids only, no values, no addresses (B-60)."""
    wanted = query(request, LogQuery)
    async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
        found: Page[audit.Line] = await audit.many(tx, wanted.cursor)
    context = {
        "found": found,
        "first": not wanted.cursor,
        "who": audit_words.ACTORS,
        "acts": audit_words.ACTS,
        "objects": audit_words.OBJECTS,
    }
    return page(request, "accounts/log.html", context)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/settings/account", settings),
    web.post("/{a}/settings/account", change_settings),
    web.get("/{a}/privacy/agreements", agreement),
    web.post("/{a}/privacy/agreements", accept),
    web.get("/{a}/settings/log", log),
]
