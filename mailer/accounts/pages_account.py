"""Settings of the account: identity, closing and its way back (ui 2.4)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, accounts
from mailer.accounts.access import Role
from mailer.accounts.accounts import AccountSettings
from mailer.core.errors import Conflict, Invalid
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again, filled
from mailer.web.request import Input, read, services
from mailer.web.response import page, redirect

_SETTINGS = tuple(AccountSettings.model_fields)


class Closing(Input):
    typed: str = Field("", max_length=200)


async def _settings_page(
    request: web.Request, form: Form | None = None, *, status: int = 200
) -> web.Response:
    async with access.account_tx(request) as tx:
        account = await accounts.show(tx)
    role = access.member(request).role
    context = {
        "account": account,
        "form": form or filled(account, _SETTINGS),
        "may_change": role >= Role.MANAGER and account.status in ("active", "pending"),
        "may_close": role >= Role.OWNER,
        "zone_options": [(name, name.replace("_", " ")) for name in i18n.zone_names()],
    }
    return page(request, "accounts/settings.html", context, status=status)


async def settings(request: web.Request) -> web.StreamResponse:
    return await _settings_page(request)


async def change_settings(request: web.Request) -> web.StreamResponse:
    """Back to the setup list the first time, so that the next step is at hand."""
    try:
        new = await read(request, AccountSettings)
        async with access.account_tx(request, Role.MANAGER) as tx:
            before = await accounts.show(tx)
            await accounts.change(tx, new)
    except Invalid as error:
        return await _settings_page(request, await again(request, error), status=422)
    await access.flash(request, N_("Account saved."))
    here = f"/app/{access.member(request).account_id}"
    return redirect(f"{here}/settings/account" if before.identified else here)


async def closing(request: web.Request) -> web.StreamResponse:
    return await _closing_page(request, Form())


async def _closing_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
        account = await accounts.show(tx)
        erase_on = await accounts.erased_when_closed_now(tx)
    return page(
        request,
        "accounts/close.html",
        {"account": account, "form": form, "erase_on": erase_on},
        status=status,
    )


async def close(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    try:
        form = await read(request, Closing)
        async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
            await accounts.close(tx, form.typed, public_url=services(request).settings.public_url)
    except Invalid as error:
        return await _closing_page(request, await again(request, error), status=error.status)
    return redirect(f"/app/{access.member(request).account_id}/settings/account")


async def reactivate(request: web.Request) -> web.StreamResponse:
    try:
        async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
            await accounts.reactivate(tx)
    except Conflict as error:
        return await _settings_page(request, Form({}, error.faults), status=409)
    await access.flash(
        request, N_("Account reactivated. Campaigns that were paused stay so until you resume them.")
    )
    return redirect(f"/app/{access.member(request).account_id}/settings/account")


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/settings/account", settings),
    web.post("/{a}/settings/account", change_settings),
    web.get("/{a}/settings/account/closing", closing),
    web.post("/{a}/settings/account/closing", close),
    web.post("/{a}/settings/account/reactivations", reactivate),
]
