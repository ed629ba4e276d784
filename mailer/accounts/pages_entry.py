"""The door: sign in, reset, sign out, choose an account (ui 2.4); `pages_sign_up.py` makes new people."""

from dataclasses import replace
from urllib.parse import urlencode

from aiohttp import web
from pydantic import ConfigDict, Field

from mailer.accounts import (
    access,
    accounts,
    former_people,
    one_time_links,
    pages_kept,
    passwords,
    second_factors,
    sessions,
    sign_in_steps,
    sign_ins,
    sign_up,
    users,
)
from mailer.accounts.sign_ins import Place
from mailer.accounts.users import User
from mailer.core.addresses import Address
from mailer.core.db import SharedTx
from mailer.core.errors import Fault, Gone, Invalid, TooMany, fault
from mailer.core.rate import Limit
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again
from mailer.web.request import Input, client_ip, rates, read, services
from mailer.web.response import page, redirect

DEVICE_COOKIE = "__Host-device"
STEP_COOKIE = "__Host-step"
RESETS = Limit("reset", 40, 3600)
MAILS_TO_ONE = Limit("mails to one address", 5, 3600)
NO_PASSWORD = Fault("password", N_("Write the password."), "missing")
_ERASED = N_("This account was erased on {day}. Nothing of it is kept; you can open a new one.")
_WRONG = N_("Wrong address or password. Check both, or reset the password.")


class Secrets(Input):
    """A form with a password: blanks at its ends belong to it."""

    model_config = ConfigDict(str_strip_whitespace=False)


class SignInForm(Secrets):
    email: str = Field("", max_length=400)
    password: str = Field("", max_length=2000)
    next: str = ""
    kept: str = Field("", max_length=100)


class ResetForm(Input):
    email: str = Field("", max_length=400)


class NewPasswordForm(Secrets):
    password: str = Field(min_length=1, max_length=2000)


def own_path(text: str) -> str:
    """Where to go after sign-in: a path of ours, or the accounts (no open redirect, E-09)."""
    safe = text.startswith(("/app/", "/inbox")) and "\\" not in text and text.isprintable()
    return text if safe and not text.startswith("/app/sign-") else "/app/accounts"


def place(request: web.Request) -> Place:
    return Place(
        ip=client_ip(request),
        device=request.cookies.get(DEVICE_COOKIE, "")[:100],
        program=sessions.program(request.headers.get("User-Agent", "")),
    )


def set_cookie(answer: web.StreamResponse, name: str, value: str, *, max_age: int | None = None) -> None:
    # E-07: __Host- means Secure, Path=/ and no Domain
    answer.set_cookie(name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="Lax")


async def let_in(request: web.Request, user: User, *, to: str, sign_in: int) -> web.Response:
    """To the page that asks for a code, where the person has a second factor; otherwise in.

    By password and by link alike: a mailbox does not stand for both factors (B-11). Not in at all when the
    password was made void while it was looked at.
    """
    async with services(request).db.shared() as tx:
        if not await users.is_as_known(tx, user):
            return redirect("/app/sign-in")
        if not await second_factors.is_on(tx, user.id):
            return await open_session(request, tx, user, to=to, sign_in=sign_in)
        await sign_ins.note_method(tx, sign_in, "step")
        token = await sign_in_steps.start(tx, user.id, sign_in)
    answer = redirect(f"/app/sign-in/code?{urlencode({'next': to})}")
    set_cookie(answer, STEP_COOKIE, token, max_age=sign_in_steps.MINUTES * 60)
    return answer


async def open_session(
    request: web.Request,
    tx: SharedTx,
    user: User,
    *,
    to: str,
    sign_in: int | None,
    second_factor: bool = False,
) -> web.Response:
    """A new session; the one before it ends (E-30: new at sign-in). A device that is new is told."""
    held = services(request)
    before = request.cookies.get(sessions.COOKIE)
    where = place(request)
    if before:
        await sessions.end(tx, before)
    known = sign_ins.device_hash(held.settings.key, user.address_key, where.device) is not None
    if not known and await sign_ins.seen_before(tx, user.id, but=sign_in):
        await users.tell_new_device(tx, user, program=where.program, place=sign_ins.masked(where.ip))
    token = await sessions.start(
        tx,
        user.id,
        ip=where.ip,
        user_agent=request.headers.get("User-Agent", ""),
        second_factor=second_factor,
    )
    answer = redirect(to)
    set_cookie(answer, sessions.COOKIE, token)
    device = sign_ins.new_device(held.settings.key, user.address_key)
    set_cookie(answer, DEVICE_COOKIE, device, max_age=sign_ins.DEVICE_DAYS * 86_400)
    return answer


