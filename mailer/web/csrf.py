"""Forms of other sites change nothing (E-08): Origin or Sec-Fetch-Site, and the session's token in ours.

    token of the session · MAC · person and page          all in hex

The first part lets a form through. The other two say, when that session is over, whose form it was and where
it stands.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from aiohttp import web

from mailer.core.errors import Forbidden
from mailer.core.text import N_
from mailer.web.request import services

_SAFE = ("GET", "HEAD", "OPTIONS")
_HEX = 64
_LONGEST_PAGE = 500
# of the address of a page: said once, not to be carried along
_PASSING = ("kept", "lang")


class CrossSite(Forbidden):
    """The form came from another site."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Of a form: the person it was made for, and the page it stands on."""

    user_id: int
    page: str


def _refuse() -> CrossSite:
    return CrossSite(N_("This form came from another site or is too old. Reload the page and send it again."))


def same_site(request: web.Request) -> bool:
    """True when the browser says that the request came from a page of ours."""
    origin = request.headers.get("Origin")
    if origin and origin != "null":
        public = urlsplit(services(request).settings.public_url)
        given = urlsplit(origin)
        return given.netloc in (public.netloc, request.host) and given.scheme in (
            public.scheme,
            request.scheme,
        )
    return request.headers.get("Sec-Fetch-Site") in ("same-origin", "none")


def _mac(key: bytes, token: str, origin: str) -> str:
    return hmac.new(key, f"form:{token}:{origin}".encode(), sha256).hexdigest()


def issue(request: web.Request, token: bytes, user_id: int, page: str = "") -> str:
    """For the forms of the page that is being made; `page` when that is not the address of the request."""
    if not page:
        kept = [(name, value) for name, value in request.query.items() if name not in _PASSING]
        page = str(request.rel_url.with_query(kept))
    if len(page) > _LONGEST_PAGE:
        page = request.path
    origin = f"{user_id} {page}".encode().hex()
    return token.hex() + _mac(services(request).settings.key, token.hex(), origin) + origin


def origin_of(request: web.Request, sent: str) -> Origin | None:
    """Whose form it was and where, when one of ours holds it; the session may be long over."""
    token, mac, origin = sent[:_HEX], sent[_HEX : 2 * _HEX], sent[2 * _HEX :]
    settings = services(request).settings
    genuine = (_mac(key, token, origin) for key in (settings.key, *settings.old_keys))
    if not any(hmac.compare_digest(mac.encode(), one.encode()) for one in genuine):
        return None
    user_id, _, page = bytes.fromhex(origin).decode().partition(" ")
    return Origin(int(user_id), page)


async def sent_token(request: web.Request) -> str:
    """What a form or a script of ours sent, or ""; a multipart body is not read."""
    if request.method in _SAFE or request.content_type == "multipart/form-data":
        return ""
    return request.headers.get("X-CSRF-Token") or str((await request.post()).get("csrf", ""))


async def check(request: web.Request, token: bytes | None) -> None:
    """For requests that change something. `token`: the session's, None before sign-in. Raises CrossSite.

    A multipart body is not read here, because it may be a file of 200 MB: the headers alone decide then.
    """
    if request.method in _SAFE:
        return
    known = request.headers.get("Origin") or request.headers.get("Sec-Fetch-Site")
    if known and not same_site(request):
        raise _refuse()
    if request.content_type == "multipart/form-data" or token is None:
        if not known:
            raise _refuse()
        return
    sent = (await sent_token(request))[:_HEX]
    if not hmac.compare_digest(sent.encode(), token.hex().encode()):
        raise _refuse()
