"""What recipients touch of this room: /t/c/{token} a click, /t/o/{token}, /t/d/{token} pixels of opens.

The answer goes out whatever fails behind it; nothing of these requests is in an access log (B-41).
"""

from aiohttp import web

from mailer.core.errors import NotFound
from mailer.core.tokens import CampaignToken, Purpose
from mailer.web import response
from mailer.web.request import services
from tracking import bots, buffer, links, tallies
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


async def click(request: web.Request) -> web.StreamResponse:
    """302 to the stored target (E-09). Raises NotFound for anything but a token of ours."""
    what = services(request).tokens.read_campaign(Purpose.CLICK, request.match_info["token"])
    target = await links.target(services(request), what)
    if target.held:
        answer = response.page(request, "tracking/held.html", {"url": target.url})
        answer.headers["X-Robots-Tag"] = _FRESH["X-Robots-Tag"]
        return answer
    await buffer.append(services(request), _hit(request, "click", what))
    return await _answered(request, web.Response(status=302, headers={**_FRESH, "Location": target.url}))


async def opened(request: web.Request) -> web.StreamResponse:
    """Always the same 43 bytes, also for a damaged token."""
    answer = web.Response(body=PIXEL, content_type="image/gif", headers=_FRESH)
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    try:
        what = services(request).tokens.read_campaign(Purpose.OPEN, request.match_info["token"])
    except NotFound:
        return answer
    await buffer.append(services(request), _hit(request, "open" if what.contact_id else "load", what))
    return await _answered(request, answer)


async def opened_on_a_day(request: web.Request) -> web.StreamResponse:
    """The same 43 bytes. Of a person's request the day goes on; of a machine's nothing (B-33)."""
    answer = web.Response(body=PIXEL, content_type="image/gif", headers=_FRESH)
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    try:
        what = services(request).tokens.read_campaign(Purpose.OPEN_DAY, request.match_info["token"])
    except NotFound:
        return answer
    hit = tallies.day_of(_hit(request, "day", what))
    if hit is not None:
        await buffer.append(services(request), hit)
    return await _answered(request, answer)


def _hit(request: web.Request, kind: buffer.Kind, what: CampaignToken) -> Hit:
    return Hit(
        buffer.new_id(),
        buffer.now_ms(),
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
    web.get("/d/{token}", opened_on_a_day),
]
