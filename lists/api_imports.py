"""JSON for programs: imports. The file comes as `multipart/form-data`, its options as JSON beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import orjson
from aiohttp import BodyPartReader, web
from pydantic import BaseModel, Field

from lists import (
    csv_mapping,
    import_columns,
    import_report,
    import_start,
    import_upload,
    import_uploads,
    imports,
)
from lists.address_flags import Flag
from lists.api_contacts import Paging
from lists.api_lists import stream
from lists.csv_detect import Detected
from lists.csv_mapping import BUILT_IN
from lists.field_values import FieldType
from lists.import_fates import Fate
from lists.import_upload import Upload
from lists.imports import Choices, Column, Import, Mode, State
from lists.pages_imports import pieces_of
from mailer.accounts import access, agreements
from mailer.accounts.api_repeats import Repeated
from mailer.core import files
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, NotFound, fault
from mailer.core.forbidden_data import NAME_REFUSED
from mailer.core.paging import Page
from mailer.core.text import N_
from mailer.web import i18n
from mailer.web.openapi import operation, page_of
from mailer.web.request import BODY, Input, WrongMediaType, check, id_in_path, query, services
from mailer.web.response import json

MAX_OPTIONS = 100_000  # bytes
NO_FILE = N_("Send the file as the part “file”.")
NO_OPTIONS = N_("Send the options as JSON in the part “options”.")
BAD_JSON = N_("This is not JSON: line {line}, column {column}.")
NO_HEADING = N_("The file has no column “{heading}”.")
SAME_HEADING = N_("The file has several columns “{heading}”. Rename one.")
NO_FIELD = N_("There is no field “{target}”. Give new_field instead to make one.")
UNSURE = N_("No column is mapped to the e-mail address. Choose the one that holds it.")


class NewField(Input):
    """A custom field to make. `label` "": the heading of the column."""

    label: Annotated[str, Field(max_length=80)] = ""
    type: FieldType = FieldType.TEXT


class Target(Input):
    """Where a column goes: `to` a built-in name or a field's key, or a `new_field`."""

    to: Annotated[str, Field(max_length=40)] = ""
    new_field: NewField | None = None


class NewImport(Choices):
    """`mapping`: heading → target; columns left out are not imported. Without it headings that name a known
    field are taken. `sheet`: of a workbook; without it the first that holds something. `dry_run`: counts
    only; start it with POST /imports/{id}/runs."""

    mapping: dict[str, Target] | None = None
    sheet: Annotated[str, Field(max_length=255)] = ""
    dry_run: bool = False


