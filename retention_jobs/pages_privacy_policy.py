"""Pages of the privacy policy that an account gives its contacts, and of article 30's records (ui 2.4)."""

from typing import Literal

from aiohttp import web
from pydantic import Field

from lists import csv_write
from mailer.accounts import access, privacy_facts, prose, sub_processors
from mailer.accounts.access import Role
from mailer.accounts.pages_operator_policies import guard
from mailer.accounts.privacy_facts import NewFacts
from mailer.core import clock, paging
from mailer.core.errors import Invalid
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.forms import Form, again, filled
from mailer.web.request import Input, query, read, services
from mailer.web.response import page, redirect
from retention_jobs import own_records, privacy_policy, processing, processing_records
from retention_jobs.processing_records import CONTROLLER, PROCESSOR, Record

_FACTS = tuple(NewFacts.model_fields)
PAGE = 50
GROUP = 500


class PolicyQuery(Input):
    """`text`: the language of the policy, whatever the page's is; the account's when left out."""

    text: Literal["", "fr", "en"] = ""


class RecordsQuery(Input):
    cursor: str = Field("", max_length=200)


async def _policy_page(request: web.Request, form: Form | None, *, status: int = 200) -> web.Response:
    asked = query(request, PolicyQuery)
    language = asked.text or access.member(request).language
    async with access.account_tx(request) as tx:
        found = await processing.of(tx, services(request).settings.operator)
    written = privacy_policy.text(found, language)
    context = {
        "text": prose.html(written),
        "markdown": written,
        "gaps": privacy_policy.gaps(written),
        "language_of_text": language,
        "form": form or filled(found.said, _FACTS),
        "found": found,
        "may_change": access.member(request).role >= Role.MANAGER,
    }
    return page(request, "retention_jobs/privacy_policy.html", context, status=status)


async def policy(request: web.Request) -> web.Response:
    return await _policy_page(request, None)


async def change_facts(request: web.Request) -> web.Response:
    try:
        new = await read(request, NewFacts)
        async with access.account_tx(request, Role.MANAGER) as tx:
            await privacy_facts.change(tx, new, clock.now())
    except Invalid as error:
        return await _policy_page(request, await again(request, error), status=422)
    await access.flash(request, N_("Saved. The policy below says so now."))
    return redirect(f"/app/{access.member(request).account_id}/privacy/policy")


async def policy_file(request: web.Request) -> web.Response:
    language = query(request, PolicyQuery).text or access.member(request).language
    async with access.account_tx(request) as tx:
        found = await processing.of(tx, services(request).settings.operator)
    written = privacy_policy.text(found, language)
    with i18n.speaking(language):
        title = i18n.translate(privacy_policy.TITLE)
    as_html = request.match_info["format"] == "html"
    body = prose.document(title, language, written) if as_html else f"# {title}\n\n{written}"
    return _download(body.encode(), f"privacy-policy-{language}.{request.match_info['format']}")


def _download(body: bytes, name: str) -> web.Response:
    kind = {"html": "text/html", "md": "text/markdown", "csv": "text/csv"}[name.rpartition(".")[2]]
    return web.Response(
        body=body,
        content_type=kind,
        charset="utf-8",
        headers={"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'},
    )


def _written(
    request: web.Request, columns: tuple[str, ...], records: list[Record], said: str
) -> web.Response:
    """The path's {format}: csv or html, dated in its name."""
    kind, today = request.match_info["format"], clock.now().date().isoformat()
    if kind == "csv":
        delimiter = ";" if i18n.language() == "fr" else ","
        rows = processing_records.table(columns, records)
        body = csv_write.encode(rows, delimiter=delimiter, bom=True)
    else:
        title = i18n.translate(N_("Record of processing activities"))
        written = processing_records.markdown(columns, records, said)
        body = prose.document(title, i18n.language(), written).encode()
    return _download(body, f"processing-record-{today}.{kind}")


async def _controller(request: web.Request) -> tuple[list[Record], str]:
    async with access.account_tx(request) as tx:
        found = await processing.of(tx, services(request).settings.operator)
    said = i18n.translate(
        N_("Record of the controller {name}, as of {day} (GDPR, article 30(1))."),
        name=found.account.legal_name or found.account.name,
        day=i18n.day(clock.now()),
    )
    return processing_records.of_controller(found), said


async def records(request: web.Request) -> web.Response:
    found, said = await _controller(request)
    context = {"records": found, "said": said, "columns": CONTROLLER}
    return page(request, "retention_jobs/records.html", context)


async def records_file(request: web.Request) -> web.Response:
    found, said = await _controller(request)
    return _written(request, CONTROLLER, found, said)


def _processor_said(request: web.Request) -> str:
    return i18n.translate(
        N_("Record of the processor {name}, as of {day} (GDPR, article 30(2))."),
        name=services(request).settings.operator.name,
        day=i18n.day(clock.now()),
    )


async def operator_records(request: web.Request) -> web.Response:
    guard(request)
    key = paging.decode(query(request, RecordsQuery).cursor, (int,))
    operator, after = services(request).settings.operator, int(str(key[0])) if key else 0
    async with services(request).db.shared() as tx:
        found = await processing_records.tenants(tx, after, PAGE + 1)
        register = await sub_processors.register(tx, operator, clock.now())
    shown = paging.page(found, PAGE, key=lambda one: (one.id,))
    context = {
        "records": [processing_records.of_processor(one, operator, register) for one in shown.items],
        "said": _processor_said(request),
        "columns": PROCESSOR,
        "first": not key,
        "next_cursor": shown.next_cursor,
    }
    return page(request, "retention_jobs/operator_records.html", context)


async def operator_records_file(request: web.Request) -> web.Response:
    """Every controller whose account is not closed (C-53), read in groups."""
    guard(request)
    operator, after = services(request).settings.operator, 0
    written: list[Record] = []
    async with services(request).db.shared() as tx:
        register = await sub_processors.register(tx, operator, clock.now())
        while found := await processing_records.tenants(tx, after, GROUP):
            written += [processing_records.of_processor(one, operator, register) for one in found]
            after = found[-1].id
    return _written(request, PROCESSOR, written, _processor_said(request))


async def _own(request: web.Request) -> tuple[list[Record], str]:
    operator = services(request).settings.operator
    async with services(request).db.shared() as tx:
        register = await sub_processors.register(tx, operator, clock.now())
    said = i18n.translate(
        N_("Record of the controller {name}, as of {day} (GDPR, article 30(1))."),
        name=operator.name,
        day=i18n.day(clock.now()),
    )
    return own_records.of_operator(operator, register), said


async def operator_own_records(request: web.Request) -> web.Response:
    """Of people who sign in and of the operator's own: there the operator is the controller (C-53)."""
    guard(request)
    found, said = await _own(request)
    context = {"records": found, "said": said, "columns": CONTROLLER}
    return page(request, "retention_jobs/own_records.html", context)


async def operator_own_records_file(request: web.Request) -> web.Response:
    guard(request)
    found, said = await _own(request)
    return _written(request, CONTROLLER, found, said)


ROUTES: list[web.RouteDef] = [
    web.get("/{a}/privacy/policy", policy),
    web.post("/{a}/privacy/policy", change_facts),
    web.get("/{a}/privacy/policy.{format:html|md}", policy_file),
    web.get("/{a}/privacy/records", records),
    web.get("/{a}/privacy/records.{format:csv|html}", records_file),
    web.get("/operator/records", operator_records),
    web.get("/operator/records.{format:csv|html}", operator_records_file),
    web.get("/operator/records/own", operator_own_records),
    web.get("/operator/records/own.{format:csv|html}", operator_own_records_file),
]
