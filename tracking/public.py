"""What recipients touch of this room: /t/c/{token} a click, /t/o/{token} the pixel of an open.

The answer goes out whatever fails behind it; nothing of these requests is in an access log (B-41).
`short_way` answers almost all of them before any middleware; what it cannot know goes the long way to the
handlers below.
"""

import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import CIMultiDict

from mailer.core import metrics
from mailer.core.errors import NotFound
from mailer.core.services import Services
from mailer.core.settings import Settings
from mailer.core.tokens import CampaignToken, Purpose
from mailer.web import proxies, response
from mailer.web.request import services
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
_SHORT = _FRESH | {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}


_Way = Callable[[web.Request, Services], Awaitable[web.Response | None]]


def short_way(settings: Settings) -> Middleware:
    """The outermost middleware: a known click or open is answered here, everything else goes on."""
    remote = proxies.asker(settings)
    headers = CIMultiDict(_SHORT)
    if settings.secure:
        headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    pixel = headers.copy()
    pixel["Content-Type"] = "image/gif"
    pixel["Cross-Origin-Resource-Policy"] = "cross-origin"

    async def clicked(request: web.Request, found: Services) -> web.Response | None:
        what = found.tokens.read_campaign(Purpose.CLICK, request.match_info["token"])
        target = links.known(found, what)
        if target is None or target.held:
            return None
        await buffer.append(found, _hit(request, "click", what), remote=remote(request))
        answer = web.Response(status=302, headers=headers)
        answer.headers["Location"] = target.url
        return answer

    async def seen(request: web.Request, found: Services) -> web.Response | None:
        what = found.tokens.read_campaign(Purpose.OPEN, request.match_info["token"])
        await buffer.append(found, _hit(request, "open", what), remote=remote(request))
        return web.Response(body=PIXEL, headers=pixel)

    ways: dict[object, _Way] = {click: clicked, opened: seen}

    @web.middleware
    async def first(request: web.Request, handler: Handler) -> web.StreamResponse:
        way = ways.get(request.match_info.handler)
        found = services(request)
        # hits that wait in a file are brought back on the long way
        if way is None or buffer.may_replay(found):
            return await handler(request)
        started = time.perf_counter()
        try:
            answer = await way(request, found)
        except NotFound:
            answer = None
        if answer is None:
            return await handler(request)
        metrics.answered("t", answer.status, time.perf_counter() - started)
        return answer

    return first


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


def _hit(request: web.Request, kind: buffer.Kind, what: CampaignToken) -> Hit:
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
