"""What the recipients' pages say about machines (D-92).

A look at the page to unsubscribe beside clicks on content is a scanner's; a form that was sent is a person's.
Only of those whose clicks are measured in that mail: of anybody else nothing is noted, not even for a minute
(B-35).
"""

from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from mailer.core.errors import MailerError
from mailer.core.services import Services
from mailer.core.tokens import Purpose, RecipientToken
from mailer.web.request import services
from tracking import bots, buffer
from tracking.buffer import Hit, Kind

log = structlog.get_logger()
_PURPOSES: Mapping[str, Purpose] = {
    "unsubscribe": Purpose.UNSUBSCRIBE,
    "preferences": Purpose.PREFERENCES,
    "tracking": Purpose.TRACKING,
}
# a person's form answers so; a mailbox provider's click (RFC 8058) proves nobody
_SENT = 303


@web.middleware
async def witness(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    kind = _kind(request, answer.status)
    if kind:
        try:
            await _note(request, kind)
        except MailerError:
            return answer
        except Exception as error:
            # the page is what somebody waits for
            log.warning("visit not noted", error=type(error).__name__)
    return answer


def _page(request: web.Request) -> str:
    return request.path.split("/")[2] if request.path.count("/") == 3 else ""


def _kind(request: web.Request, status: int) -> Kind | None:
    page = _page(request)
    if request.method in ("GET", "HEAD"):
        return "visit" if page == "unsubscribe" and status == 200 else None
    return "post" if page in _PURPOSES and status == _SENT else None


async def _note(request: web.Request, kind: Kind) -> None:
    found = services(request)
    who = found.tokens.read_recipient(_PURPOSES[_page(request)], request.match_info["token"])
    if not who.campaign_id or not await _measured(found, who):
        return
    at = buffer.now_ms()
    agent = bots.agent(request.headers.get("User-Agent", "")[:300]).value
    hit = Hit(
        buffer.new_id(at),
        at,
        kind,
        who.account_id,
        who.campaign_id,
        who.contact_id,
        0,
        agent,
        request.method == "HEAD",
    )
    await buffer.append(found, hit, remote=request.remote or "")


async def _measured(found: Services, who: RecipientToken) -> bool:
    async with found.db.account(who.account_id) as tx:
        return bool(
            await tx.value(
                """
                SELECT EXISTS (
                    SELECT FROM campaigns g
                    JOIN deliveries d ON d.account_id = $1 AND d.campaign_id = g.id AND d.month = g.month
                                     AND d.contact_id = $3 AND d.clicks
                    JOIN contacts c ON c.account_id = $1 AND c.id = $3 AND c.clicks = 'granted'
                    WHERE g.account_id = $1 AND g.id = $2)
                """,
                who.campaign_id,
                who.contact_id,
            )
        )
