"""/t/click-map/{token}: the frame of a report, on the recipients' origin, which has no session (E-04)."""

from urllib.parse import urlsplit

from aiohttp import web

from mailer.core import clock
from mailer.core.actor import RECIPIENT
from mailer.core.errors import Gone
from mailer.core.tokens import Purpose
from mailer.web import response
from mailer.web.request import services
from sending import click_map
from sending.render import RenderFailed
from tracking import reports

_PARTS = "default-src 'none'; img-src https: http: data:; style-src 'self' 'unsafe-inline'; base-uri 'none'"


async def frame(request: web.Request) -> web.Response:
    """Only our own pages may frame it, and it may do nothing. 410 once the content is erased."""
    held = services(request)
    token, now = request.match_info["token"], int(clock.now().timestamp())
    # one that was made before variants had maps of their own names none
    account_id, campaign_id, *variant = held.tokens.read_timed(Purpose.CLICK_MAP, token, now=now)
    async with held.db.account(account_id, actor=RECIPIENT) as tx:
        report = await reports.summary(tx, campaign_id)
        try:
            html = await click_map.html(
                tx,
                held,
                campaign_id,
                report.links,
                measured=bool(report.clicks.base),
                variant=variant[0] if variant else 1,
            )
            answer = web.Response(text=html, content_type="text/html")
        except (Gone, RenderFailed, ValueError):
            answer = response.page(request, "sending/public/click_map_gone.html", status=410)
    answer.headers.update({"Cache-Control": "no-store", "X-Robots-Tag": "noindex"})
    public = urlsplit(held.settings.public_url)
    ancestors = f"frame-ancestors 'self' {public.scheme}://{public.netloc}"
    answer.headers["Content-Security-Policy"] = f"{_PARTS}; {ancestors}; form-action 'none'; sandbox"
    return answer


ROUTES: list[web.RouteDef] = [web.get("/click-map/{token}", frame)]
