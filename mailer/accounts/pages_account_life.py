"""Suspend, close, come back, have it erased sooner: each a page that says what happens (ui 2.4, 3.5)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, account_life, accounts
from mailer.accounts.access import Role
from mailer.accounts.account_life import SoonerErasure, Suspension
from mailer.accounts.pages_account import settings_page
from mailer.core import clock
from mailer.core.errors import Conflict, Forbidden, Invalid
from mailer.core.text import N_
from mailer.web.forms import Form, again
from mailer.web.request import Input, read, services
from mailer.web.response import page, redirect

_SHOWN = "/settings/account"


class Closing(Input):
    typed: str = Field("", max_length=200)


def _back(request: web.Request) -> web.Response:
    return redirect(f"/app/{access.member(request).account_id}{_SHOWN}")


def _ask_password(request: web.Request) -> web.Response | None:
    """Straight to the page that asks for it, when it is too long ago (E-30)."""
    try:
        access.need_fresh_password(request)
    except Forbidden as error:
        return redirect(error.link)
    return None


async def closing(request: web.Request) -> web.StreamResponse:
    if (asked := _ask_password(request)) is not None:
        return asked
    return await _closing_page(request, Form())


async def _closing_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
        account = await accounts.show(tx)
        export = await account_life.last_export(tx)
    now = clock.now()
    context = {
        "export": export,
        "account": account,
        "form": form,
        "erase_on": account_life.erased_when_closed(now),
        "retrievable_until": now + account_life.RETRIEVAL,
    }
    return page(request, "accounts/close.html", context, status=status)


async def close(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    try:
        form = await read(request, Closing)
        async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
            await account_life.close(
                tx, form.typed, now=clock.now(), public_url=services(request).settings.public_url
            )
    except Invalid as error:
        return await _closing_page(request, await again(request, error), status=error.status)
    return _back(request)


async def reactivate(request: web.Request) -> web.StreamResponse:
    try:
        async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
            account = await account_life.reactivate(tx, now=clock.now())
    except Conflict as error:
        return await settings_page(request, Form({}, error.faults), status=409)
    if account.awaits == "owner":
        text = N_("Account reactivated. Nothing is sent before an owner confirms it below.")
    else:
        text = N_("Account reactivated. Campaigns that were paused stay so until you resume them.")
    await access.flash(request, text)
    return _back(request)


async def confirm_sending(request: web.Request) -> web.StreamResponse:
    try:
        async with access.account_tx(request, Role.OWNER) as tx:
            await account_life.confirm_sending(tx)
    except Conflict as error:
        return await settings_page(request, Form({}, error.faults), status=409)
    await access.flash(
        request, N_("Mails may leave again. Campaigns that were paused stay so until you resume them.")
    )
    return _back(request)


async def suspending(request: web.Request) -> web.StreamResponse:
    return await _suspension_page(request, Form())


async def _suspension_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
        context = {"account": await accounts.show(tx), "form": form}
    return page(request, "accounts/suspend.html", context, status=status)


async def suspend(request: web.Request) -> web.StreamResponse:
    try:
        form = await read(request, Suspension)
        async with access.account_tx(request, Role.OWNER) as tx:
            await account_life.suspend(
                tx, "owner", form.reason, now=clock.now(), public_url=services(request).settings.public_url
            )
    except Invalid as error:
        return await _suspension_page(request, await again(request, error), status=error.status)
    return _back(request)


async def lift(request: web.Request) -> web.StreamResponse:
    try:
        async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
            await account_life.lift(tx, "owner")
    except Conflict as error:
        return await settings_page(request, Form({}, error.faults), status=409)
    await access.flash(
        request, N_("The account is no longer suspended. Paused campaigns stay so until you resume them.")
    )
    return _back(request)


async def erasing(request: web.Request) -> web.StreamResponse:
    if (asked := _ask_password(request)) is not None:
        return asked
    return await _erasure_page(request, Form({"wanted": "thirty"}))


async def _erasure_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
        account = await accounts.show(tx)
    if account.closed_at is None:
        return _back(request)
    context = {
        "account": account,
        "form": form,
        "retrievable_until": account_life.retrievable_until(account),
        "now": clock.now(),
    }
    return page(request, "accounts/erase_sooner.html", context, status=status)


async def erase_sooner(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    try:
        form = await read(request, SoonerErasure)
        async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
            await account_life.erase_sooner(
                tx, form, now=clock.now(), public_url=services(request).settings.public_url
            )
    except Invalid as error:
        return await _erasure_page(request, await again(request, error), status=error.status)
    await access.flash(request, N_("The day of erasure was brought forward. The team is told by e-mail."))
    return _back(request)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/settings/account/closing", closing),
    web.post("/{a}/settings/account/closing", close),
    web.post("/{a}/settings/account/reactivations", reactivate),
    web.post("/{a}/settings/account/sending", confirm_sending),
    web.get("/{a}/settings/account/suspension", suspending),
    web.post("/{a}/settings/account/suspension", suspend),
    web.post("/{a}/settings/account/suspension/end", lift),
    web.get("/{a}/settings/account/erasure", erasing),
    web.post("/{a}/settings/account/erasure", erase_sooner),
]
