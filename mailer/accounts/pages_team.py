"""The team: who is in the account, what they may do, who is invited (ui 2.4 "Team")."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, invitations, team, users
from mailer.accounts.access import Role
from mailer.accounts.invitations import NewInvitation
from mailer.accounts.pages_entry import MAILS_TO_ONE, mail_counter, too_many
from mailer.accounts.team import RoleName
from mailer.accounts.team_words import COMPARED, ROLES
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Forbidden, Invalid, TooMany
from mailer.core.text import N_
from mailer.web.forms import Form, again
from mailer.web.request import Input, id_in_path, rates, read, services
from mailer.web.response import page, redirect


class NewRole(Input):
    role: RoleName
    can_send: bool = False


class Requirement(Input):
    required: bool = Field(False)


def _here(request: web.Request) -> str:
    return f"/app/{access.member(request).account_id}/team"


def _me(request: web.Request) -> int:
    return access.person(request).user_id


def _gifts(request: web.Request) -> list[tuple[str, str, str]]:
    """Roles that this person may give, for a form."""
    mine = access.member(request)
    known = team.Place(user_id=0, role=mine.role_name, can_send=mine.can_send)
    return [(name, *ROLES[name]) for name in ROLES if known.may_give(name, can_send=False)]


async def show(request: web.Request) -> web.StreamResponse:
    return await _show(request, Form())


async def _show(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    """Everybody sees who is here and who may send; the rest is for those who manage."""
    mine = access.member(request)
    manages = mine.role >= Role.MANAGER
    async with access.account_tx(request) as tx:
        people = await team.many(tx)
        me = await team.place(tx, _me(request))
        context: dict[str, object] = {
            "form": form,
            "people": people,
            "me": me,
            "touchable": {one.user_id for one in people if me.may_touch(one.place)},
            "invitations": await invitations.many(tx) if manages else [],
            "manages": manages,
            "owns": mine.role >= Role.OWNER,
            "required": await team.second_factor_required(tx),
            "review": await team.review(tx),
        }
    context |= {"roles": ROLES, "compared": COMPARED}
    return page(request, "accounts/team.html", context, status=status)


async def invite_form(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    return await _invite_page(request, Form({"role": "editor"}))


async def _invite_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    mine = access.need_role(request, Role.MANAGER)
    context = {
        "form": form,
        "options": _gifts(request),
        "may_give_sending": mine.can_send or mine.role >= Role.OWNER,
        "days": invitations.DAYS,
    }
    return page(request, "accounts/team_invitation.html", context, status=status)


@asynccontextmanager
async def _managing(request: web.Request) -> AsyncIterator[AccountTx]:
    """Rights of others change: a manager, who gave their password a short while ago."""
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.MANAGER) as tx:
        yield tx


async def invite(request: web.Request) -> web.StreamResponse:
    """The answer tells nothing about the address (B-10)."""
    try:
        new = await read(request, NewInvitation)
        async with _managing(request) as tx:
            who = users.address(new.email)
            try:
                await rates(request).take(MAILS_TO_ONE, mail_counter(request, who.key))
            except TooMany as error:
                raise too_many(error, "email") from error
            await invitations.invite(tx, _me(request), new, public_url=services(request).settings.public_url)
    except Invalid as error:
        return await _invite_page(request, await again(request, error), status=422)
    await access.flash(request, N_("Invitation sent to {address}."), address=who.email)
    return redirect(_here(request))


async def send_again(request: web.Request) -> web.StreamResponse:
    async with _managing(request) as tx:
        email = await invitations.send_again(
            tx, _me(request), id_in_path(request), public_url=services(request).settings.public_url
        )
        # in the transaction: past the limit nothing changes
        await rates(request).take(MAILS_TO_ONE, mail_counter(request, users.address(email).key))
    await access.flash(request, N_("Invitation sent to {address}."), address=email)
    return redirect(_here(request))


async def revoke(request: web.Request) -> web.StreamResponse:
    async with _managing(request) as tx:
        await invitations.revoke(tx, _me(request), id_in_path(request))
    await access.flash(request, N_("Invitation revoked: its link no longer works."))
    return redirect(_here(request))


async def person(request: web.Request) -> web.StreamResponse:
    return await _person_page(request, None)


async def _person_page(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, Role.MANAGER) as tx:
        them = await team.one(tx, id_in_path(request))
        me = await team.place(tx, _me(request))
    owner = me.role == "owner"
    context = {
        "them": them,
        "form": form or Form({"role": them.role, "can_send": them.can_send}),
        "options": _gifts(request),
        "roles": ROLES,
        "may_touch": me.may_touch(them.place),
        "may_give_sending": them.can_send or me.can_send or owner,
        "may_reset": owner and them.second_factor and them.user_id != me.user_id,
        "may_void": owner and them.user_id != me.user_id,
        "by_operator": them.elsewhere or them.is_operator,
        "is_me": them.user_id == me.user_id,
    }
    return page(request, "accounts/team_person.html", context, status=status)


async def change(request: web.Request) -> web.StreamResponse:
    try:
        new = await read(request, NewRole)
        async with _managing(request) as tx:
            await team.change(tx, _me(request), id_in_path(request), role=new.role, can_send=new.can_send)
    except Invalid as error:
        return await _person_page(request, await again(request, error), status=error.status)
    await access.flash(request, N_("Rights saved. They count from now on."))
    return redirect(_here(request))


async def removal(request: web.Request) -> web.StreamResponse:
    return await _removal_page(request, Form())


async def _removal_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with access.account_tx(request, even_closed=True) as tx:
        them = await team.one(tx, id_in_path(request))
        me = await team.place(tx, _me(request))
    mine = them.user_id == me.user_id
    if not mine and not me.may_touch(them.place):
        raise Forbidden(N_("Your role does not allow this. Ask an owner of the account."))
    context = {"form": form, "them": them, "is_me": mine}
    return page(request, "accounts/team_removal.html", context, status=status)


async def remove(request: web.Request) -> web.StreamResponse:
    """Whoever leaves needs no role; `team.remove` looks at both places under the lock."""
    user_id = id_in_path(request)
    leaving = user_id == _me(request)
    access.need_fresh_password(request)
    try:
        async with access.account_tx(request, Role.ANALYST if leaving else Role.MANAGER) as tx:
            await team.remove(tx, _me(request), user_id)
    except Conflict as error:
        return await _removal_page(request, Form({}, error.faults), status=409)
    await access.flash(
        request, N_("You have left the account.") if leaving else N_("This person is out of the account.")
    )
    return redirect("/app/accounts" if leaving else _here(request))


async def reset_second_factor(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    try:
        async with access.account_tx(request, Role.OWNER) as tx:
            await team.reset_second_factor(tx, _me(request), id_in_path(request))
    except Conflict as error:
        return await _person_page(request, Form({}, error.faults), status=409)
    await access.flash(request, N_("Double authentication reset. The person was told by e-mail."))
    return redirect(_here(request))


async def require_new_password(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    async with access.account_tx(request, Role.OWNER) as tx:
        await team.require_new_password(tx, _me(request), id_in_path(request))
    await access.flash(
        request, N_("This person is out, and their password is void. They were told by e-mail how to go on.")
    )
    return redirect(_here(request))


async def require(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    try:
        wanted = await read(request, Requirement)
        async with access.account_tx(request, Role.OWNER) as tx:
            await team.require_second_factor(tx, _me(request), required=wanted.required)
    except Invalid as error:
        return await _show(request, Form({}, error.faults), status=error.status)
    await access.flash(request, N_("Saved."))
    return redirect(_here(request))


async def review(request: web.Request) -> web.StreamResponse:
    async with access.account_tx(request, Role.OWNER) as tx:
        await team.note_review(tx)
    await access.flash(request, N_("Noted. You are reminded in a year."))
    return redirect(_here(request))


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/team", show),
    web.get("/{a}/team/invitations/new", invite_form),
    web.post("/{a}/team/invitations", invite),
    web.post("/{a}/team/invitations/{id}/resends", send_again),
    web.post("/{a}/team/invitations/{id}/revocations", revoke),
    web.get("/{a}/team/people/{id}", person),
    web.post("/{a}/team/people/{id}", change),
    web.get("/{a}/team/people/{id}/removal", removal),
    web.post("/{a}/team/people/{id}/removal", remove),
    web.post("/{a}/team/people/{id}/second-factor-resets", reset_second_factor),
    web.post("/{a}/team/people/{id}/password-voids", require_new_password),
    web.post("/{a}/team/second-factor", require),
    web.post("/{a}/team/reviews", review),
]