class ImportForm(BaseModel):
    """The two parts of the form."""

    file: Annotated[bytes, Field(json_schema_extra={"format": "binary"})]
    options: NewImport


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Each row of the file is in one of these; they add up to `rows` once it is counted."""

    rows: int
    created: int
    updated: int
    unsubscribed: int
    removed: int
    unchanged: int
    refused: int
    doubles: int
    errors: int
    set_aside: int
    opted_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """Addresses that deserve a second look, among all rows: offices, mailboxes for minutes, typing slips."""

    role: int
    disposable: int
    typo: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedColumn:
    """A column that is not imported, because it holds what may not be kept."""

    heading: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportShown:
    """`rejects_url`: the rows in error as CSV, for six days. `failure` is filled when `state` is failed."""

    id: int
    state: State
    failure: str
    file_name: str
    mode: Mode
    list_ids: list[int]
    tags: list[str]
    counts: Counts
    flagged: Flagged
    closed_columns: list[ClosedColumn]
    rejects_url: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def shown(job: Import) -> ImportShown:
    choices = job.choices
    names = (*(fate.value for fate in Fate), "doubles", "errors", "opted_out")
    counts = {name: job.counts.get(name, 0) for name in names}
    return ImportShown(
        id=job.id,
        state=State(job.state),
        failure=i18n.translate(import_report.failure(job)) if job.failure else "",
        file_name=job.file_name,
        mode=choices.mode,
        list_ids=choices.list_ids,
        tags=choices.tags,
        counts=Counts(rows=job.rows_read, **counts),
        flagged=Flagged(**{flag.value: job.counts.get(flag, 0) for flag in Flag}),
        closed_columns=[
            ClosedColumn(
                heading=job.column_mapping.heading(n) if job.mapping else job.header[n],
                code=kind,
                message=i18n.translate(NAME_REFUSED[kind]),
            )
            for n, kind in job.closed_columns.items()
        ],
        rejects_url=f"/api/v1/imports/{job.id}/rejects" if job.rejects_file_id else None,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


@operation(
    "Import a table; it is counted and imported in the background",
    body=ImportForm,
    multipart=True,
    returns=ImportShown,
    status=202,
    scope="imports:write",
    errors=(413, 415),
)
async def create(request: web.Request) -> web.Response:
    async with access.api_look(request) as tx:
        await agreements.require(tx)
        account_id = tx.account_id
    if request.content_type != "multipart/form-data":
        raise WrongMediaType
    import_upload.check_size(request.content_length)
    upload, new = await _parts(request, account_id)
    # the file by its octets, so that a repeated request is known by what it holds (E-61)
    async with access.api_look(request) as tx:
        digest = (await files.show(tx, upload.file_id)).sha256 or b""
    told = orjson.dumps((upload.file_name, new.model_dump()), option=orjson.OPT_SORT_KEYS)
    request[BODY] = digest + told
    try:
        return await begin(request, upload, new)
    except (Invalid, Repeated):
        await import_upload.drop(services(request).db, account_id, upload.file_id)
        raise


async def begin(request: web.Request, upload: Upload, new: NewImport, *, asked: bool = False) -> web.Response:
    """An import of a stored file, in one transaction. `asked`: of an upload that was asked for first."""
    async with access.api_tx(request) as tx:
        if asked:
            await import_uploads.claim(tx, upload)
        import_id = await imports.create(
            tx,
            file_id=upload.file_id,
            file_name=upload.file_name,
            detected=upload.detected,
            language=i18n.language(),
        )
        columns = await _columns(tx, upload.detected, new.mapping)
        if new.mapping is None:  # nobody asked for a column that is closed
            closed = (await imports.show(tx, import_id)).closed_columns
            columns = [Column() if n in closed else column for n, column in enumerate(columns)]
        await import_columns.map_columns(tx, import_id, columns)
        await import_start.check(tx, import_id, new, dry_run=new.dry_run)
        job = await imports.show(tx, import_id)
    return json(shown(job), status=202, headers={"Location": f"/api/v1/imports/{import_id}"})


async def _parts(request: web.Request, account_id: int) -> tuple[Upload, NewImport]:
    """Both parts, in either order. Raises Invalid; nothing is kept then."""
    upload: Upload | None = None
    new: NewImport | None = None
    db = services(request).db
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "file" and upload is None:
                name = part.filename or "import.csv"
                upload = await import_upload.receive(db, account_id, pieces_of(part), name=name)
            elif part.name == "options" and new is None:
                new = await _options(part)
        if upload is None:
            raise fault("file", NO_FILE, code="missing")
        if new is None:
            raise fault("options", NO_OPTIONS, code="missing")
        if new.sheet and new.sheet != upload.detected.sheet:
            upload = await import_upload.look_again(db, account_id, upload, sheet=new.sheet)
    except (Invalid, ValueError) as error:
        if upload is not None:
            await import_upload.drop(db, account_id, upload.file_id)
        if isinstance(error, Invalid):
            raise
        raise fault("file", NO_FILE, code="multipart") from error
    return upload, new


async def _options(part: BodyPartReader) -> NewImport:
    data = bytearray()
    async for piece in pieces_of(part):
        data += piece
        if len(data) > MAX_OPTIONS:
            raise web.HTTPRequestEntityTooLarge(max_size=MAX_OPTIONS, actual_size=len(data))
    try:
        values = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        where = {"line": error.lineno, "column": error.colno}
        raise Invalid(Fault("options", BAD_JSON, "json_invalid", where)) from None
    return check(NewImport, values)


async def _columns(tx: AccountTx, detected: Detected, chosen: Mapping[str, Target] | None) -> list[Column]:
    known = await import_columns.field_guesses(tx)
    if chosen is None:
        guesses = csv_mapping.guess(detected.header, detected.sample, known)
        return [Column(target="" if one.new else one.target, type=one.type) for one in guesses]
    faults = []
    for heading, target in chosen.items():
        if heading not in detected.header:
            faults.append(Fault("mapping", NO_HEADING, "no_heading", {"heading": heading}))
        elif detected.header.count(heading) > 1:
            faults.append(Fault("mapping", SAME_HEADING, "same_heading", {"heading": heading}))
        elif target.new_field is None and target.to and target.to not in (*BUILT_IN, *known):
            faults.append(Fault("mapping", NO_FIELD, "no_such_field", {"target": target.to}))
    if faults:
        raise Invalid(*faults)
    taken, columns = set(known), []
    for heading in detected.header:
        target = chosen.get(heading, Target())
        if target.new_field is None:
            columns.append(Column(target=target.to))
            continue
        label = target.new_field.label or heading
        key = csv_mapping.free_key(label, taken)
        taken.add(key)
        columns.append(Column(target=key, type=target.new_field.type, label=label[:80], new=True))
    return columns


@operation(
    "List the imports, the newest first", query=Paging, returns=page_of(ImportShown), scope="imports:read"
)
async def index(request: web.Request) -> web.Response:
    asked = query(request, Paging)
    async with access.api_tx(request) as tx:
        found = await imports.page(tx, cursor=asked.cursor, limit=asked.limit)
    return json(Page([shown(job) for job in found.items], found.next_cursor))


@operation("Show an import", returns=ImportShown, scope="imports:read")
async def show(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        return json(shown(await imports.show(tx, id_in_path(request))))


@operation("The rows in error, with their reasons", scope="imports:read", media_type="text/csv")
async def rejects(request: web.Request) -> web.StreamResponse:
    async with access.api_tx(request) as tx:
        job = await imports.show(tx, id_in_path(request))
        file = await import_report.rejects_file(tx, job)
        account_id = tx.account_id
    if file is None:
        raise NotFound
    return await stream(request, file, account_id=account_id)


@operation(
    "Import what a dry run counted", returns=ImportShown, status=202, scope="imports:write", errors=(409,)
)
async def run(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        import_id = id_in_path(request)
        await import_start.run(tx, import_id)
        return json(shown(await imports.show(tx, import_id)), status=202)


@operation("Cancel an import that does not run yet", status=204, scope="imports:write", errors=(409,))
async def cancel(request: web.Request) -> web.Response:
    async with access.api_tx(request) as tx:
        await imports.cancel(tx, id_in_path(request))
    return web.Response(status=204)


ROUTES = [
    web.get("/imports", index),
    web.post("/imports", create),
    web.get("/imports/{id}", show),
    web.get("/imports/{id}/rejects", rejects),
    web.post("/imports/{id}/runs", run),
    web.post("/imports/{id}/cancellations", cancel),
]