async def password_is_right(request: web.Request, address_key: str, password: str) -> tuple[User, int] | None:
    """The person and the try, when the password is theirs; counted and slowed down (B-02). Raises TooMany."""
    held = services(request)
    key = held.settings.key
    where = place(request)
    async with held.db.shared() as tx:
        user = await users.by_address(tx, address_key)
        try_id = await sign_ins.begin(
            tx,
            sign_ins.address_hash(key, address_key),
            user_id=user.id if user else None,
            place=where,
            device=sign_ins.device_hash(key, address_key, where.device),
        )
    stored = user.password_hash if user is not None and not user.disabled else None
    if not await passwords.matches(stored, password) or user is None or stored is None:
        return None
    renewed = await passwords.rehash(password) if passwords.is_old(stored) else None
    weak = user.is_operator and not await passwords.is_enough_for_operator(password)
    async with held.db.shared() as tx:
        await sign_ins.succeed(tx, try_id)
        if weak:
            await users.want_new_password(tx, user.id)
        if renewed is not None:
            await users.renew_hash(tx, user.id, stored, renewed)
            user = replace(user, password_hash=renewed)
    return user, try_id


@access.anonymous
async def sign_in(request: web.Request) -> web.StreamResponse:
    wanted, token = own_path(request.query.get("next", "")), request.query.get(pages_kept.TOKEN, "")
    if request.get(access.PERSON) is not None:
        return redirect(pages_kept.address(wanted, token))
    return await _sign_in_page(request, Form({"next": wanted, "kept": token}))


async def _sign_in_page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    context = {
        "form": form,
        "sign_up_open": services(request).settings.sign_up != "closed",
        "kept": await pages_kept.find(request, str(form.value("kept"))),
        "minutes": pages_kept.MINUTES,
    }
    return page(request, "accounts/sign_in.html", context, status=status)


def too_many(error: TooMany, field: str) -> Invalid:
    return Invalid(Fault(field, error.message, "too_many", error.params))


def _filled(email: str, password: str) -> Address:
    """The address, when nothing is missing. Raises Invalid with every fault of the form."""
    faults: list[Fault] = []
    who = None
    try:
        who = users.address(email)
    except Invalid as error:
        faults.extend(error.faults)
    if not password:
        faults.append(NO_PASSWORD)
    if faults or who is None:
        raise Invalid(*faults)
    return who


@access.anonymous
async def sign_in_post(request: web.Request) -> web.StreamResponse:
    try:
        form = await read(request, SignInForm)
        who = _filled(form.email, form.password)
        found = await password_is_right(request, who.key, form.password)
        if found is None:
            raise await _refused(request, who.key, form.password)
    except TooMany as error:
        shown = await again(request, too_many(error, "email"))
        answer = await _sign_in_page(request, shown, status=429)
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    except Invalid as error:
        return await _sign_in_page(request, await again(request, error), status=422)
    user, try_id = found
    return await let_in(request, user, to=pages_kept.address(own_path(form.next), form.kept), sign_in=try_id)


async def _refused(request: web.Request, address_key: str, password: str) -> Invalid:
    """Wrong; but who went with an erased account, and knows the password, reads what became of it (A-093)."""
    held = services(request)
    async with held.db.shared() as tx:
        known = await users.by_address(tx, address_key)
        found = [] if known else await former_people.in_bucket(tx, held.settings.key, address_key)
    erased_at = None if known else await former_people.recognised(found, address_key, password)
    if erased_at is None:
        return fault("email", _WRONG, code="wrong")
    return fault("email", _ERASED, code="erased", day=i18n.day(erased_at, "Europe/Paris"))


def mail_counter(request: web.Request, address_key: str) -> str:
    """What counts the mails to one address: no address stands in Redis."""
    return sign_ins.address_hash(services(request).settings.key, address_key).hex()


def dead_link(request: web.Request) -> web.Response:
    return page(request, "accounts/dead_link.html", status=410)


@access.anonymous
async def reset(request: web.Request) -> web.StreamResponse:
    return page(request, "accounts/reset.html", {"form": Form()})


@access.anonymous
async def reset_post(request: web.Request) -> web.StreamResponse:
    held = services(request)
    try:
        form = await read(request, ResetForm)
        who = users.address(form.email)
        await rates(request).take(RESETS, client_ip(request) or "")
        await rates(request).take(MAILS_TO_ONE, mail_counter(request, who.key))
    except TooMany as error:
        shown = await again(request, too_many(error, "email"))
        return page(request, "accounts/reset.html", {"form": shown}, status=429)
    except Invalid as error:
        return page(request, "accounts/reset.html", {"form": await again(request, error)}, status=422)
    async with held.db.shared() as tx:
        await sign_up.ask_reset(tx, who, public_url=held.settings.public_url, ip=client_ip(request))
    return page(request, "accounts/look_in_mailbox.html", {"email": who.email, "why": "reset"})


