"""The import wizard: where the columns go, and what to do with the rows on whose word."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated

from aiohttp import web
from pydantic import Field, field_validator

from lists import (
    csv_mapping,
    import_columns,
    import_mappings,
    import_report,
    import_start,
    import_upload,
    imports,
    known_exports,
    mailing_lists,
    tags,
)
from lists.csv_detect import DELIMITERS, Unreadable
from lists.csv_mapping import STATUS
from lists.csv_rows import ENCODINGS
from lists.field_values import CHOOSING, FieldType
from lists.import_mappings import Saved
from lists.imports import LEAVING, Choices, Column, Import, Mode
from lists.pages_imports import NewQuery, home, place, steps
from mailer.accounts import access
from mailer.accounts.access import Role
from mailer.core import forbidden_data
from mailer.core.addresses import trim
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Invalid, fault
from mailer.core.text import N_
from mailer.web import forms, i18n, response
from mailer.web.forms import Form
from mailer.web.request import Input, id_in_path, query, read, services

NEW = "+"  # value of a select: a field that does not exist yet
DELIMITER_NAMES = {";": N_("semicolon"), ",": N_("comma"), "\t": N_("tab"), "|": N_("vertical bar")}
TYPES = {
    FieldType.TEXT: N_("Text"),
    FieldType.NUMBER: N_("Number"),
    FieldType.DATE: N_("Date"),
    FieldType.BOOLEAN: N_("Yes or no"),
    FieldType.LIST: N_("Several values"),
    FieldType.CHOICE: N_("Choice"),
    FieldType.CHOICES: N_("Several choices"),
}
BUILT_IN = {
    "email": N_("E-mail address"),
    "first_name": N_("First name"),
    "last_name": N_("Last name"),
    "language": N_("Language"),
    STATUS: N_("State of the subscription"),
}
MODES = {
    Mode.ADD: (N_("Add"), N_("New contacts come in. Those you have stay as they are.")),
    Mode.ADD_AND_UPDATE: (
        N_("Add and update"),
        N_("New contacts come in. Those you have take the values of the file."),
    ),
    Mode.UPDATE: (
        N_("Update only"),
        N_("The contacts you have take the values of the file. Nobody is added."),
    ),
    Mode.UNSUBSCRIBE: (
        N_("Unsubscribe these addresses"),
        N_(
            "They get nothing more from the lists you choose, or nothing at all when you choose none. Only"
            " the person can come back. This cannot be undone."
        ),
    ),
    Mode.REMOVE: (
        N_("Remove from the list"),
        N_("The contacts of the file leave the lists you choose. They stay contacts, and refusals stay."),
    ),
}
BASES = {
    "consent": (N_("Consent"), N_("Each person agreed to receive these e-mails.")),
    "existing_customer": (N_("Existing customers"), N_("They bought something similar from you.")),
    "b2b_interest": (
        N_("Professional interest"),
        N_("Business addresses, about the person's profession. Not for personal mailboxes."),
    ),
    "service": (
        N_("Service messages"),
        N_(
            "Messages that a contract needs, without advertising. Newsletters and promotions leave these"
            " contacts out."
        ),
    ),
}
LABEL_TAKEN = N_("A field is already called “{label}”. Choose it in the list, or write another name.")
TICK = N_("Tick the statement: without it nothing can be imported.")


@dataclass(frozen=True, slots=True)
class Row:
    """A column of the file as a row of the page."""

    n: int
    heading: str
    samples: Sequence[str]
    target: str
    label: str
    type: str
    closed: str = ""  # why it is not imported


async def mapping(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        job = await imports.show(tx, id_in_path(request))
        known = await import_columns.field_guesses(tx)
        saved = None
        if not job.mapping and not query(request, NewQuery).anew:
            saved = await import_mappings.recall(tx, job.header)
    if job.state not in imports.OPEN:
        return response.redirect(home(request) + place(job))
    imports.need_open(job)
    return _mapping(request, job, known, _rows(job, known, saved), saved=saved)


def _rows(job: Import, known: dict[str, tuple[str, FieldType]], saved: Saved | None = None) -> list[Row]:
    """What was chosen, or as last time, or else what is guessed."""
    guesses = csv_mapping.guess(job.header, job.sample, known)
    closed = job.closed_columns
    chosen = job.columns or [
        Column()
        if one.column in closed
        else Column(target=one.target, type=one.type, label=one.heading[:80], new=one.new)
        for one in guesses
    ]
    if saved is not None:
        chosen = import_mappings.columns(saved, chosen, known)
    return [
        Row(
            one.column,
            one.heading,
            [sample[:60] for sample in one.samples],
            NEW if column.new else column.target,
            column.label or one.heading[:80],
            column.type if column.new else one.type,
            forbidden_data.NAME_REFUSED[closed[one.column]] if one.column in closed else "",
        )
        for one, column in zip(guesses, chosen, strict=True)
    ]


def _mapping(
    request: web.Request,
    job: Import,
    known: dict[str, tuple[str, FieldType]],
    rows: list[Row],
    *,
    form: Form | None = None,
    saved: Saved | None = None,
) -> web.Response:
    product = known_exports.recognise(job.header)
    targets = [("", i18n.translate(N_("Do not import")))]
    targets += [(key, i18n.translate(text)) for key, text in BUILT_IN.items()]
    targets += [(key, f"{label} ({i18n.translate(TYPES[kind])})") for key, (label, kind) in known.items()]
    targets.append((NEW, i18n.translate(N_("New field"))))
    context = {
        "job": job,
        "form": form or Form(),
        "steps": steps(request, job, "mapping"),
        "rows": rows,
        "targets": targets,
        # a choice needs its options first
        "types": [(kind, i18n.translate(text)) for kind, text in TYPES.items() if kind not in CHOOSING],
        "encodings": [(name, name.upper()) for name in ENCODINGS],
        "delimiters": [(sign, i18n.translate(DELIMITER_NAMES[sign])) for sign in DELIMITERS],
        "saved": saved,
        "product": product.name if product else "",
        "sheets": [(name, name) for name in job.sheets],
        "separator": DELIMITER_NAMES.get(job.delimiter, job.delimiter),
        "list_id": query(request, NewQuery).list_id,
    }
    return response.page(request, "lists/imports/mapping.html", context, status=422 if form else 200)


async def save_mapping(request: web.Request) -> web.Response:
    sent = await request.post()
    async with access.account_tx(request, Role.EDITOR) as tx:
        job = await imports.show(tx, id_in_path(request))
        known = await import_columns.field_guesses(tx)
        rows = [
            Row(
                row.n,
                row.heading,
                row.samples,
                str(sent.get(f"target_{row.n}", "")) if not row.closed else "",
                trim(str(sent.get(f"label_{row.n}", ""))),
                str(sent.get(f"type_{row.n}", "text")),
                row.closed,
            )
            for row in _rows(job, known)
        ]
        try:
            columns = _columns(rows, known)
            await import_columns.map_columns(tx, job.id, columns)
            name = trim(str(sent.get("mapping_name", "")))
            await import_mappings.remember(tx, job.header, columns, name=name)
        except Invalid as error:
            imports.need_open(job)
            return _mapping(request, job, known, rows, form=Form({}, error.faults))
    list_id = query(request, NewQuery).list_id
    kept = f"?list_id={list_id}" if list_id else ""
    return response.redirect(home(request) + place(job, "options") + kept)


def _columns(rows: Sequence[Row], known: dict[str, tuple[str, FieldType]]) -> list[Column]:
    """What the selects say; a new field gets its key here. Raises Invalid with every fault."""
    columns, faults, taken = [], [], set(known)
    labels = {label.casefold() for label, _ in known.values()}
    for row in rows:
        kind = FieldType(row.type) if row.type in set(FieldType) else FieldType.TEXT
        if row.target != NEW:
            columns.append(Column(target=row.target, type=kind))
            continue
        label = row.label or row.heading
        if not row.closed and (unwanted := forbidden_data.of_name(label)):
            faults.append(Fault(f"label_{row.n}", forbidden_data.NAME_REFUSED[unwanted], unwanted))
        if label.casefold() in labels:
            faults.append(Fault(f"label_{row.n}", LABEL_TAKEN, "conflict", {"label": label}))
        key = csv_mapping.free_key(label, taken)
        taken.add(key)
        labels.add(label.casefold())
        columns.append(Column(target=key, type=kind, label=label[:80], new=True))
    if faults:
        raise Invalid(*faults)
    return columns


class Reading(Input):
    encoding: Annotated[str, Field(max_length=20)] = ENCODINGS[0]
    delimiter: Annotated[str, Field(max_length=1)] = DELIMITERS[0]
    sheet: Annotated[str, Field(max_length=255)] = ""

    model_config = {"str_strip_whitespace": False}


async def redetect(request: web.Request) -> web.Response:
    """Reads the file again with the person's own encoding and separator, or another sheet."""
    asked = await read(request, Reading)
    if asked.encoding not in ENCODINGS or asked.delimiter not in DELIMITERS:
        raise fault("encoding", N_("Choose an encoding and a separator of the list."))
    async with access.account_tx(request, Role.EDITOR) as tx:
        job = await imports.show(tx, id_in_path(request))
        imports.need_open(job)
    account_id = access.member(request).account_id
    try:
        detected = await import_upload.look(
            services(request).db,
            account_id,
            job.original_file_id or job.file_id or 0,
            encoding=asked.encoding,
            delimiter=asked.delimiter,
            sheet=asked.sheet,
        )
    except Unreadable as error:
        name = "encoding" if job.format == "csv" else "sheet"
        raise fault(name, error.message, code=error.code, **error.params) from error
    async with access.account_tx(request, Role.EDITOR) as tx:
        await imports.redetect(tx, job.id, detected)
    list_id = query(request, NewQuery).list_id
    kept = f"?list_id={list_id}" if list_id else ""
    return response.redirect(home(request) + place(job, "mapping") + kept)


