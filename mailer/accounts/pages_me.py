"""Edit my profile (A-015): fields of A-041, address, password, sessions, sign-ins, wishes, own data."""

import orjson
from aiohttp import web
from pydantic import Field

from mailer.accounts import access, own_data, passwords, second_factors, sessions, sign_ins, users
from mailer.accounts.pages_code import code_is_right, wrong
from mailer.accounts.pages_entry import (
    MAILS_TO_ONE,
    Secrets,
    mail_counter,
    own_path,
    password_is_right,
    too_many,
)
from mailer.accounts.users import Preferences, Profile
from mailer.core.errors import Invalid, NotFound, TooMany, fault
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again, filled
from mailer.web.request import id_in_path, rates, read, services
from mailer.web.response import json, page, redirect

_PROFILE = tuple(Profile.model_fields)
_NOT_YOURS = N_("This is not your current password.")


class NewEmail(Secrets):
    email: str = Field(min_length=1, max_length=400)
    current_password: str = Field("", max_length=2000)


class NewPassword(Secrets):
    current_password: str = Field("", max_length=2000)
    password: str = Field(min_length=1, max_length=2000)


class Confirmation(Secrets):
    """The password, or a code of the second factor."""

    password: str = Field("", max_length=2000)
    code: str = Field("", max_length=40)
    next: str = ""


async def _show(request: web.Request, form: Form | None = None, *, status: int = 200) -> web.Response:
    who = access.person(request)
    async with services(request).db.shared() as tx:
        user = await users.by_id(tx, who.user_id)
        context = {
            "user": user,
            "form": form or filled(user, _PROFILE),
            "sessions": await sessions.many(tx, user.id),
            "current": who.session_id,
            "sign_ins": await sign_ins.last(tx, user.id),
            "factor": await second_factors.show(tx, user.id),
        }
    return page(request, "accounts/me.html", context, status=status)


async def me(request: web.Request) -> web.StreamResponse:
    return await _show(request)


async def change_profile(request: web.Request) -> web.StreamResponse:
    try:
        new = await read(request, Profile)
        async with services(request).db.shared() as tx:
            await users.change_profile(tx, access.person(request).user_id, new)
    except Invalid as error:
        return await _show(request, await again(request, error), status=422)
    i18n.use_language(new.language)
    await access.flash(request, N_("Profile saved."))
    return redirect("/app/me")


async def change_wishes(request: web.Request) -> web.StreamResponse:
    wishes = await read(request, Preferences)
    async with services(request).db.shared() as tx:
        await users.change_preferences(tx, access.person(request).user_id, wishes)
    await access.flash(request, N_("Choices saved."))
    return redirect("/app/me")


async def _check_password(request: web.Request, given: str, field: str) -> None:
    """The password of who is signed in, counted like a sign-in (B-02). Raises Invalid at `field`.

    Who never chose one came by a link: a recent one is as good.
    """
    who = access.person(request)
    async with services(request).db.shared() as tx:
        user = await users.by_id(tx, who.user_id)
    if user.password_hash is None:
        access.need_fresh_password(request)
        return
    try:
        found = await password_is_right(request, user.address_key, given)
    except TooMany as error:
        raise too_many(error, field) from error
    if found is None:
        raise fault(field, _NOT_YOURS, code="wrong")


async def _check_code(request: web.Request, given: str) -> None:
    """Raises Invalid at `code`."""
    async with services(request).db.shared() as tx:
        user = await users.by_id(tx, access.person(request).user_id)
    try:
        proof = await code_is_right(request, user, given, "")
    except TooMany as error:
        raise too_many(error, "code") from error
    if proof is None:
        raise wrong(given, "")


async def email_form(request: web.Request) -> web.StreamResponse:
    return await _email_page(request, Form())


async def _email_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with services(request).db.shared() as tx:
        user = await users.by_id(tx, access.person(request).user_id)
    return page(request, "accounts/me_email.html", {"form": form, "user": user}, status=status)


async def change_email(request: web.Request) -> web.StreamResponse:
    held = services(request)
    try:
        form = await read(request, NewEmail)
        new_address = users.address(form.email)
        await _check_password(request, form.current_password, "current_password")
        try:
            await rates(request).take(MAILS_TO_ONE, mail_counter(request, new_address.key))
        except TooMany as error:
            raise too_many(error, "email") from error
        async with held.db.shared() as tx:
            who = access.person(request)
            user = await users.in_session(tx, who.user_id, who.session_id)
            new = await users.ask_new_address(tx, user, form.email, public_url=held.settings.public_url)
    except Invalid as error:
        return await _email_page(request, await again(request, error), status=422)
    await access.flash(
        request,
        N_("We have sent a link to {address}. Your address changes when you use it."),
        kind="info",
        address=new.email,
    )
    return redirect("/app/me")


