"""Settings of the account: who writes (ui 2.4). Next: `pages_account_life.py`."""

from aiohttp import web

from mailer.accounts import access, account_life, accounts
from mailer.accounts.access import Role
from mailer.accounts.accounts import AccountSettings
from mailer.core import clock
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again, filled
from mailer.web.request import read
from mailer.web.response import page, redirect

_SETTINGS = tuple(AccountSettings.model_fields)


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


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/settings/account", settings),
    web.post("/{a}/settings/account", change_settings),
]
