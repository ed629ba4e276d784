"""Who is calling: the middlewares of /app and /api, and the one way from a request to an AccountTx.

    /app  cookie → Person → membership of {a} → account_tx(request, Role.EDITOR)
    /api  Authorization: Bearer → key → account → api_tx(request)        the scope stands in @operation

Somebody else's account, and everything in it, is NotFound.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.http import StreamWriter
from aiohttp.typedefs import Handler
from redis.exceptions import RedisError

from mailer.accounts import api_keys, api_repeats, members, pages_kept, second_factors, sessions, staff_access
from mailer.accounts.members import Member, Role
from mailer.accounts.sessions import Person
from mailer.core import clock
from mailer.core.actor import Actor
from mailer.core.db import AccountTx
from mailer.core.errors import Forbidden, NotFound, SignInNeeded, TooMany
from mailer.core.rate import Left, Limit
from mailer.core.text import N_
from mailer.web import csrf, i18n
from mailer.web.openapi import operation_of
from mailer.web.request import CSRF, FLASH, ID, LEFT, SHELL, client_ip, id_in_path, rates, services
from mailer.web.response import redirect

__all__ = ["Member", "Role"]
API_LIMIT = Limit("api", 600, 60)
FORM_SECONDS = 600
CONFIRM = "confirm_password"
# where a person whose password must be changed may go
_BEFORE_NEW_PASSWORD = ("/app/me/password", "/app/sign-out", "/app/sign-in", "/app/reset")
# and one who has to set up a second factor first
_BEFORE_SECOND_FACTOR = (
    *_BEFORE_NEW_PASSWORD,
    "/app/me/second-factor",
    "/app/me/confirmations",
    "/app/session",
)
Page = Callable[[web.Request], Awaitable[web.StreamResponse]]
_anonymous: set[object] = set()


PERSON = web.RequestKey("person", Person)
MEMBER = web.RequestKey("member", Member)
KEY = web.RequestKey("api_key", api_keys.Caller)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What base.html needs: templates see it as `shell`."""

    person: Person
    member: Member | None
    inbox: bool

    @property
    def home(self) -> str:
        return f"/app/{self.member.account_id}" if self.member else "/app/accounts"

    @property
    def seconds_left(self) -> int:
        """Until the session ends when nothing is asked for meanwhile (F-10)."""
        return sessions.seconds_left(self.person)

    @property
    def zone(self) -> str:
        return self.member.time_zone if self.member else "Europe/Paris"


def anonymous(handler: Page) -> Page:
    """Marks a page of /app that needs no session."""
    _anonymous.add(handler)
    return handler


def is_anonymous(handler: object) -> bool:
    return handler in _anonymous


def person(request: web.Request) -> Person:
    """Raises SignInNeeded."""
    found = request.get(PERSON)
    if not isinstance(found, Person):
        raise SignInNeeded
    return found


def member(request: web.Request) -> Member:
    """Raises NotFound for a stranger."""
    found = request.get(MEMBER)
    if not isinstance(found, Member):
        raise NotFound
    return found


def need_operator(request: web.Request) -> Person:
    """Raises NotFound for everybody but operators."""
    who = person(request)
    if not who.is_operator:
        raise NotFound
    return who


def actor(request: web.Request) -> Actor:
    """For the journal."""
    key = request.get(KEY)
    if key is not None:
        return Actor("api_key", key.id, client_ip(request), request[ID], key.name)
    place = request.get(MEMBER)
    if isinstance(place, Member) and place.is_staff:
        return Actor("operator", place.staff_id, client_ip(request), request[ID])
    who = person(request)
    return Actor("user", who.user_id, client_ip(request), request[ID], who.name)


def need_role(request: web.Request, role: Role) -> Member:
    """For a page that reads nothing, such as an empty form. Raises NotFound for strangers, Forbidden."""
    who = member(request)
    if who.role < role:
        raise Forbidden(N_("Your role does not allow this. Ask an owner of the account."))
    return who


@asynccontextmanager
async def account_tx(
    request: web.Request, role: Role = Role.ANALYST, *, even_closed: bool = False
) -> AsyncIterator[AccountTx]:
    """A transaction in the account of the path, for a member with at least `role`.

    Raises NotFound for strangers, Forbidden below the role, and on a suspended or closed account for whatever
    changes something, unless `even_closed` (export, closing, unsubscribing are always possible: A-013).
    """
    who = need_role(request, role)
    if role > Role.ANALYST and who.status not in ("active", "pending") and not even_closed:
        raise Forbidden(N_("This account is suspended or closed: it can be read and exported, not changed."))
    async with services(request).db.account(who.account_id, actor=actor(request)) as tx:
        yield tx


