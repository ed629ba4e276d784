"""What wraps every request: its number, security headers, and errors turned into a page or problem+json."""

import secrets
import time
import traceback

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from mailer.core import metrics
from mailer.core.db import is_away, is_out_of_range
from mailer.core.errors import (
    Fault,
    Forbidden,
    Gone,
    Invalid,
    MailerError,
    NotFound,
    SignInNeeded,
    TooMany,
    Unavailable,
)
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.request import ID, MESSAGES, NONCE, WrongMediaType, services

log = structlog.get_logger()

TITLES = {
    400: N_("This request cannot be read."),
    401: N_("Sign in first."),
    403: N_("Your role does not allow this."),
    404: N_("There is nothing at this address."),
    405: N_("This address does not take that method."),
    409: N_("This meets something that is already there."),
    410: N_("This is no longer available."),
    413: N_("This is too large."),
    415: N_("The body is not of a type that this address reads."),
    416: N_("The file is shorter than that."),
    422: N_("The input has faults."),
    429: N_("Too many tries."),
    500: N_("Something of ours broke. Nothing you sent was lost by it."),
    503: N_("A part we need is away for a moment. Nothing was lost; try again soon."),
}

STEP_FIRST = N_("One step comes first.")  # refused for now, and the page says where to go


def face(request: web.Request) -> str:
    """ "app", "api", "t" or "root"."""
    first = request.path.split("/", 2)[1]
    return first if first in ("app", "api", "t") else "root"


@web.middleware
async def request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Numbers the request, times it, and logs it without its query."""
    request[ID] = secrets.token_hex(8)
    request[NONCE] = secrets.token_urlsafe(16)
    started = time.perf_counter()
    i18n.use_language(
        i18n.best_language(request.query.get("lang"), accept=request.headers.get("Accept-Language", ""))
    )
    with structlog.contextvars.bound_contextvars(request=request[ID]):
        answer = await handler(request)
        seconds = time.perf_counter() - started
        name = face(request)
        metrics.REQUESTS.labels(name, str(answer.status)).inc()
        metrics.SECONDS.labels(name).observe(seconds)
        if name != "t":  # B-41: nothing of what recipients do is in an access log
            log.info(
                "request",
                method=request.method,
                path=_logged(request),
                status=answer.status,
                ms=round(seconds * 1000, 1),
            )
    if not answer.prepared:
        answer.headers["X-Request-Id"] = request[ID]
    return answer


def _logged(request: web.Request) -> str:
    """The path without what opens a door: one-time links work for an hour, recipients' links for years."""
    if face(request) == "t":
        return "/t"
    token = request.match_info.get("token")
    return request.path.replace(token, "…") if token else request.path


def policy(request: web.Request, *, inline_styles: bool = False) -> str:
    """E-06: nothing inline, nothing foreign; mails are shown in sandboxed frames only.

    `inline_styles` is for one page: the visual editor's (`sending/pages_visual.py` says why).
    """
    track = services(request).settings.track_url
    frames = "'self'" if services(request).settings.public_url == track else f"'self' {track}"
    # the nonce is for the styles that the code editor makes
    styles = "'unsafe-inline'" if inline_styles else f"'nonce-{request[NONCE]}'"
    text = (
        "default-src 'none'; script-src 'self'; style-src 'self' {styles};"
        " img-src 'self' {track}; font-src 'self'; connect-src 'self'; frame-src {frames};"
        " form-action 'self'; manifest-src 'self';"
        " base-uri 'none'; object-src 'none';"
        " frame-ancestors 'none'"
    )
    return text.format(styles=styles, track=track, frames=frames)


