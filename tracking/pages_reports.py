"""The page of the account's reports: campaigns compared, limits, growth, age of the last gesture (ui 2.4)."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from aiohttp import web
from pydantic import Field

from mailer.accounts import access, audit, home
from mailer.core.text import N_
from mailer.web import i18n, response
from mailer.web.request import Input, query
from tracking import account_reports, comparison, report_table
from tracking.campaign_figures import CampaignFigures
from tracking.comparison import Figure
from tracking.report_table import Row

FIGURES: tuple[Figure, ...] = (
    "delivered",
    "bounced_hard",
    "opened",
    "clicked",
    "unsubscribed",
    "complained",
)
# eight columns have to stand beside each other
SHORT: Mapping[Figure, str] = {"opened": N_("Opens"), "clicked": N_("Clicks")}
MOST_EXPORTED = 1000
Points = list[tuple[str, str, list[float | None]]]


class ReportsQuery(Input):
    cursor: Annotated[str, Field(max_length=500)] = ""


async def show(request: web.Request) -> web.Response:
    asked = query(request, ReportsQuery)
    place = access.member(request)
    async with access.account_tx(request) as tx:
        found = await account_reports.campaigns(tx, cursor=asked.cursor or None)
        weeks = await home.weeks(tx)
        ages = await account_reports.ages(tx)
    counted = [one for one in reversed(found.items) if one.counted_at is not None]
    context = {
        "found": found,
        "asked": asked,
        "figures": [(figure, SHORT.get(figure, comparison.NAMES[figure])) for figure in FIGURES],
        "share": comparison.share,
        "least": comparison.LEAST,
        "clicks": _points(counted, "clicked", place.time_zone),
        "bounces": _points(counted, "bounced_hard", place.time_zone, account_reports.HARD_PAUSE),
        "complaints": _points(
            counted,
            "complained",
            place.time_zone,
            account_reports.COMPLAINTS_WARN,
            account_reports.COMPLAINTS_PAUSE,
        ),
        "unsubscribes": _points(counted, "unsubscribed", place.time_zone, account_reports.UNSUBSCRIBES_WARN),
        "weeks": [
            (i18n.day(week.until), week.until.isoformat(), [week.active, week.gained, week.lost])
            for week in weeks
        ],
        "ages": ages,
        "age_words": dict(account_reports.AGES),
    }
    return response.page(request, "tracking/reports/index.html", context)


def _points(found: Sequence[CampaignFigures], figure: Figure, zone: str, *limits: float) -> Points:
    """In per cent, a gap where nothing was measured; a limit is a line of its own."""
    points: Points = []
    for one in found:
        part, whole = comparison.share(figure, one)
        rate = round(100 * part / whole, 3) if whole >= comparison.LEAST else None
        label = f"{i18n.day(one.started_at, zone)}, {one.name}"
        points.append((label, one.started_at.isoformat(), [rate, *(100 * limit for limit in limits)]))
    return points


async def campaigns_csv(request: web.Request) -> web.Response:
    """The newest thousand campaigns, with number and base of each figure."""
    async with access.account_tx(request) as tx:
        found = await account_reports.campaigns(tx, limit=MOST_EXPORTED)
        await audit.write(tx, "exported", "campaign_report")
    head: Row = ("campaign_id", "name", "started_at", "audience", "sent", *_columns())
    rows: list[Row] = []
    for one in found.items:
        cells: list[int | None] = []
        for figure in FIGURES:
            # not counted yet, or not measured, is no 0
            part, whole = comparison.share(figure, one)
            cells += [part, whole] if one.counted_at and whole else [None, whole if one.counted_at else None]
        started = one.started_at.isoformat()
        rows.append((one.campaign_id, one.name, started, one.audience, one.sent, *cells))
    return _csv(head, rows, "campaigns")


def _columns() -> list[str]:
    return [name for figure in FIGURES for name in (figure, f"{figure}_base")]


async def ages_csv(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        found = await account_reports.ages(tx)
        await audit.write(tx, "exported", "campaign_report")
    words = dict(account_reports.AGES)
    rows: list[Row] = [(one.age, i18n.translate(words[one.age]), one.contacts) for one in found.counts]
    return _csv(("age", "text", "contacts"), rows, "last-gestures")


def _csv(head: Row, rows: list[Row], name: str) -> web.Response:
    return web.Response(
        body=report_table.csv_bytes(head, rows),
        content_type="text/csv",
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
        },
    )


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/reports", show),
    web.get("/{a}/reports/campaigns.csv", campaigns_csv),
    web.get("/{a}/reports/last-gestures.csv", ages_csv),
]
