"""A form that arrives after its session: kept, and filled in again after signing in (E-08, E-30, WCAG 2.2.5).

    POST ──▶ kept ──▶ sign-in page ──▶ GET of the form's own page, filled in ──▶ the person presses the button

Never sent by itself: who made the browser send it is not known (E-08). Kept only with the token of a form of
ours, which says whose it was, and shown to that person alone; another site cannot have one of theirs.
"""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from aiohttp import BodyPartReader, web
from aiohttp.typedefs import Handler

from mailer.accounts import kept_forms
from mailer.accounts.kept_forms import MINUTES, KeptForm
from mailer.accounts.sessions import Person
from mailer.core.errors import MailerError
from mailer.core.text import N_
from mailer.web import csrf
from mailer.web.csrf import Origin
from mailer.web.refill import refill
from mailer.web.request import FLASH, services
from mailer.web.response import page, redirect

__all__ = ["MINUTES", "TOKEN", "address", "find", "keep", "keep_for_password", "show_again"]

TOKEN = "kept"  # noqa: S105  # of the query
_AGAIN = N_(
    "Your session had ended. What you typed is in the form again: check it and press the button."
    " Nothing was sent yet."
)
_CONFIRMED = N_(
    "Confirmed. What you typed is in the form again: check it and press the button. Nothing was done yet."
)
_AGAIN_BUT_FILE = N_(
    "Your session had ended. What you typed is in the form again, but for the file: choose it again, then"
    " press the button. Nothing was sent yet."
)


@dataclass(slots=True)
class _Sent:
    origin: Origin | None = None
    values: dict[str, list[str]] = field(default_factory=dict)
    files: bool = False

    def add(self, request: web.Request, name: str, value: str) -> None:
        if name == "csrf":
            self.origin = csrf.origin_of(request, value)
        elif not kept_forms.NEVER.search(name):
            self.values.setdefault(name, []).append(value)


def address(path: str, token: str) -> str:
    """`path` with what finds the kept form, when there is one."""
    return f"{path}{'&' if '?' in path else '?'}{TOKEN}={token}" if token.isascii() and token else path


async def find(request: web.Request, token: str) -> KeptForm | None:
    if not token or len(token) > 100:
        return None
    async with services(request).db.shared() as tx:
        return await kept_forms.find(tx, services(request).sealer, token)


def _by_script(request: web.Request) -> bool:
    """A script shows no sign-in page; what it would have sent is still on its own page."""
    headers = request.headers
    return (
        headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
        or "HX-Request" in headers
        or headers.get("Accept", "").startswith("application/json")
    )


async def keep(request: web.Request, who: Person | None, error: MailerError) -> web.StreamResponse:
    """To the sign-in page, or, when `who` has signed in meanwhile, straight back to the form.

    Raises `error` for whatever is no form of ours, or was somebody else's.
    """
    token, form = await _store(request, who, error, "session")
    if who is not None:
        return redirect(address(form.page, token))
    door = request.rel_url.with_path("/app/sign-in").with_query({"next": form.page})
    return redirect(address(str(door), token))


async def keep_for_password(request: web.Request, who: Person, error: MailerError) -> web.StreamResponse:
    """To the page that asks for the password again, and from there back to the form (E-30)."""
    token, form = await _store(request, who, error, "password")
    return redirect(f"/app/me/confirmations?{urlencode({'next': address(form.page, token)})}")


async def _store(
    request: web.Request, who: Person | None, error: MailerError, why: Literal["session", "password"]
) -> tuple[str, KeptForm]:
    known = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    if request.method != "POST" or _by_script(request) or (known and not csrf.same_site(request)):
        raise error
    sent = await _read(request)
    if sent.origin is None or (who is not None and who.user_id != sent.origin.user_id):
        raise error
    form = KeptForm(
        user_id=sent.origin.user_id,
        action=request.path_qs,
        page=sent.origin.page,
        values=sent.values,
        files=sent.files,
        why=why,
    )
    async with services(request).db.shared() as tx:
        token = await kept_forms.keep(tx, services(request).sealer, form)
    if token is None:
        raise error
    return token, form


async def _read(request: web.Request) -> _Sent:
    sent = _Sent()
    if request.content_type == "application/x-www-form-urlencoded":
        for name, value in (await request.post()).items():
            sent.add(request, name, str(value))
    elif request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.filename is None:
                sent.add(request, part.name or "", await _text(part))
            elif isinstance(part, BodyPartReader):
                sent.files = sent.files or bool(part.filename)
                # read to its end and forgotten: a browser shows no answer before it has sent everything
                while sent.origin is not None and await part.read_chunk(65_536):
                    pass
            # the token comes first in our forms: without it nobody's body is read on
            if sent.origin is None:
                break
    return sent


async def _text(part: BodyPartReader) -> str:
    """Raises HTTPRequestEntityTooLarge."""
    found = bytearray()
    while chunk := await part.read_chunk(65_536):
        found += chunk
        if len(found) > kept_forms.MOST_BYTES:
            raise web.HTTPRequestEntityTooLarge(max_size=kept_forms.MOST_BYTES, actual_size=len(found))
    return found.decode("utf-8", "replace")


async def show_again(request: web.Request, user_id: int, handler: Handler) -> web.StreamResponse:
    """The page as it is now, with the form as it was sent; all of it as a list when the form is gone."""
    form = await find(request, request.query[TOKEN])
    if request.method != "GET" or form is None or form.user_id != user_id:
        return await handler(request)
    message = _CONFIRMED if form.why == "password" else _AGAIN_BUT_FILE if form.files else _AGAIN
    request[FLASH] = {"kind": "info", "message": message, "params": {}}
    try:
        answer = await handler(request)
    except MailerError:
        answer = None
    if isinstance(answer, web.Response) and answer.status == 200 and answer.content_type == "text/html":
        text = refill(answer.text or "", address=form.page, action=form.action, sent=form.values)
        if text is not None:
            answer.text = text
            return answer
    request[FLASH] = None
    return page(request, "accounts/kept.html", {"kept": form})
