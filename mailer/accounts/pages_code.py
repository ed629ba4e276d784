"""The second step of signing in: a code of the person's app, or a recovery code (E-32, ui 2.4)."""

from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, second_factors, sign_in_steps, sign_ins, users
from mailer.accounts.pages_entry import (
    STEP_COOKIE,
    open_session,
    own_path,
    place,
    set_cookie,
    too_many,
)
from mailer.accounts.second_factors import Proof
from mailer.accounts.sign_in_steps import Step
from mailer.accounts.users import User
from mailer.core.errors import Invalid, TooMany, fault
from mailer.core.text import N_
from mailer.web.forms import Form, again
from mailer.web.request import Input, read, services
from mailer.web.response import page, redirect


class CodeForm(Input):
    """One of the two is filled in."""

    code: str = Field("", max_length=40)
    recovery_code: str = Field("", max_length=100)
    next: str = ""


async def _step(request: web.Request) -> Step | None:
    token = request.cookies.get(STEP_COOKIE, "")
    if not token or len(token) > 100:
        return None
    async with services(request).db.shared() as tx:
        return await sign_in_steps.find(tx, token)


async def code_is_right(request: web.Request, user: User, form_code: str, recovery_code: str) -> Proof | None:
    """What was proved; counted and slowed down as passwords are, apart from them (B-02). Raises TooMany."""
    held, where = services(request), place(request)
    key = held.settings.key
    counted, device = sign_ins.code_hashes(
        sign_ins.address_hash(key, user.address_key),
        sign_ins.device_hash(key, user.address_key, where.device),
    )
    async with held.db.shared() as tx:
        try_id = await sign_ins.begin(
            tx, counted, user_id=user.id, place=where, device=device, method="second"
        )
    proof: Proof | None = None
    async with held.db.shared() as tx:
        if recovery_code:
            proof = "recovery" if await second_factors.recover(tx, user, recovery_code) else None
        elif await second_factors.check(tx, held.sealer, user.id, form_code):
            proof = "code"
        if proof is not None:
            await sign_ins.succeed(tx, try_id)
    return proof


def wrong(form_code: str, recovery_code: str) -> Invalid:
    if recovery_code:
        return fault("recovery_code", second_factors.WRONG_RECOVERY, code="wrong")
    if not form_code:
        return fault("code", N_("Write the six digits that your app shows."), code="missing")
    return fault("code", second_factors.WRONG, code="wrong")


def _page(request: web.Request, form: Form, *, recovery: bool, status: int = 200) -> web.Response:
    context = {"form": form, "recovery": recovery, "minutes": sign_in_steps.MINUTES}
    return page(request, "accounts/sign_in_code.html", context, status=status)


@access.anonymous
async def ask(request: web.Request) -> web.StreamResponse:
    wanted = own_path(request.query.get("next", ""))
    if request.get(access.PERSON) is not None:
        return redirect(wanted)
    if await _step(request) is None:
        return redirect(f"/app/sign-in?{urlencode({'next': wanted})}")
    return _page(request, Form({"next": wanted}), recovery="recovery" in request.query)


@access.anonymous
async def prove(request: web.Request) -> web.StreamResponse:
    held = services(request)
    step = await _step(request)
    if step is None:
        return redirect("/app/sign-in")
    form = CodeForm()
    try:
        form = await read(request, CodeForm)
        async with held.db.shared() as tx:
            user = await users.by_id(tx, step.user_id)
        proof = None
        if form.code or form.recovery_code:
            proof = await code_is_right(request, user, form.code, form.recovery_code)
        if proof is None:
            raise wrong(form.code, form.recovery_code)
    except TooMany as error:
        field = "recovery_code" if form.recovery_code else "code"
        shown = await again(request, too_many(error, field))
        answer = _page(request, shown, recovery=bool(form.recovery_code), status=429)
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    except Invalid as error:
        shown = await again(request, error)
        return _page(request, shown, recovery=bool(form.recovery_code), status=422)
    async with held.db.shared() as tx:
        if not await sign_in_steps.end(tx, request.cookies[STEP_COOKIE]):
            return redirect("/app/sign-in")
        if step.sign_in_id is not None:
            await sign_ins.note_method(tx, step.sign_in_id, proof)
        answer = await open_session(
            request, tx, user, to=own_path(form.next), sign_in=step.sign_in_id, second_factor=True
        )
    set_cookie(answer, STEP_COOKIE, "", max_age=0)
    return answer


ROUTES: list[web.RouteDef] = [
    web.get("/sign-in/code", ask),
    web.post("/sign-in/code", prove),
]
