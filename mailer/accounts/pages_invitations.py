"""The other side of an invitation: a new person chooses a password, a known one signs in first (ui 2.1)."""

from typing import Literal

from aiohttp import web

from mailer.accounts import access, invitations, passwords, sign_ins, users
from mailer.accounts.invitations import Found
from mailer.accounts.pages_entry import dead_link, let_in, place
from mailer.accounts.pages_sign_up import ConfirmForm, chosen_password
from mailer.accounts.users import Preferences, User
from mailer.core.actor import Actor
from mailer.core.db import SharedTx
from mailer.core.errors import Conflict, Gone, Invalid
from mailer.web import i18n
from mailer.web.forms import Form, again
from mailer.web.request import ID, client_ip, read, services
from mailer.web.response import page, redirect

# accept: signed in as the invited; other: as somebody else; sign_in: known, not signed in; new: unknown
Mode = Literal["accept", "other", "sign_in", "new"]


def _known(user: User | None) -> bool:
    return user is not None and user.email_confirmed_at is not None


async def _mode(tx: SharedTx, request: web.Request, found: Found) -> Mode:
    who = request.get(access.PERSON)
    if who is not None:
        mine = await users.by_id(tx, who.user_id)
        return "accept" if mine.address_key == found.address_key else "other"
    return "sign_in" if _known(await users.by_address(tx, found.address_key)) else "new"


def _page(
    request: web.Request, found: Found, mode: Mode, form: Form | None = None, *, status: int = 200
) -> web.Response:
    context = {"found": found, "mode": mode, "form": form or Form({"country": "FR"})}
    return page(request, "accounts/invitation.html", context, status=status)


@access.anonymous
async def show(request: web.Request) -> web.StreamResponse:
    """GET shows, POST does: mail scanners follow links."""
    try:
        async with services(request).db.shared() as tx:
            found = await invitations.look(tx, request.match_info["token"])
            mode = await _mode(tx, request, found)
    except Gone:
        return dead_link(request)
    return _page(request, found, mode)


@access.anonymous
async def accept(request: web.Request) -> web.StreamResponse:
    token = request.match_info["token"]
    try:
        async with services(request).db.shared() as tx:
            found = await invitations.look(tx, token)
            mode = await _mode(tx, request, found)
        if mode == "new":
            return await _join(request, token, found)
        if mode != "accept":
            return _page(request, found, mode, status=403)
        async with services(request).db.account(found.account_id, actor=access.actor(request)) as account_tx:
            await invitations.accept(account_tx, token, access.person(request).user_id)
    except Gone:
        return dead_link(request)
    except Invalid as error:
        return _page(request, found, "new", await again(request, error), status=422)
    return redirect(f"/app/{found.account_id}")


async def _join(request: web.Request, token: str, found: Found) -> web.Response:
    """Person, password and place in one transaction. Raises Gone, Invalid."""
    form = await read(request, ConfirmForm)
    chosen_password(form)
    # never an operator: those have confirmed their address, and are sent to sign in
    hashed = await passwords.hash_new(form.password, context=(found.address_key,))
    async with services(request).db.shared() as tx:
        user_id = await _person(tx, found, form, hashed)
        account_tx = await tx.enter(found.account_id)
        account_tx.actor = Actor("user", user_id, client_ip(request), request[ID])
        await invitations.accept(account_tx, token, user_id)
        try_id = await sign_ins.note_link(tx, user_id, place(request))
        user = await users.by_id(tx, user_id)
    return await let_in(request, user, to=f"/app/{found.account_id}", sign_in=try_id)


async def _person(tx: SharedTx, found: Found, form: ConfirmForm, hashed: str) -> int:
    """Made, or the one who asked to sign up and never went on. Raises Gone when they came in meanwhile."""
    user = await users.by_address(tx, found.address_key)
    if _known(user):
        raise Gone
    language = i18n.language()
    try:
        address = users.address(found.email)
        user_id = user.id if user is not None else await users.create(tx, address, language=language)
    except Conflict as error:
        raise Gone from error
    await users.join(tx, user_id, country=form.country, language=language)
    await users.change_preferences(tx, user_id, Preferences(news=form.news))
    await users.set_password(tx, await users.by_id(tx, user_id), hashed)
    return user_id


ROUTES: list[web.RouteDef] = [
    web.get("/invitations/{token}", show),
    web.post("/invitations/{token}", accept),
]
