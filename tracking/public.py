"""What recipients touch of this room: /t/c/{token} a click, /t/o/{token} the pixel of an open.

The answer goes out whatever fails behind it; nothing of these requests is in an access log (B-41).
`short_way` answers almost all of them before any middleware; what it cannot know goes the long way to the
handlers below.
"""

import time
from collections.abc import Awaitable, Callable
from functools import lru_cache

from aiohttp import web

from mailer.core import metrics
from mailer.core.errors import NotFound
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.tokens import CampaignToken, Purpose
from mailer.web import proxies, response
from mailer.web.ready import Ready, fits
from mailer.web.request import SERVICES, services
from tracking import bots, buffer, links
from tracking.buffer import Hit

# 1 × 1, transparent
PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
_FRESH = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# what `security_headers` adds on the long way; there is nothing here that a page could load
SHORT = _FRESH | {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Answers:
    """What is known goes out as bytes made before."""

    def __init__(self, settings: Settings) -> None:
        self._headers = dict(SHORT)
        if settings.secure:
            self._headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        of_pixel = {"Content-Type": "image/gif", "Cross-Origin-Resource-Policy": "cross-origin"}
        self._pixel = Ready(200, headers=self._headers | of_pixel, body=PIXEL)
        self._known = lru_cache(maxsize=4096)(self._redirect)

    def _redirect(self, url: str) -> Ready:
        return Ready(302, headers=self._headers | {"Location": url})

    def to(self, found: Services, purpose: Purpose, what: CampaignToken) -> Ready | None:
        """None: a handler has to look. Raises NotFound."""
        if purpose is Purpose.OPEN:
            return self._pixel
        target = links.known(found, what)
        if target is None or target.held:
            return None
        return self._redirect(target.url) if what.url else self._known(target.url)


def short_way(app: web.Application, settings: Settings, long_way: Handler) -> Handler:
    """Stands before `long_way`, routing and middlewares: a known click or open is answered here."""
    remote, answers = proxies.asker(settings), _Answers(settings)

    async def first(request: web.BaseRequest) -> web.StreamResponse:
        purpose = _PREFIXES.get(request.raw_path[:5])
        if purpose is None or not fits(request):
            return await long_way(request)
        started, found = time.perf_counter(), app[SERVICES]
        try:
            what = found.tokens.read_campaign(purpose, request.raw_path[5:].partition("?")[0])
            ready = answers.to(found, purpose, what)
        except NotFound:
            return await long_way(request)
        # hits that wait in a file are brought back on the long way
        if ready is None or buffer.may_replay(found):
            return await long_way(request)
        kind: buffer.Kind = "open" if purpose is Purpose.OPEN else "click"
        await buffer.append(found, _hit(request, kind, what), remote=remote(request))
        metrics.answered("t", ready.status, time.perf_counter() - started)
        return ready

    return first


_PREFIXES = {"/t/c/": Purpose.CLICK, "/t/o/": Purpose.OPEN}


async def click(request: web.Request) -> web.StreamResponse:
    """302 to the stored target (E-09). Raises NotFound for anything but a token of ours."""
    what = services(request).tokens.read_campaign(Purpose.CLICK, request.match_info["token"])
    target = await links.target(services(request), what)
    if target.held:
        answer = response.page(request, "tracking/held.html", {"url": target.url})
        answer.headers["X-Robots-Tag"] = _FRESH["X-Robots-Tag"]
        return answer
    await buffer.append(services(request), _hit(request, "click", what), remote=request.remote or "")
    return await _answered(request, web.Response(status=302, headers={**_FRESH, "Location": target.url}))


async def opened(request: web.Request) -> web.StreamResponse:
    """Always the same 43 bytes, also for a damaged token."""
    answer = web.Response(body=PIXEL, content_type="image/gif", headers=_FRESH)
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    try:
        what = services(request).tokens.read_campaign(Purpose.OPEN, request.match_info["token"])
    except NotFound:
        return answer
    await buffer.append(services(request), _hit(request, "open", what), remote=request.remote or "")
    return await _answered(request, answer)


def _hit(request: web.BaseRequest, kind: buffer.Kind, what: CampaignToken) -> Hit:
    at = buffer.now_ms()
    return Hit(
        buffer.new_id(at),
        at,
        kind,
        what.account_id,
        what.campaign_id,
        what.contact_id,
        what.link_id,
        bots.agent(request.headers.get("User-Agent", "")[:300]).value,
        request.method == "HEAD",
    )


async def _answered(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Hits that waited in a file go into the stream once Redis is back, behind a person's answer."""
    if buffer.may_replay(services(request)):
        await answer.prepare(request)
        await answer.write_eof()
        try:
            await buffer.replay(services(request))
        except buffer.AWAY:
            return answer
    return answer


ROUTES: list[web.RouteDef] = [
    web.get("/c/{token}", click),
    web.get("/o/{token}", opened),
]
