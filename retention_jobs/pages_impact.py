"""The facts for an impact assessment, beside the records of processing (GDPR, article 35; C-64)."""

from aiohttp import web

from lists import csv_write
from mailer.accounts import access, prose
from mailer.core import clock
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.request import services
from mailer.web.response import page
from retention_jobs import impact_facts, impact_sheet, processing
from retention_jobs.impact_sheet import Section

TITLE = N_("Facts for an impact assessment")


async def _told(request: web.Request) -> tuple[list[Section], str]:
    now = clock.now()
    async with access.account_tx(request) as tx:
        known = await processing.of(tx, services(request).settings.operator)
        found = await impact_facts.of(tx, known, now=now)
    said = i18n.translate(
        N_("What {name} does with personal data, as of {day} (GDPR, article 35)."),
        name=known.account.legal_name or known.account.name,
        day=i18n.day(now),
    )
    return impact_sheet.sections(found), said


async def show(request: web.Request) -> web.Response:
    found, said = await _told(request)
    context = {"sections": found, "said": said, "title": TITLE, "gaps": impact_sheet.gaps(found)}
    return page(request, "retention_jobs/impact.html", context)


async def download(request: web.Request) -> web.Response:
    """The path's {format}: csv or html, dated in its name."""
    found, said = await _told(request)
    kind = request.match_info["format"]
    if kind == "csv":
        delimiter = ";" if i18n.language() == "fr" else ","
        body = csv_write.encode(impact_sheet.table(found), delimiter=delimiter, bom=True)
    else:
        written = impact_sheet.markdown(found, said)
        body = prose.document(i18n.translate(TITLE), i18n.language(), written).encode()
    name = f"impact-assessment-facts-{clock.now().date().isoformat()}.{kind}"
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type=f"text/{kind}", charset="utf-8", headers=headers)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/privacy/records/impact", show),
    web.get("/{a}/privacy/records/impact.{format:csv|html}", download),
]
