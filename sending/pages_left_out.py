"""The page behind each term of the subtraction: who is left out of a campaign, each with the reason."""

from collections.abc import Mapping
from datetime import datetime

from aiohttp import web

from mailer.accounts import access
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.request import Input, id_in_path, query
from sending import campaigns, left_out, pages_steps
from sending.left_out import LeftOut, Reason

WHY: Mapping[str, str] = {
    "restricted": N_("Not sent: processing limited at the person's request."),
    "excluded": N_("Not sent: in “{name}”, which the campaign excludes."),
    "segment": N_("Not sent: not in the segment “{name}”."),
    "suppressed": N_("Not sent: on the suppression list."),
    "unsubscribed": N_("Not sent: unsubscribed."),
    "service": N_("Not sent: here for service mails only."),
    "pending": N_("Not sent: confirmation of the subscription still awaited."),
}
FROZEN = N_("Not sent: not in the segment “{name}” when the audience was frozen ({at}).")


class LeftOutQuery(Input):
    reason: Reason = "segment"
    cursor: str = ""


def why(one: LeftOut, frozen_at: datetime | None, zone: str) -> str:
    """The reason in a sentence; a segment's with the time at which it was looked at."""
    if one.reason == "segment" and frozen_at is not None:
        return i18n.translate(FROZEN, name=one.name, at=i18n.moment(frozen_at, zone))
    return i18n.translate(WHY[one.reason], name=one.name)


async def show(request: web.Request) -> web.Response:
    asked = query(request, LeftOutQuery)
    async with access.account_tx(request) as tx:
        campaign = await campaigns.show(tx, id_in_path(request))
        at = (await left_out.frozen(tx, campaign.id)).at
        found = await left_out.many(tx, campaign.id, asked.reason, cursor=asked.cursor or None)
    zone = access.member(request).time_zone
    base = pages_steps.base(request, campaign)
    context = {
        "campaign": campaign,
        "back": f"{base}/audience" if campaign.status == "draft" else base,
        "people": [(one, why(one, at, zone)) for one in found.items],
        "first": f"{base}/left-out?reason={asked.reason}",
        "asked": asked,
        "next_cursor": found.next_cursor,
        "erased": campaign.content_erased_at is not None and asked.reason in ("segment", "excluded"),
    }
    return response.page(request, "sending/campaigns/left_out.html", context)


ROUTES: list[web.RouteDef] = [web.get(r"/{a}/campaigns/{id:\d+}/left-out", show)]