async def password_form(request: web.Request) -> web.StreamResponse:
    return await _password_page(request, Form())


async def _password_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    who = access.person(request)
    async with services(request).db.shared() as tx:
        user = await users.by_id(tx, who.user_id)
    context = {
        "form": form,
        "has_password": user.password_hash is not None,
        "must": who.must_change_password,
        "operator": who.is_operator,
        "rule": passwords.rule(operator=who.is_operator),
    }
    return page(request, "accounts/me_password.html", context, status=status)


async def change_password(request: web.Request) -> web.StreamResponse:
    """The current one is asked for (E-33); every other session ends."""
    who = access.person(request)
    held = services(request)
    try:
        form = await read(request, NewPassword)
        await _check_password(request, form.current_password, "current_password")
        if form.password == form.current_password:
            raise fault("password", N_("This is the password you already have. Choose another one."))
        async with held.db.shared() as tx:
            known = await users.by_id(tx, who.user_id)
        hashed = await passwords.hash_new(
            form.password,
            context=(who.email, who.first_name, who.last_name),
            operator=who.is_operator,
            void=known.void_password_hash,
        )
        async with held.db.shared() as tx:
            user = await users.in_session(tx, who.user_id, who.session_id)
            await users.set_password(tx, user, hashed, keep_session=who.session_id)
            await sessions.confirm(tx, who.session_id)
    except Invalid as error:
        return await _password_page(request, await again(request, error), status=422)
    await access.flash(request, N_("Password saved. All your other sessions were ended."))
    return redirect("/app/me")


async def end_session(request: web.Request) -> web.StreamResponse:
    who = access.person(request)
    async with services(request).db.shared() as tx:
        if not await sessions.end_one(tx, who.user_id, id_in_path(request)):
            raise NotFound
    await access.flash(request, N_("Session ended."))
    return redirect("/app/me")


async def end_other_sessions(request: web.Request) -> web.StreamResponse:
    who = access.person(request)
    async with services(request).db.shared() as tx:
        n = await sessions.end_all(tx, who.user_id, but=who.session_id)
    await access.flash(request, N_("Other sessions ended: {n}."), n=n)
    return redirect("/app/me")


async def download(request: web.Request) -> web.StreamResponse:
    """A-006: everything that is kept about the person, as JSON."""
    async with services(request).db.shared() as tx:
        found = await own_data.collect(tx, access.person(request).user_id)
    return web.Response(
        body=orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z),
        content_type="application/json",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="my-data.json"',
        },
    )


async def confirmation_form(request: web.Request) -> web.StreamResponse:
    return await _confirmation_page(request, Form({"next": own_path(request.query.get("next", ""))}))


async def _confirmation_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    async with services(request).db.shared() as tx:
        user = await users.by_id(tx, access.person(request).user_id)
        factor = await second_factors.is_on(tx, user.id)
    context = {"form": form, "user": user, "factor": factor}
    return page(request, "accounts/me_confirmation.html", context, status=status)


async def confirm(request: web.Request) -> web.StreamResponse:
    """The password again, or a code, before a dangerous act (E-30)."""
    who = access.person(request)
    try:
        form = await read(request, Confirmation)
        if form.code:
            await _check_code(request, form.code)
        else:
            await _check_password(request, form.password, "password")
    except Invalid as error:
        return await _confirmation_page(request, await again(request, error), status=422)
    async with services(request).db.shared() as tx:
        await sessions.confirm(tx, who.session_id)
    return redirect(own_path(form.next))


async def stay(request: web.Request) -> web.Response:
    """Being asked for touches the session; the dialog before its end does that (F-10)."""
    return json({"seconds_left": sessions.seconds_left(access.person(request))})


ROUTES: list[web.RouteDef] = [
    web.get("/me", me),
    web.get("/session", stay),
    web.post("/me", change_profile),
    web.post("/me/wishes", change_wishes),
    web.get("/me/email", email_form),
    web.post("/me/email", change_email),
    web.get("/me/password", password_form),
    web.post("/me/password", change_password),
    web.post("/me/sessions/{id}/ends", end_session),
    web.post("/me/session-ends", end_other_sessions),
    web.get("/me/data", download),
    web.get("/me/confirmations", confirmation_form),
    web.post("/me/confirmations", confirm),
]