async def _forgetful(request: web.Request) -> User:
    """Whose link this is; uses nothing up. Raises Gone."""
    async with services(request).db.shared() as tx:
        link = await one_time_links.look(tx, "reset_password", request.match_info["token"])
        return await users.by_id(tx, link.user_id)


def _new_password_page(request: web.Request, user: User, form: Form, *, status: int = 200) -> web.Response:
    context = {"form": form, "rule": passwords.rule(operator=user.is_operator)}
    return page(request, "accounts/new_password.html", context, status=status)


@access.anonymous
async def new_password(request: web.Request) -> web.StreamResponse:
    try:
        known = await _forgetful(request)
    except Gone:
        return dead_link(request)
    return _new_password_page(request, known, Form())


@access.anonymous
async def new_password_post(request: web.Request) -> web.StreamResponse:
    held, token = services(request), request.match_info["token"]
    try:
        known = await _forgetful(request)
    except Gone:
        return dead_link(request)
    try:
        form = await read(request, NewPasswordForm)
        hashed = await passwords.hash_new(
            form.password,
            context=(known.address_key, known.first_name, known.last_name),
            operator=known.is_operator,
            void=known.void_password_hash,
        )
        async with held.db.shared() as tx:
            user = await sign_up.reset(tx, token, hashed)
            try_id = await sign_ins.note_link(tx, user.id, place(request))
    except Gone:
        return dead_link(request)
    except Invalid as error:
        return _new_password_page(request, known, await again(request, error), status=422)
    return await let_in(request, user, to="/app/accounts", sign_in=try_id)


@access.anonymous
async def sign_in_link(request: web.Request) -> web.StreamResponse:
    try:
        async with services(request).db.shared() as tx:
            link = await one_time_links.look(tx, "sign_in", request.match_info["token"])
            user = await users.by_id(tx, link.user_id)
    except Gone:
        return dead_link(request)
    return page(request, "accounts/sign_in_link.html", {"email": user.email})


@access.anonymous
async def sign_in_link_post(request: web.Request) -> web.StreamResponse:
    try:
        async with services(request).db.shared() as tx:
            link = await one_time_links.use(tx, "sign_in", request.match_info["token"])
            user = await users.by_id(tx, link.user_id)
            try_id = await sign_ins.note_link(tx, user.id, place(request))
    except Gone:
        return dead_link(request)
    return await let_in(request, user, to="/app/accounts", sign_in=try_id)


@access.anonymous
async def change_email(request: web.Request) -> web.StreamResponse:
    try:
        async with services(request).db.shared() as tx:
            link = await one_time_links.look(tx, "change_email", request.match_info["token"])
    except Gone:
        return dead_link(request)
    return page(request, "accounts/change_email.html", {"email": link.details["email"], "form": Form()})


@access.anonymous
async def change_email_post(request: web.Request) -> web.StreamResponse:
    try:
        async with services(request).db.shared() as tx:
            await users.take_new_address(tx, request.match_info["token"])
    except Gone:
        return dead_link(request)
    except Invalid as error:
        context = {"email": "", "form": Form({}, error.faults)}
        return page(request, "accounts/change_email.html", context, status=409)
    return redirect("/app/sign-in")


@access.anonymous
async def sign_out(request: web.Request) -> web.StreamResponse:
    token = request.cookies.get(sessions.COOKIE)
    if token:
        async with services(request).db.shared() as tx:
            await sessions.end(tx, token)
    answer = redirect("/app/sign-in")
    # the browser's own copies of our pages go too (ASVS 14.3.1)
    answer.headers["Clear-Site-Data"] = '"cache"'
    set_cookie(answer, sessions.COOKIE, "", max_age=0)
    return answer


async def choose_account(request: web.Request) -> web.StreamResponse:
    """Straight to the only one."""
    async with services(request).db.shared() as tx:
        places = await accounts.of_person(tx, access.person(request).user_id)
    if len(places) == 1:
        return redirect(f"/app/{places[0].id}")
    return page(request, "accounts/accounts.html", {"places": places})


ROUTES: list[web.RouteDef] = [
    web.get("/sign-in", sign_in),
    web.post("/sign-in", sign_in_post),
    web.get("/reset", reset),
    web.post("/reset", reset_post),
    web.get("/reset/{token}", new_password),
    web.post("/reset/{token}", new_password_post),
    web.get("/sign-in-link/{token}", sign_in_link),
    web.post("/sign-in-link/{token}", sign_in_link_post),
    web.get("/confirm-address/{token}", change_email),
    web.post("/confirm-address/{token}", change_email_post),
    web.post("/sign-out", sign_out),
    web.get("/accounts", choose_account),
]
