"""The page of a campaign's figures for one segment."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from lists import segments
from mailer.accounts import access
from mailer.core.errors import Invalid
from mailer.web import forms, i18n, response
from mailer.web.request import Input, id_in_path, query
from sending import segment_figures
from tracking import reports


class SegmentQuery(Input):
    segment_id: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None


async def page(request: web.Request) -> web.Response:
    asked = query(request, SegmentQuery)
    found, refused = None, ""
    async with access.account_tx(request) as tx:
        report = await reports.summary(tx, id_in_path(request))
        choices = await segments.names(tx)
        erased = report.campaign.details_erased_at is not None
        if asked.segment_id is not None and not erased:
            try:
                found = await segment_figures.of(tx, report.campaign.id, asked.segment_id)
            except Invalid as error:
                refused = i18n.translate(error.faults[0].message)
    context = {
        "report": report,
        "found": found,
        "refused": refused,
        "erased": erased,
        "choices": choices,
        "base": f"/app/{access.member(request).account_id}/campaigns/{report.campaign.id}",
        "form": forms.filled({"segment_id": asked.segment_id or ""}),
    }
    return response.page(request, "sending/campaigns/segment_figures.html", context)


ROUTES: list[web.RouteDef] = [web.get(r"/{a}/campaigns/{id:\d+}/report/segments", page)]
