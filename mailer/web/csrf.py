"""Forms of other sites change nothing (E-08): Origin or Sec-Fetch-Site, and the session's token in ours."""

import hmac
from urllib.parse import urlsplit

from aiohttp import web

from mailer.core.errors import Forbidden
from mailer.core.text import N_
from mailer.web.request import services

_SAFE = ("GET", "HEAD", "OPTIONS")


class CrossSite(Forbidden):
    """The form came from another site."""


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
    sent = request.headers.get("X-CSRF-Token") or str((await request.post()).get("csrf", ""))
    if not hmac.compare_digest(sent.encode(), token.hex().encode()):
        raise _refuse()