class OptionsForm(Choices):
    """As a form sends it: an empty date is none, and the statement is a box."""

    attested: bool = False

    @field_validator("tags", mode="before")
    @classmethod
    def _split(cls, value: list[str]) -> list[str]:
        return [name.strip() for text in value for name in text.split(",") if name.strip()]

    @field_validator("collected_from", "collected_to", mode="before")
    @classmethod
    def _no_day(cls, value: object) -> object:
        return value or None


@dataclass(frozen=True, slots=True)
class Offered:
    """What the options page lets choose from."""

    lists: list[tuple[int, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    failure: str = ""


async def options(request: web.Request) -> web.Response:
    async with access.account_tx(request) as tx:
        job = await imports.show(tx, id_in_path(request))
        offered = await _offered(tx, job)
    if job.state not in imports.OPEN or not job.mapping:
        return response.redirect(home(request) + place(job))
    imports.need_open(job)
    name = access.person(request).name
    # whoever has made the statement for this very file need not make it again
    stated = job.choices.attested_by == name != "" and job.choices.mode not in LEAVING
    values = job.choices.model_dump() | {"attested": stated}
    list_id = query(request, NewQuery).list_id
    if list_id and not values["list_ids"]:
        values["list_ids"] = [list_id]
    values["attested_by"] = values["attested_by"] or name
    values["tags"] = ", ".join(job.choices.tags)
    for day in ("collected_from", "collected_to", "customer_since", "informed_on"):
        values[day] = values[day].isoformat() if isinstance(values[day], date) else ""
    return _options(request, job, offered, Form(values))


async def _offered(tx: AccountTx, job: Import) -> Offered:
    found = await mailing_lists.names(tx)
    known = [one.name for one in await tags.names(tx)]
    return Offered([(one.id, one.name) for one in found], known, import_report.failure(job))


def _options(request: web.Request, job: Import, offered: Offered, form: Form) -> web.Response:
    def told(texts: dict[str, tuple[str, str]]) -> list[tuple[str, str, str]]:
        return [(str(key), i18n.translate(name), i18n.translate(text)) for key, (name, text) in texts.items()]

    context = {
        "job": job,
        "form": form,
        "steps": steps(request, job, "options"),
        "offered": offered,
        "modes": told({str(mode): texts for mode, texts in MODES.items()}),
        "bases": told(BASES),
    }
    return response.page(request, "lists/imports/options.html", context, status=422 if form.faults else 200)


async def start_check(request: web.Request) -> web.Response:
    """*Count without importing*."""
    async with access.account_tx(request, Role.EDITOR) as tx:
        job = await imports.show(tx, id_in_path(request))
        try:
            sent = await read(request, OptionsForm)
            await _check_form(tx, sent)
            await import_start.check(tx, job.id, sent)
        except Invalid as error:
            if job.state not in imports.OPEN:
                return response.redirect(home(request) + place(job))
            # each of the tags has a place of its own; they are written into one field
            at = [replace(one, field=one.field.partition(".")[0]) for one in error.faults]
            form = await forms.again(request, Invalid(*at), many=("list_ids",))
            return _options(request, job, await _offered(tx, job), form)
    return response.redirect(home(request) + place(job, "check"))


async def _check_form(tx: AccountTx, sent: OptionsForm) -> None:
    faults: list[Fault] = []
    try:
        await import_start.check_choices(tx, sent)
    except Invalid as error:
        faults += error.faults
    if not sent.attested and sent.mode not in LEAVING:
        faults.append(Fault("attested", TICK, "missing"))
    if faults:
        raise Invalid(*faults)


ROUTES = [
    web.get("/{a}/imports/{id}/mapping", mapping),
    web.post("/{a}/imports/{id}/mapping", save_mapping),
    web.post("/{a}/imports/{id}/detections", redetect),
    web.get("/{a}/imports/{id}/options", options),
    web.post("/{a}/imports/{id}/options", start_check),
]
