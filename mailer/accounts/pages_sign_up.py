"""Sign-up: the address, then by the link of its mailbox the password and the rest (ui 2.4)."""

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, one_time_links, passwords, sign_ins, sign_up, users
from mailer.accounts.pages_entry import (
    MAILS_TO_ONE,
    NO_PASSWORD,
    Secrets,
    dead_link,
    let_in,
    mail_counter,
    place,
    too_many,
)
from mailer.accounts.users import User
from mailer.core.errors import Fault, Gone, Invalid, TooMany
from mailer.core.rate import Limit
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again
from mailer.web.request import Input, client_ip, rates, read, services
from mailer.web.response import page

SIGN_UPS = Limit("sign-up", 40, 3600)
_NOT_ADULT = Fault(
    "adult_business", N_("Tick this box: the service is for professional use by adults."), "missing"
)


class SignUpForm(Input):
    email: str = Field("", max_length=400)


class ConfirmForm(Secrets):
    password: str = Field("", max_length=2000)
    country: str = Field(pattern=r"^[A-Z]{2}$")
    adult_business: bool = False
    news: bool = False


def _mode(request: web.Request) -> sign_up.Mode:
    found = services(request).settings.sign_up
    return found if found in ("open", "approval") else "closed"


@access.anonymous
async def ask_form(request: web.Request) -> web.StreamResponse:
    if _mode(request) == "closed":
        return page(request, "accounts/sign_up_closed.html", status=403)
    return page(request, "accounts/sign_up.html", {"form": Form()})


@access.anonymous
async def ask(request: web.Request) -> web.StreamResponse:
    held = services(request)
    if _mode(request) == "closed":
        return page(request, "accounts/sign_up_closed.html", status=403)
    try:
        form = await read(request, SignUpForm)
        who = users.address(form.email)
        await rates(request).take(SIGN_UPS, client_ip(request) or "")
        await rates(request).take(MAILS_TO_ONE, mail_counter(request, who.key))
    except TooMany as error:
        shown = await again(request, too_many(error, "email"))
        return page(request, "accounts/sign_up.html", {"form": shown}, status=429)
    except Invalid as error:
        return page(request, "accounts/sign_up.html", {"form": await again(request, error)}, status=422)
    async with held.db.shared() as tx:
        await sign_up.ask(
            tx,
            who,
            language=i18n.language(),
            public_url=held.settings.public_url,
            ip=client_ip(request),
        )
    return page(request, "accounts/look_in_mailbox.html", {"email": who.email, "why": "sign_up"})


async def _owner(request: web.Request) -> User:
    """Whose link this is; uses nothing up. Raises Gone."""
    async with services(request).db.shared() as tx:
        link = await one_time_links.look(tx, "confirm_email", request.match_info["token"])
        return await users.by_id(tx, link.user_id)


@access.anonymous
async def confirm_form(request: web.Request) -> web.StreamResponse:
    """GET shows, POST does: mail scanners follow links."""
    try:
        user = await _owner(request)
    except Gone:
        return dead_link(request)
    return _confirm_page(request, user, Form({"country": "FR"}))


def _confirm_page(request: web.Request, user: User, form: Form, *, status: int = 200) -> web.Response:
    rule = passwords.rule(operator=user.is_operator)
    context = {"form": form, "email": user.email, "rule": rule}
    return page(request, "accounts/confirm.html", context, status=status)


@access.anonymous
async def confirm(request: web.Request) -> web.StreamResponse:
    held = services(request)
    try:
        user = await _owner(request)
        new = await _chosen(request, user)
        async with held.db.shared() as tx:
            user = await sign_up.confirm(tx, request.match_info["token"], new, mode=_mode(request))
            try_id = await sign_ins.note_link(tx, user.id, place(request))
    except Gone:
        return dead_link(request)
    except Invalid as error:
        return _confirm_page(request, user, await again(request, error), status=422)
    return await let_in(request, user, to="/app/accounts", sign_in=try_id)


def chosen_password(form: ConfirmForm) -> None:
    """Raises Invalid for what is missing."""
    faults = [] if form.password else [NO_PASSWORD]
    if not form.adult_business:
        faults.append(_NOT_ADULT)
    if faults:
        raise Invalid(*faults)


async def _chosen(request: web.Request, user: User) -> sign_up.NewPerson:
    """Raises Invalid with every fault of the form."""
    form = await read(request, ConfirmForm)
    chosen_password(form)
    hashed = await passwords.hash_new(
        form.password,
        context=(user.address_key,),
        operator=user.is_operator,
        void=user.void_password_hash,
    )
    return sign_up.NewPerson(
        password_hash=hashed, country=form.country, language=i18n.language(), news=form.news
    )


ROUTES: list[web.RouteDef] = [
    web.get("/sign-up", ask_form),
    web.post("/sign-up", ask),
    web.get("/confirm/{token}", confirm_form),
    web.post("/confirm/{token}", confirm),
]
