"""What became of an import: the rejects as a file, examples of each fate, progress with the time left."""

from dataclasses import dataclass
from datetime import datetime

from lists import csv_write, imports
from lists.import_fates import Fate, changes
from lists.imports import KEPT, Import, State
from mailer.core import clock, files
from mailer.core.addresses import mask
from mailer.core.db import AccountTx, Database
from mailer.core.errors import NotFound
from mailer.core.text import N_
from mailer.web import i18n

PART = 5_000
ABOVE = N_("This address stands higher up in the file.")
HEADING = (N_("Line"), N_("Column"), N_("Value"), N_("Reason"))
WHOLE_ROW = N_("whole row")


@dataclass(frozen=True, slots=True)
class Rejects:
    """`file_id` None when there are none."""

    file_id: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Rejected:
    line: int
    column_name: str
    value: str
    message: str
    params: dict[str, str | int]


async def write_rejects(db: Database, account_id: int, job: Import) -> Rejects:
    """Line, column, masked value, reason in the language of who uploaded; CSV that opens in Excel.

    A turn that ends in between leaves an incomplete file, which retention removes.
    """
    file_id, count, after = None, 0, -1
    while True:
        async with db.account(account_id) as tx:
            rows = await tx.many(
                Rejected,
                """
                SELECT line, column_name, value, message, params FROM import_rejects
                WHERE account_id = $1 AND import_id = $2 AND line > $3
                ORDER BY line
                LIMIT $4
                """,
                job.id,
                after,
                PART,
            )
            if not rows:
                if file_id is not None:
                    await files.complete(tx, file_id)
                return Rejects(file_id, count)
            if file_id is None:
                file_id = await files.create(
                    tx, "rejects", _name(job), media_type="text/csv", expires_at=job.created_at + KEPT
                )
            await files.append(tx, file_id, _encode(rows, job.language, first=count == 0))
        count, after = count + len(rows), rows[-1].line


async def rejects_file(tx: AccountTx, job: Import) -> files.File | None:
    """None when there are no rejects, or no longer."""
    if job.rejects_file_id is None:
        return None
    try:
        return await files.show(tx, job.rejects_file_id)
    except NotFound:
        return None


def _name(job: Import) -> str:
    return f"import-{job.id}-{'rejets' if job.language == 'fr' else 'rejects'}.csv"


def _encode(rows: list[Rejected], language: str, *, first: bool) -> bytes:
    before = i18n.language()
    i18n.use_language(language)
    try:
        table = [
            [
                str(row.line),
                row.column_name or i18n.translate(WHOLE_ROW),
                row.value,
                i18n.translate(row.message, **row.params),
            ]
            for row in rows
        ]
        if first:
            table.insert(0, [i18n.translate(text) for text in HEADING])
    finally:
        i18n.use_language(before)
    # Excel reads the separator of its own language, and UTF-8 only behind a mark
    return csv_write.encode(table, delimiter=";" if language == "fr" else ",", bom=first)


@dataclass(frozen=True, slots=True)
class Example:
    line: int
    email: str
    first_name: str | None
    last_name: str | None


async def examples(tx: AccountTx, job: Import, fate: str) -> list[Example]:
    """The first rows of one fate or flag, of a check that is not yet imported."""
    return await tx.many(
        Example,
        """
        SELECT line, email, first_name, last_name FROM import_rows
        WHERE account_id = $1 AND import_id = $2 AND line = ANY ($3::bigint[]) AND part IN (
            SELECT (
                SELECT min(last_line) FROM import_parts
                WHERE account_id = $1 AND import_id = $2 AND last_line >= wanted
            ) FROM unnest($3) AS w (wanted)
        )
        ORDER BY line
        """,
        job.id,
        job.examples.get(fate, []),
    )


async def rejected(tx: AccountTx, import_id: int) -> list[Rejected]:
    """The first rejects, while they are staged."""
    return await tx.many(
        Rejected,
        """
        SELECT line, column_name, value, message, params FROM import_rejects
        WHERE account_id = $1 AND import_id = $2
        ORDER BY line
        LIMIT 20
        """,
        import_id,
    )


async def doubles(tx: AccountTx, job: Import) -> list[Rejected]:
    """The first rows whose address stood higher up: no fault, they are not in the file of rejects."""
    rows = await tx.rows(
        """
        SELECT r.line, r.email
        FROM import_parts p
        CROSS JOIN unnest(p.lines, p.emails) AS r (line, email)
        WHERE p.account_id = $1 AND p.import_id = $2 AND p.doubles && $3::bigint[] AND r.line = ANY ($3)
        ORDER BY r.line
        """,
        job.id,
        job.examples.get("doubles", []),
    )
    return [Rejected(line, "", mask(email), ABOVE, {}) for line, email in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Of check or run. `total`: estimated while the file is read; `seconds_left` None: too early."""

    done: int
    total: int
    per_second: int
    seconds_left: int | None

    @property
    def quarter(self) -> int:
        """0, 25, 50, 75 or 100: how often progress is spoken (ui 2.3)."""
        return 25 * (4 * self.done // self.total) if self.total else 0


STABLE_SECONDS = 10  # before that the rate says nothing (ui 3.6)


def progress(job: Import, *, now: datetime | None = None) -> Progress:
    elapsed = ((now or clock.now()) - (job.started_at or job.created_at)).total_seconds()
    if job.state == State.RUNNING:
        done, total = (
            sum(job.counts.get(fate, 0) for fate in (*Fate, "doubles", "errors", "opted_out")),
            job.rows_read,
        )
    elif job.state == State.UNDOING:
        done, total = sum(job.undo_counts.values()), changes(job.counts)
    else:
        read, size = job.bytes_read - job.first_offset, max(job.size - job.first_offset, 1)
        done, total = job.rows_read, round(job.rows_read * size / read) if read > 0 else 0
    total = max(total, done)
    rate = done / elapsed if elapsed > 0 else 0.0
    left = round((total - done) / rate) if rate and elapsed >= STABLE_SECONDS else None
    return Progress(done=done, total=total, per_second=round(rate), seconds_left=left)


def failure(job: Import) -> str:
    """The msgid of why it stopped, or ""."""
    return imports.FAILURES.get(job.failure, imports.FAILURES["unknown"]) if job.failure else ""
