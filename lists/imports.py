"""Imports: a file, what its columns are, on what basis, and how far it got.

    upload ─▶ uploaded ─▶ mapped ─▶ checking ─▶ checked ─▶ running ─▶ done ─▶ undoing ─▶ undone
                 ▲           ▲          │           │                 (7 days)
                 └───────────┴──────────┴───────────┴──▶ failed, cancelled (until running)

Nothing of the file is in `contacts` before `running`. Every start raises `attempt`, so that a turn of an
earlier start writes nothing any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

import pydantic
from pydantic import StringConstraints

from lists import import_guard
from lists.address_flags import Flag
from lists.csv_detect import Detected
from lists.csv_mapping import STATUS, ColumnMapping
from lists.field_values import FieldType
from lists.legal_bases import BasisEvidence, LegalBasis
from lists.tags import TagName
from mailer.accounts import agreements, audit
from mailer.core import clock, files, paging, work
from mailer.core.db import AccountTx
from mailer.core.errors import Conflict, Fault, Gone, Invalid
from mailer.core.forbidden_data import Kind
from mailer.core.paging import Page
from mailer.core.text import N_
from mailer.web.request import Input

MAX_BYTES = 200_000_000
KEPT = timedelta(days=6)  # of an uploaded file and of its rejects


class State(StrEnum):
    UPLOADED = "uploaded"
    MAPPED = "mapped"
    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (State.UPLOADED, State.MAPPED, State.CHECKED, State.FAILED)  # the choices can still be changed


class Mode(StrEnum):
    """What happens to contacts that are there, or are not. No mode lifts an unsubscribe."""

    ADD = "add"
    ADD_AND_UPDATE = "add_and_update"
    UPDATE = "update"
    UNSUBSCRIBE = "unsubscribe"
    REMOVE = "remove"


LEAVING = (Mode.UNSUBSCRIBE, Mode.REMOVE)  # nobody comes in: only addresses and refusals count


class Column(Input):
    """Where a column goes: a built-in name, a field's key, or "" for nowhere. `new`: made when importing."""

    target: str = ""
    type: FieldType = FieldType.TEXT
    label: Annotated[str, StringConstraints(max_length=80)] = ""
    new: bool = False
    options: list[str] = []  # of a choice, when the columns were saved


