"""Access of the operator's people to an account: asked for here, approved there, ended by either (A-018)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, staff_access
from mailer.accounts.access import Role
from mailer.accounts.staff_access import NewAccess
from mailer.core import clock
from mailer.core.errors import Conflict, Invalid
from mailer.core.text import N_
from mailer.web import response
from mailer.web.forms import Form, again
from mailer.web.request import Input, id_in_path, query, read, services

BASE = "/app/operator/accesses"


class Asked(Input):
    cursor: str = Field("", max_length=200)
    account: str = Field("", max_length=20)


class Wish(Input):
    approval: bool = False


async def _operators_page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    asked = query(request, Asked)
    async with services(request).db.shared() as tx:
        found = await staff_access.many(tx, asked.cursor)
    context = {
        "base": BASE,
        "found": found,
        "first": not asked.cursor,
        "form": form,
        "purposes": staff_access.PURPOSES,
        "now": clock.now(),
    }
    return response.page(request, "accounts/staff/operator.html", context, status=status)


async def index(request: web.Request) -> web.Response:
    access.need_operator(request)
    return await _operators_page(request, Form({"account": query(request, Asked).account, "minutes": 30}))


async def ask(request: web.Request) -> web.Response:
    who = access.need_operator(request)
    access.need_fresh_password(request)
    try:
        new = await read(request, NewAccess)
        async with services(request).db.shared() as tx:
            await staff_access.ask(
                tx, new, operator_id=who.user_id, public_url=services(request).settings.public_url
            )
    except Invalid as error:
        return await _operators_page(request, await again(request, error), error.status)
    await access.flash(request, N_("The owners of the account were told. Open it from the list below."))
    return response.redirect(BASE)


async def leave(request: web.Request) -> web.Response:
    access.need_operator(request)
    async with services(request).db.shared() as tx:
        await staff_access.leave(tx, id_in_path(request))
    await access.flash(request, N_("The access has ended."))
    return response.redirect(BASE)


# ---------------------------------------------------------------- the account's


def _place(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}/settings/staff-access"


async def show(request: web.Request) -> web.Response:
    return await _show(request, Form())


async def _show(request: web.Request, form: Form, status: int = 200) -> web.Response:
    asked, place = query(request, Asked), access.member(request)
    async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
        found = await staff_access.many(tx.shared(), asked.cursor, account_id=place.account_id)
        approval = await staff_access.must_approve(tx)
    context = {
        "place": _place(request),
        "found": found,
        "first": not asked.cursor,
        "form": form,
        "approval": approval,
        "purposes": staff_access.PURPOSES,
        "now": clock.now(),
        "owner": place.role >= Role.OWNER,
    }
    return response.page(request, "accounts/staff/account.html", context, status=status)


async def wish(request: web.Request) -> web.Response:
    async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
        await staff_access.wants_approval(tx, (await read(request, Wish)).approval)
    await access.flash(request, N_("Saved."))
    return response.redirect(_place(request))


async def approve(request: web.Request) -> web.Response:
    try:
        async with access.account_tx(request, Role.OWNER, even_closed=True) as tx:
            await staff_access.approve(tx, id_in_path(request))
    except Conflict as error:
        return await _show(request, Form({}, error.faults), error.status)
    await access.flash(request, N_("Approved. It ends by itself."))
    return response.redirect(_place(request))


async def end(request: web.Request) -> web.Response:
    """Managers too: to end it early needs nobody's leave."""
    try:
        async with access.account_tx(request, Role.MANAGER, even_closed=True) as tx:
            await staff_access.end(tx, id_in_path(request))
    except Conflict as error:
        return await _show(request, Form({}, error.faults), error.status)
    await access.flash(request, N_("The access has ended."))
    return response.redirect(_place(request))


ROUTES: list[web.RouteDef] = [
    web.get("/operator/accesses", index),
    web.post("/operator/accesses", ask),
    web.post(r"/operator/accesses/{id:\d+}/end", leave),
    web.get("/{a}/settings/staff-access", show),
    web.post("/{a}/settings/staff-access", wish),
    web.post(r"/{a}/settings/staff-access/{id:\d+}/approval", approve),
    web.post(r"/{a}/settings/staff-access/{id:\d+}/end", end),
]