def _secure(request: web.Request, answer: web.StreamResponse) -> None:
    headers = answer.headers
    headers["Server"] = "Mailer"  # aiohttp would tell its version and Python's
    headers.setdefault("Content-Security-Policy", policy(request))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()")
    if services(request).settings.secure:
        headers.setdefault("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


@web.middleware
async def security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    if not answer.prepared:
        _secure(request, answer)
    return answer


async def secure_stream(request: web.Request, answer: web.StreamResponse) -> None:
    """The signal before an answer begins, for those that a handler begins by itself: files, live figures."""
    if NONCE in request:
        _secure(request, answer)
        answer.headers.setdefault("X-Request-Id", request[ID])


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error as a page, or as problem+json under /api; a traceback goes to the log only (E-12)."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _answer(request, error.status, headers=dict(error.headers))
    except MailerError as error:
        if isinstance(error, Unavailable):
            log.warning("unavailable", error=str(error))
        return mailer_error(request, error)
    except Exception as error:
        if is_away(error):
            log.warning("database away", error=type(error).__name__)
            return _answer(request, 503)
        if _unreadable(error):
            return _answer(request, 400)
        if is_out_of_range(error):
            log.warning("value out of range", path=_logged(request))
            fault = Fault("body", MESSAGES[""], "out_of_range")
            return _answer(request, 422, faults=[response.fault_json(fault)])
        log.exception("request failed", path=_logged(request))
        return _answer(request, 500)


_BODY_READERS = ("aiohttp.web_request", "aiohttp.multipart", "aiohttp.http_parser")


def _unreadable(error: Exception) -> bool:
    """A form that is none: aiohttp tells by plain errors while it reads (unknown charset, no boundary)."""
    if not isinstance(error, ValueError | LookupError | AssertionError | HttpProcessingError):
        return False
    frames = list(traceback.walk_tb(error.__traceback__))
    return frames[-1][0].f_globals.get("__name__") in _BODY_READERS


def mailer_error(request: web.Request, error: MailerError) -> web.StreamResponse:
    match error:
        case SignInNeeded() if face(request) == "app" and request.method == "GET":
            from urllib.parse import quote

            return response.redirect(f"/app/sign-in?next={quote(request.path_qs)}")
        case Invalid():
            return _answer(
                request, error.status, faults=[response.fault_json(fault) for fault in error.faults]
            )
        case Forbidden():
            detail = i18n.translate(error.message, **error.params)
            return _answer(request, 403, detail=detail, code=error.code, link=error.link)
        case TooMany():
            detail = i18n.translate(error.message, **error.params)
            return _answer(request, 429, detail=detail, headers={"Retry-After": str(error.retry_after)})
        case Gone() if error.args:
            return _answer(request, 410, detail=i18n.translate(str(error.args[0])))
        case NotFound() | Gone() | SignInNeeded() | Unavailable() | WrongMediaType():
            return _answer(request, error.status)
        case _:
            log.error("unexpected", error=type(error).__name__)
            return _answer(request, error.status)


def _answer(
    request: web.Request,
    status: int,
    *,
    detail: str = "",
    code: str = "",
    link: str = "",
    faults: list[dict[str, object]] | None = None,
    headers: dict[str, str] | None = None,
) -> web.StreamResponse:
    title = i18n.translate(TITLES.get(status, TITLES[500]))
    if face(request) == "api":
        more: dict[str, object] = {"code": code} if code else {}
        if faults is not None:
            more["errors"] = faults
        answer = response.problem(request, status, title, detail=detail, **more)
    else:
        if link:
            title = i18n.translate(STEP_FIRST)
        context: dict[str, object] = {
            "status": status,
            "title": title,
            "detail": detail,
            "link": link,
            "faults": faults or [],
        }
        template = "recipient_error.html" if face(request) == "t" else "error.html"
        try:
            answer = response.page(request, template, context, status=status)
        except Exception:
            # the page of an error must not fail with it: plain words, and the headers all the same
            log.exception("error page failed")
            answer = web.Response(text=f"{title} ({request[ID]})", status=status)
    for name in ("Allow", "Retry-After"):
        if headers and name in headers:
            answer.headers[name] = headers[name]
    return answer