class Choices(BasisEvidence):
    """What to do with the rows, and the statement on where they come from (A-020, A-021)."""

    mode: Mode = Mode.ADD_AND_UPDATE
    list_ids: list[Annotated[int, pydantic.Field(ge=1, lt=2**63)]] = pydantic.Field(default=[], max_length=50)
    new_list: Annotated[str, StringConstraints(max_length=120)] = ""
    # names; made when importing
    tags: list[TagName] = pydantic.Field(default=[], max_length=20)
    # an empty cell erases what is stored; otherwise it says nothing
    empty_erases: bool = False
    # D-84: rows with such an address become errors
    leave_out: list[Flag] = pydantic.Field(default=[], max_length=len(Flag))
    legal_basis: LegalBasis | Literal[""] = ""
    source: Annotated[str, StringConstraints(max_length=500)] = ""
    collected_from: date | None = None
    collected_to: date | None = None
    attested_by: Annotated[str, StringConstraints(max_length=120)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A row of `imports`. `bytes_read`, `merged_to_line`: what is committed; reading goes on from there."""

    id: int
    state: State
    failure: str
    file_id: int | None
    original_file_id: int | None
    file_name: str
    format: str
    sheet: str
    sheets: list[str]
    lines_turned: int
    encoding: str
    delimiter: str
    has_header: bool
    header: list[str]
    sample: list[list[str]]
    closed: list[str]  # for each column "" or the Kind of data that closes it; empty for older imports
    guard: dict[str, dict[str, int]]
    mapping: list[dict[str, object]]
    options: dict[str, object]
    language: str
    attempt: int
    first_offset: int
    first_line: int
    bytes_read: int
    lines_read: int
    rows_read: int
    merged_to_line: int
    resumed_at_line: int | None
    counts: dict[str, int]
    examples: dict[str, list[int]]  # of each fate, the first lines
    rejects_file_id: int | None
    attested_by: str
    created_by: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    undone_to_line: int
    undo_counts: dict[str, int]
    undone_at: datetime | None
    size: int  # of the file, 0 when it is gone

    @property
    def to_turn(self) -> bool:
        """A workbook or JSON lines, of which no table was made yet."""
        return self.format != "csv" and self.original_file_id is None

    @property
    def columns(self) -> list[Column]:
        return [Column.model_validate(column) for column in self.mapping]

    @property
    def choices(self) -> Choices:
        known = {name: value for name, value in self.options.items() if name in Choices.model_fields}
        return Choices.model_validate(known)

    @property
    def tag_ids(self) -> list[int]:
        """Of an import that runs."""
        found = self.options.get("tag_ids", [])
        return [int(one) for one in found] if isinstance(found, list) else []

    @property
    def closed_columns(self) -> dict[int, Kind]:
        """A-025 to A-027: columns that are not imported, and what they hold."""
        return {column: Kind(kind) for column, kind in enumerate(self.closed) if kind}

    @property
    def dry_run(self) -> bool:
        """False: an import of a program that goes on by itself once it is counted."""
        return bool(self.options.get("dry_run", True))

    @property
    def column_mapping(self) -> ColumnMapping:
        # who is taken off loses no refusal that the file tells of them (B-28)
        leaving = self.choices.mode in LEAVING
        targets = tuple(
            "" if leaving and column.target not in ("email", STATUS) else column.target
            for column in self.columns
        )
        return ColumnMapping(
            tuple(self.header), targets, decimal_comma=self.delimiter != ",", leaving=leaving
        )

    @property
    def field_types(self) -> dict[str, FieldType]:
        return {column.target: column.type for column in self.columns if column.target}

    @property
    def options_of_fields(self) -> dict[str, list[str]]:
        return {column.target: column.options for column in self.columns if column.options}

    @property
    def erased_by_empty(self) -> list[str]:
        """The targets whose empty cells erase."""
        if not self.choices.empty_erases:
            return []
        return [column.target for column in self.columns if column.target not in ("", "email", STATUS)]


async def create(tx: AccountTx, *, file_id: int, file_name: str, detected: Detected, language: str) -> int:
    """An import of a file that is stored and was looked at. Closes itself when the file's time is over."""
    await agreements.require(tx)
    detected, closed = import_guard.look(detected)
    import_id: int = await tx.value(
        """
        INSERT INTO imports (account_id, file_id, file_name, file_sha256, encoding, delimiter, has_header,
                             header, sample, first_offset, first_line, language, created_by, closed, format,
                             sheet, sheets)
        SELECT $1, $2, $3, f.sha256, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
        FROM files f
        WHERE f.account_id = $1 AND f.id = $2
        RETURNING id
        """,
        file_id,
        file_name[:255],
        detected.encoding,
        detected.delimiter,
        detected.has_header,
        detected.header,
        detected.sample,
        detected.first_offset,
        detected.first_line,
        language,
        tx.actor.id if tx.actor.kind == "user" else None,
        closed,
        detected.format,
        detected.sheet,
        list(detected.sheets),
    )
    await work.add(tx, "lists.close_import", import_id, run_at=clock.now() + KEPT)
    await audit.write(tx, "created", "import", import_id)
    return import_id


async def show(tx: AccountTx, import_id: int) -> Import:
    """Raises NotFound."""
    return await tx.one(
        Import,
        """
        SELECT i.id, i.state, i.failure, i.file_id, i.original_file_id, i.file_name, i.format, i.sheet,
               i.sheets, i.lines_turned, i.encoding, i.delimiter, i.has_header, i.header, i.sample,
               i.closed, i.guard, i.mapping, i.options, i.language, i.attempt, i.first_offset, i.first_line,
               i.bytes_read, i.lines_read, i.rows_read, i.merged_to_line, i.resumed_at_line, i.counts,
               i.examples, i.rejects_file_id, i.attested_by, i.created_by, i.created_at, i.started_at,
               i.finished_at, i.undone_to_line, i.undo_counts, i.undone_at, coalesce(f.size, 0) AS size
        FROM imports i
        LEFT JOIN files f ON f.account_id = i.account_id AND f.id = i.file_id
        WHERE i.account_id = $1 AND i.id = $2
        """,
        import_id,
    )


async def page(tx: AccountTx, *, cursor: str | None, limit: int) -> Page[Import]:
    """The newest first."""
    key = paging.decode(cursor, (int,))
    rows = await tx.many(
        Import,
        """
        SELECT i.id, i.state, i.failure, i.file_id, i.original_file_id, i.file_name, i.format, i.sheet,
               i.sheets, i.lines_turned, i.encoding, i.delimiter, i.has_header, i.header,
               '[]'::jsonb AS sample, i.closed, i.guard, i.mapping, i.options, i.language, i.attempt,
               i.first_offset, i.first_line, i.bytes_read, i.lines_read, i.rows_read, i.merged_to_line,
               i.resumed_at_line, i.counts, i.examples, i.rejects_file_id, i.attested_by, i.created_by,
               i.created_at, i.started_at, i.finished_at, i.undone_to_line, i.undo_counts, i.undone_at,
               coalesce(f.size, 0) AS size
        FROM imports i
        LEFT JOIN files f ON f.account_id = i.account_id AND f.id = i.file_id
        WHERE i.account_id = $1 AND ($2::bigint IS NULL OR i.id < $2)
        ORDER BY i.id DESC
        LIMIT $3
        """,
        None if key is None else key[0],
        limit + 1,
    )
    return paging.page(rows, limit, key=lambda row: (row.id,))


NOT_OPEN = N_("This import has started. Nothing in it can be changed any more.")
GONE_FILE = N_("The file was erased 6 days after its upload. Upload it again.")


def need_open(job: Import, *, also: Sequence[State] = ()) -> None:
    """Raises Conflict when the import has started or ended, Gone when its file is no more."""
    if job.state not in (*OPEN, *also):
        raise Conflict(Fault("state", NOT_OPEN, "state", {"state": str(job.state)}))
    if not job.size:
        raise Gone(GONE_FILE)


async def redetect(tx: AccountTx, import_id: int, detected: Detected) -> None:
    """The person's own choice of encoding, separator or sheet; an earlier mapping no longer counts."""
    job = await show(tx, import_id)
    need_open(job)
    detected, closed = import_guard.look(detected)
    if job.original_file_id is not None and job.file_id is not None:
        await files.delete(tx, job.file_id)  # the table of another sheet
    await tx.run(
        """
        UPDATE imports
        SET state = 'uploaded', encoding = $3, delimiter = $4, has_header = $5, header = $6, sample = $7,
            first_offset = $8, first_line = $9, mapping = '[]', counts = '{}', examples = '{}', failure = '',
            closed = $10, sheet = $11, file_id = coalesce(original_file_id, file_id), original_file_id = NULL,
            lines_turned = 0
        WHERE account_id = $1 AND id = $2
        """,
        import_id,
        detected.encoding,
        detected.delimiter,
        detected.has_header,
        detected.header,
        detected.sample,
        detected.first_offset,
        detected.first_line,
        closed,
        detected.sheet,
    )


NO_SUCH_FIELD = N_("The field “{target}” does not exist any more. Choose where its column goes.")
TOO_MANY_FIELDS = N_("An account has at most {limit} fields.")
CHOICE_FIRST = N_(
    "“{label}” is a choice: create the field with its options first, then map the column to it."
)
CLOSED = N_("The column “{heading}” cannot be imported: it holds data that may not be kept here.")
COLUMNS = N_("The file has {count} columns. Say for each where it goes.")


async def cancel(tx: AccountTx, import_id: int) -> None:
    """Until it runs. The file and all that was read of it are erased. Raises Conflict afterwards."""
    job = await show(tx, import_id)
    if job.state == State.CANCELLED:
        return
    if job.state not in (*OPEN, State.CHECKING):
        raise Conflict(Fault("state", NOT_OPEN, "state", {"state": str(job.state)}))
    await close(tx, job, state=State.CANCELLED)
    await audit.write(tx, "cancelled", "import", import_id)


async def close(tx: AccountTx, job: Import, *, state: State, failure: str = "") -> None:
    """Ends it in `state`: the file, its samples, and what was staged are erased; the statement stays."""
    await tx.run(
        """
        UPDATE imports
        SET state = $3, failure = $4, sample = '[]', examples = '{}', file_id = NULL, original_file_id = NULL,
            rejects_file_id = NULL, attempt = attempt + 1, finished_at = coalesce(finished_at, now())
        WHERE account_id = $1 AND id = $2
        """,
        job.id,
        state,
        failure,
    )
    for file_id in (job.file_id, job.original_file_id, job.rejects_file_id):
        if file_id is not None:
            await files.delete(tx, file_id)
    await work.cancel(tx, "lists.check_import", job.id)
    # staged rows may be millions: a job removes them by parts
    await work.add(tx, "lists.close_import", job.id)


FIELDS_CHANGED = N_("The fields of the account changed since the check. Look at the columns again.")
LIST_GONE = N_("The list was deleted since the check. Choose another.")


def failure_of(error: Invalid) -> str:
    """The code that `imports.failure` keeps; its words are in FAILURES."""
    return error.faults[0].code if error.faults else "unknown"


FAILURES: Mapping[str, str] = {
    "fields_changed": FIELDS_CHANGED,
    "no_such_field": FIELDS_CHANGED,
    "no_such_list": LIST_GONE,
    "file_gone": GONE_FILE,
    "expired": GONE_FILE,
    "damaged": N_("The workbook is damaged further down. Save it again as .xlsx, then upload it again."),
    "too_big": N_("The workbook holds too much once unpacked. Split it, or save it as CSV."),
    "too_many_rows": N_("The file has more than 5,000,000 rows. Split it."),
    "unknown": N_("This import stopped. Look at the columns and the options, then count again."),
}
