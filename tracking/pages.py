"""Pages for signed-in people of this room: the report of a campaign, its tables, how figures are made."""

from datetime import timedelta
from typing import Annotated

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, audit
from mailer.core import clock
from mailer.core.errors import NotFound
from mailer.core.links import Links
from mailer.core.tokens import CampaignToken
from mailer.web import response
from mailer.web.request import Input, id_in_path, query, services
from tracking import (
    figures,
    pages_live,
    pages_measurement,
    pages_reports,
    report_table,
    report_tables,
    reports,
    verdicts,
    whole_report,
)
from tracking.providers import Words
from tracking.whole_report import Whole

FRAME = timedelta(hours=1)
PROVIDER_WORDS = pages_live.PROVIDER_WORDS


class ReportQuery(Input):
    """`variant`: of an A/B test, whose map of clicks is shown; one that is none shows the usual one."""

    variant: Annotated[int, Field(ge=1, le=len(figures.LETTERS))] | None = None


async def report(request: web.Request) -> web.Response:
    place = access.member(request)
    campaign_id, asked = id_in_path(request), query(request, ReportQuery)
    async with access.account_tx(request) as tx:
        found = await whole_report.whole(tx, campaign_id, zone=place.time_zone)
    shown = found.map_of(asked.variant)
    context = pages_live.figures_context(request, found, campaign_id) | {
        "live": found.report.campaign.live and found.report.campaign.started_at is not None,
        "may_copy": place.role >= access.Role.EDITOR,
        "frame": _frame(request, found, shown),
        "shown": shown,
        "letter": figures.letter,
    }
    return response.page(request, "tracking/reports/report.html", context)


def _frame(request: web.Request, found: Whole, variant: int) -> str:
    """The address of the mail with its links numbered, for the next minutes; "" once the mail is erased."""
    campaign = found.report.campaign
    until = found.content_until
    gone = campaign.content_erased_at is not None or (until is not None and until <= clock.now())
    if gone or campaign.started_at is None:
        return ""
    held = services(request)
    what = CampaignToken(access.member(request).account_id, campaign.id, 0)
    expires = int((clock.now() + FRAME).timestamp())
    return Links(held.tokens, held.settings.track_url).click_map(what, variant=variant, expires=expires)


async def table(request: web.Request) -> web.Response:
    """The main figures as CSV."""
    campaign_id = id_in_path(request)
    async with access.account_tx(request) as tx:
        found = await reports.summary(tx, campaign_id)
        await audit.write(tx, "exported", "campaign_report", campaign_id)
    return _csv(report_table.write(found), f"report-{campaign_id}")


async def one_table(request: web.Request) -> web.Response:
    """One table of the page as CSV."""
    place = access.member(request)
    campaign_id, name = id_in_path(request), request.match_info["table"]
    if name not in report_tables.NAMES:
        raise NotFound
    async with access.account_tx(request) as tx:
        found = await whole_report.whole(tx, campaign_id, zone=place.time_zone)
        await audit.write(tx, "exported", "campaign_report", campaign_id)
    head, rows = report_tables.table(name, found, _provider_words(request))
    return _csv(report_table.csv_bytes(head, rows), f"report-{campaign_id}-{name}")


def _provider_words(request: web.Request) -> Words:
    return request.config_dict[PROVIDER_WORDS]


def _csv(body: bytes, name: str) -> web.Response:
    return web.Response(
        body=body,
        content_type="text/csv",
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
        },
    )


async def formulas(request: web.Request) -> web.Response:
    access.member(request)
    return response.page(
        request, "tracking/reports/formulas.html", {"rules": verdicts, "points": verdicts.points()}
    )


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/campaigns/{id:\d+}/report", report),
    web.get(r"/{a}/campaigns/{id:\d+}/report.csv", table),
    web.get(r"/{a}/campaigns/{id:\d+}/report/{table}.csv", one_table),
    web.get("/{a}/reports/formulas", formulas),
    *pages_measurement.ROUTES,
    *pages_live.ROUTES,
    *pages_reports.ROUTES,
]