@asynccontextmanager
async def sender_tx(request: web.Request) -> AsyncIterator[AccountTx]:
    """For what makes mail leave: needs the right to send."""
    if not member(request).can_send:
        raise Forbidden(N_("Only people who may send can do this. Ask an owner of the account."))
    if member(request).status == "pending" and member(request).awaits == "owner":
        raise Forbidden(N_("This account was reactivated: nothing is sent before an owner confirms it."))
    if member(request).status == "pending":
        raise Forbidden(N_("This account waits for the operator's approval: nothing can be sent yet."))
    async with account_tx(request, Role.EDITOR) as tx:
        yield tx


@asynccontextmanager
async def api_tx(request: web.Request, *, even_closed: bool = False) -> AsyncIterator[AccountTx]:
    """A transaction in the key's account; with an Idempotency-Key the one that `api_repeats.once` commits."""
    key = request[KEY]
    safe = request.method in ("GET", "HEAD")
    if not safe and key.account_status not in ("active", "pending") and not even_closed:
        raise Forbidden(N_("This account is suspended or closed: it can be read and exported, not changed."))
    if api_repeats.has_key(request):
        yield await api_repeats.transaction(request, key.account_id, actor(request))
        return
    async with services(request).db.account(key.account_id, actor=actor(request)) as tx:
        yield tx


@asynccontextmanager
async def api_look(request: web.Request) -> AsyncIterator[AccountTx]:
    """A transaction of its own, for what a handler reads before an upload: no other is open meanwhile."""
    async with services(request).db.account(request[KEY].account_id, actor=actor(request)) as tx:
        yield tx


async def _recognise(request: web.Request) -> None:
    """Puts person, member, shell, csrf and flash on the request."""
    token = request.cookies.get(sessions.COOKIE)
    async with services(request).db.shared() as tx:
        who = await sessions.find(tx, token) if token else None
        if who is None:
            return
        place = None
        if "a" in request.match_info:
            account_id = id_in_path(request, "a")
            place = await members.find(tx, account_id, who.user_id)
            if place is None and who.is_operator:
                place = await members.staff(tx, account_id, who.user_id)
        if who.flash is not None and request.method == "GET":
            await sessions.leave_flash(tx, who.session_id, None)
    request[PERSON] = who
    if place is not None:
        request[MEMBER] = place
    request[CSRF], request[FLASH] = csrf.issue(request, who.csrf, who.user_id), who.flash
    request[SHELL] = Shell(person=who, member=place, inbox=services(request).settings.inbox_shown)
    i18n.use_language(i18n.best_language(request.query.get("lang"), who.language))


