"""Pages for signed-in people of this room: the report of a campaign, its table, how figures are made."""

from datetime import timedelta

from aiohttp import web

from mailer.accounts import access, audit
from mailer.core import clock
from mailer.web import response
from mailer.web.request import id_in_path
from tracking import modes, pages_measurement, report_table, reports, timeline, words
from tracking.reports import Campaign
from tracking.timeline import Timeline

AFTER = timedelta(hours=24)


async def report(request: web.Request) -> web.Response:
    place = access.member(request)
    campaign_id = id_in_path(request)
    async with access.account_tx(request) as tx:
        found = await reports.summary(tx, campaign_id)
        measurement = await modes.measured(tx, campaign_id)
        # what is left of the details after that day would draw a curve of nothing
        over_time = (
            Timeline(unit="day", moments=[])
            if found.campaign.details_erased_at
            else await timeline.over_time(tx, campaign_id, zone=place.time_zone)
        )
        compared = await tx.value(
            "SELECT true FROM ab_tests WHERE account_id = $1 AND campaign_id = $2", campaign_id
        )
    context = {
        "report": found,
        "compared": compared,
        "over_time": over_time,
        "measurement": measurement,
        "base": f"/app/{place.account_id}/campaigns/{campaign_id}",
        "words": words,
        "refresh": _refresh_seconds(found.campaign),
        "may_copy": place.role >= access.Role.EDITOR,
        "now": clock.now(),
    }
    return response.page(request, "tracking/reports/report.html", context)


def _refresh_seconds(campaign: Campaign) -> int:
    """ui 2.4: while sending and for a day after; 0: no more."""
    if campaign.live and campaign.started_at is not None:
        return 2
    ended = campaign.finished_at
    return 30 if ended is not None and clock.now() - ended < AFTER else 0


async def table(request: web.Request) -> web.Response:
    """The same figures as CSV."""
    campaign_id = id_in_path(request)
    async with access.account_tx(request) as tx:
        found = await reports.summary(tx, campaign_id)
        await audit.write(tx, "exported", "campaign_report", campaign_id)
    return web.Response(
        body=report_table.write(found),
        content_type="text/csv",
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="report-{campaign_id}.csv"',
            "Cache-Control": "no-store",
        },
    )


async def formulas(request: web.Request) -> web.Response:
    access.member(request)
    return response.page(request, "tracking/reports/formulas.html")


ROUTES: list[web.RouteDef] = [
    web.get(r"/{a}/campaigns/{id:\d+}/report", report),
    web.get(r"/{a}/campaigns/{id:\d+}/report.csv", table),
    web.get("/{a}/reports/formulas", formulas),
    *pages_measurement.ROUTES,
]
