"""The second factor in one's own profile: on, on another phone, new recovery codes, off (ui 2.4)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, qr_codes, second_factors, totp, users
from mailer.accounts.pages_entry import own_path
from mailer.core.errors import Conflict, Forbidden, Invalid
from mailer.core.text import N_
from mailer.web.forms import Form, again
from mailer.web.request import Input, read, services
from mailer.web.response import page, redirect

_HERE = "/app/me/second-factor"
ISSUER = "Mailer"


class FirstCode(Input):
    code: str = Field("", max_length=40)
    next: str = ""


class Answer(Input):
    next: str = ""


def _next(request: web.Request) -> str:
    """Where the person was going when they were asked, or ""."""
    wanted = request.query.get("next", "")
    return own_path(wanted) if wanted else ""


async def show(request: web.Request) -> web.StreamResponse:
    return await _show(request, Form({"next": _next(request)}))


async def _show(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    who, held = access.person(request), services(request)
    async with held.db.shared() as tx:
        factor = await second_factors.show(tx, who.user_id)
        secret = None
        if factor.pending:
            access.need_fresh_password(request)
            secret = await second_factors.pending_secret(tx, held.sealer, who.user_id)
        context: dict[str, object] = {
            "form": form,
            "factor": factor,
            "required": await second_factors.is_required(tx, who.user_id),
            "secret": "",
        }
    if secret is not None:
        address = totp.address(secret, issuer=f"{ISSUER} {request.host}", person=who.email)
        context |= {"secret": totp.text_of(secret), "address": address, "qr_code": qr_codes.svg(address)}
    return page(request, "accounts/second_factor.html", context, status=status)


async def begin(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    form = await read(request, Answer)
    async with services(request).db.shared() as tx:
        await second_factors.begin(tx, services(request).sealer, access.person(request).user_id)
    return redirect(f"{_HERE}?next={own_path(form.next)}" if form.next else _HERE)


async def turn_on(request: web.Request) -> web.StreamResponse:
    """Answers with the page that shows the recovery codes, this once."""
    access.need_fresh_password(request)
    who, held = access.person(request), services(request)
    form = FirstCode()
    try:
        form = await read(request, FirstCode)
        async with held.db.shared() as tx:
            user = await users.by_id(tx, who.user_id)
            codes = await second_factors.turn_on(tx, held.sealer, user, form.code, session_id=who.session_id)
    except Invalid as error:
        return await _show(request, await again(request, error), status=error.status)
    return _codes_page(request, codes, next_path=own_path(form.next) if form.next else "/app/me")


def _codes_page(request: web.Request, codes: list[str], *, next_path: str) -> web.Response:
    return page(request, "accounts/recovery_codes.html", {"codes": codes, "next": next_path})


async def new_codes(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    try:
        async with services(request).db.shared() as tx:
            user = await users.by_id(tx, access.person(request).user_id)
            codes = await second_factors.renew_codes(tx, user)
    except Conflict as error:
        return await _show(request, Form({}, error.faults), status=error.status)
    return _codes_page(request, codes, next_path="/app/me")


async def removal(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    return page(request, "accounts/second_factor_removal.html", {"form": Form()})


async def turn_off(request: web.Request) -> web.StreamResponse:
    access.need_fresh_password(request)
    try:
        async with services(request).db.shared() as tx:
            user = await users.by_id(tx, access.person(request).user_id)
            await second_factors.turn_off(tx, user)
    except Conflict as error:
        raise Forbidden(error.faults[0].message) from error
    await access.flash(request, N_("The second factor is off: your password alone lets you in."))
    return redirect("/app/me")


async def question(request: web.Request) -> web.StreamResponse:
    """Before an owner's first send to the outside (S18)."""
    return page(request, "accounts/second_factor_question.html", {"next": _next(request) or "/app/accounts"})


async def answer_question(request: web.Request) -> web.StreamResponse:
    """Later: asked once, not again."""
    form = await read(request, Answer)
    async with services(request).db.shared() as tx:
        await second_factors.note_asked(tx, access.person(request).user_id)
    return redirect(own_path(form.next))


ROUTES: list[web.RouteDef] = [
    web.get("/me/second-factor", show),
    web.post("/me/second-factor", turn_on),
    web.post("/me/second-factor/starts", begin),
    web.post("/me/second-factor/recovery-codes", new_codes),
    web.get("/me/second-factor/removal", removal),
    web.post("/me/second-factor/removal", turn_off),
    web.get("/me/second-factor/question", question),
    web.post("/me/second-factor/question", answer_question),
]