@web.middleware
async def session(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware of /app."""
    if request.match_info.http_exception is not None:
        return await handler(request)
    await _recognise(request)
    who: Person | None = request.get(PERSON)
    if who is None and request.match_info.handler not in _anonymous:
        return await pages_kept.keep(request, None, SignInNeeded())
    if "a" in request.match_info:
        place = member(request)
        if place.is_staff:
            below = request.path.removeprefix(f"/app/{place.account_id}").strip("/")
            staff_access.check(place.staff_purpose, request.method, below)
            async with services(request).db.account(place.account_id, actor=actor(request)) as tx:
                renewed = "HX-Request" in request.headers
                await staff_access.trace(tx, below, request.match_info.get("id", ""), renewed=renewed)
            handler = _reading(handler)
    try:
        await csrf.check(request, who.csrf if who else None)
    except csrf.CrossSite as error:
        if who is not None and request.path == "/app/sign-in" and csrf.same_site(request):
            return redirect(request.path_qs)  # signed in meanwhile, in another tab
        return await pages_kept.keep(request, who, error)
    if who is not None and (origin := csrf.origin_of(request, await csrf.sent_token(request))) is not None:
        # a form that is shown again after a fault stands where it stood
        request[CSRF] = csrf.issue(request, who.csrf, who.user_id, origin.page)
    if who is not None and who.must_change_password and not request.path.startswith(_BEFORE_NEW_PASSWORD):
        return redirect("/app/me/password")  # B-08
    if who is not None and _needs_second_factor(request, who):
        return redirect(f"/app/me/second-factor?{urlencode({'next': request.path})}")
    if who is not None and pages_kept.TOKEN in request.query and request.match_info.handler not in _anonymous:
        return await pages_kept.show_again(request, who.user_id, handler)
    try:
        return await _once(request, handler)
    except Forbidden as error:
        if (
            who is None
            or error.code != CONFIRM
            or request.content_type != "application/x-www-form-urlencoded"
        ):
            raise
        return await pages_kept.keep_for_password(request, who, error)


def _reading(handler: Handler) -> Handler:
    async def read(request: web.Request) -> web.StreamResponse:
        answer = await handler(request)
        staff_access.check_answer(answer.headers)
        return answer

    return read


async def staff_stream(request: web.Request, answer: web.StreamResponse) -> None:
    """The signal before an answer begins, for files that a handler sends by itself."""
    place = request.get(MEMBER)
    if place is None or not place.is_staff:
        return
    try:
        staff_access.check_answer(answer.headers)
    except Forbidden:
        # the file would have gone in chunks; the page in its place says its length
        if isinstance(request.writer, StreamWriter):
            request.writer.chunked = False
        raise


def _needs_second_factor(request: web.Request, who: Person) -> bool:
    """S18: an operator, and whoever works in an account that asks it of everybody, gives a code first.

    On a development machine, whose mail goes to its own inbox, an operator is not asked.
    """
    if who.second_factor_at is not None or request.path.startswith(_BEFORE_SECOND_FACTOR):
        return False
    place = request.get(MEMBER)
    operator = who.is_operator and not services(request).settings.inbox_shown
    return operator or (place is not None and place.second_factor_required)


async def _once(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A second press of the same form shows the first result (ui 3.3): by the form's one-time id."""
    if request.method != "POST" or request.content_type != "application/x-www-form-urlencoded":
        return await handler(request)
    form_id = str((await request.post()).get("form_id", ""))
    if not form_id or len(form_id) > 64:
        return await handler(request)
    redis = services(request).redis
    key = f"form:{request.cookies.get(sessions.COOKIE, '')[:12]}:{form_id}"
    try:
        first = await redis.set(key, b"", nx=True, ex=FORM_SECONDS)
        if not first:
            place = await redis.get(key)
            if place:
                return web.Response(status=303, headers={"Location": place.decode()})
    except (RedisError, OSError):
        return await handler(request)
    try:
        answer = await handler(request)
    except BaseException:
        await redis.delete(key)
        raise
    if answer.status == 303:
        await redis.set(key, answer.headers["Location"].encode(), ex=FORM_SECONDS)
    else:
        await redis.delete(key)
    return answer


async def flash(request: web.Request, message: str, *, kind: str = "success", **params: object) -> None:
    """A callout above the next page's heading; `message` is a msgid."""
    async with services(request).db.shared() as tx:
        await sessions.leave_flash(
            tx, person(request).session_id, {"kind": kind, "message": message, "params": params}
        )


def _sends_unguarded(request: web.Request) -> bool:
    """An owner who may send and signs in by password alone."""
    place = member(request)
    return place.role >= Role.OWNER and place.can_send and person(request).second_factor_at is None


async def owes_answer(request: web.Request, tx: AccountTx) -> bool:
    """S18: an owner without a second factor, who was not asked yet whether they want one."""
    if not _sends_unguarded(request):
        return False
    return not await second_factors.was_asked(tx.shared(), person(request).user_id)


async def put_off_second_factor(request: web.Request, tx: AccountTx) -> bool:
    """S18: an owner who was asked, said later, and still has none: home reminds them."""
    return _sends_unguarded(request) and await second_factors.was_asked(tx.shared(), person(request).user_id)


def new_form_id() -> str:
    return secrets.token_urlsafe(12)


def need_fresh_password(request: web.Request, minutes: int = 10) -> None:
    """For dangerous acts (E-30): raises Forbidden CONFIRM when password or code are too long ago.

    A form that was sent is kept: it stands filled in again after the word is given.
    """
    if clock.now() - person(request).confirmed_at > timedelta(minutes=minutes):
        raise Forbidden(
            N_("Give your password again to go on."),
            code=CONFIRM,
            link=f"/app/me/confirmations?next={request.path}",
        )


@web.middleware
async def api_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware of /api: key, scope, rate (E-35, E-62)."""
    if request.match_info.http_exception is not None:
        return await handler(request)
    known = operation_of(request.match_info.handler)
    if known is not None and known.anonymous:
        return await handler(request)
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not api_keys.well_formed(text.strip()):
        raise SignInNeeded
    async with services(request).db.shared() as tx:
        key = await api_keys.find(tx, text.strip(), ip=client_ip(request))
    if key is None:
        raise SignInNeeded
    request[KEY] = key
    try:
        request[LEFT] = await rates(request).take(API_LIMIT, str(key.id))
    except TooMany as error:
        request[LEFT] = Left(0, error.retry_after)
        raise
    if known is not None and known.scope and known.scope not in key.scopes:
        raise Forbidden(N_("This key lacks the scope {scope}."), code="scope", params={"scope": known.scope})
    return await api_repeats.once(request, handler)


@web.middleware
async def rate_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Around everything of /api, errors too."""
    answer = await handler(request)
    if not answer.prepared:
        await add_rate(request, answer)
    return answer


async def add_rate(request: web.Request, answer: web.StreamResponse) -> None:
    """Also the signal before a stream begins. draft-ietf-httpapi-ratelimit-headers §3, §4 (E-62)."""
    if not request.path.startswith("/api/"):
        return
    answer.headers["RateLimit-Policy"] = f'"default";q={API_LIMIT.count};w={API_LIMIT.seconds}'
    left = request.get(LEFT)
    if left is not None:
        answer.headers["RateLimit"] = f'"default";r={left.remaining};t={left.reset}'
