"""Checking an import: the file into staged rows and rejects, then what would become of each row.

    files ─▶ csv_rows ─▶ csv_contacts ─▶ import_stage, import_rejects ─▶ doubles ─▶ counts
             (one megabyte a transaction, its position in the same one; the next is parsed meanwhile)

A turn that is killed anywhere leaves whole megabytes: the next goes on behind the last committed one.
"""

import asyncio
import time
from dataclasses import dataclass, field

import orjson

from lists import (
    address_flags,
    import_opt_outs,
    import_report,
    import_stage,
    import_start,
    imports,
    merge,
    table_rows,
)
from lists.address_flags import LEFT_OUT, Flag
from lists.contacts import NOT_BUSINESS
from lists.csv_contacts import Checker, ContactRow, Reject
from lists.csv_rows import Fault, Position, Reader, Record
from lists.import_fates import Judged
from lists.import_guard import Guard
from lists.import_stage import Part, Superseded
from lists.imports import Import
from mailer.core import files, keys
from mailer.core.addresses import domain_of, is_free_mail, mask, meant_domain
from mailer.core.db import AccountTx, Database
from mailer.core.errors import Invalid
from mailer.core.forbidden_data import VALUE_REFUSED, Kind
from mailer.core.services import Services


class TooManyRows(Exception):
    """The file has more rows than can be imported at once."""


@dataclass(slots=True)
class Batch:
    """What one piece of the file gave. `offset`, `line`: where the next row begins."""

    offset: int
    line: int
    count: int = 0
    parts: list[Part] = field(default_factory=list)
    opt_outs: import_opt_outs.Columns = ([], [], [])
    rejects: list[Reject] = field(default_factory=list)
    flagged: dict[Flag, list[int]] = field(default_factory=dict)  # D-84: lines
    guard: dict[str, dict[str, int]] = field(default_factory=dict)
    too_many: bool = False


class Parser:
    """Bytes → batches. Holds what is open between two pieces of the file."""

    def __init__(self, job: Import, key: bytes) -> None:
        self._key = key
        start = Position(job.bytes_read, job.lines_read, job.rows_read)
        self._reader = Reader(job.encoding, job.delimiter, start=start)
        self._mapping = job.column_mapping
        self._turned = job.format != "csv"
        self._check = Checker(self._mapping, job.field_types, job.options_of_fields)
        self._guard = Guard(self._mapping, job.guard)
        self._leave_out = frozenset(job.choices.leave_out)
        self._business = job.choices.legal_basis == "b2b_interest"
        self._offset, self._line = job.bytes_read, job.lines_read

    def parse(self, data: bytes | None) -> Batch:
        """None: the file ends here. Runs in a thread: a megabyte takes some tenths of a second."""
        batch, records = Batch(self._offset, self._line), list[Record]()
        rows, opt_outs = list[ContactRow](), list[ContactRow]()
        for item in self._reader.finish() if data is None else self._reader.feed(data):
            batch.offset, batch.line = item.end_offset, item.next_line
            if isinstance(item, Fault) and item.code == "too_many_rows":
                batch.too_many = True
                break
            batch.count += 1
            read = (
                table_rows.restore(item, self._mapping) if self._turned and isinstance(item, Record) else item
            )
            if isinstance(read, Record):
                records.append(read)
            else:
                batch.rejects.append(read if isinstance(read, Reject) else self._fault(read))
        refused = self._guard.judge([record.cells for record in records])
        self._guard.check_columns(ended=data is None)
        for i, record in enumerate(records):
            checked = self._refuse(record, *refused[i]) if i in refused else self._judge(record, batch)
            if isinstance(checked, Reject):
                batch.rejects.append(checked)
            elif checked.opt_out:
                opt_outs.append(checked)
            else:
                rows.append(checked)
        batch.guard = self._guard.state
        self._offset, self._line = batch.offset, batch.line
        batch.parts = import_stage.parts(rows, self._key)
        batch.opt_outs = import_opt_outs.columns(opt_outs, self._key)
        return batch

    def _refuse(self, record: Record, column: int, kind: Kind) -> ContactRow | Reject:
        row = self._check(record)
        if isinstance(row, ContactRow) and row.opt_out:
            return row  # a refusal is heard; of this row nothing but the hash of its address is kept
        # nothing of the value, not even its first character
        return Reject(record.line, self._mapping.heading(column), kind, "", VALUE_REFUSED[kind], {})

    def _judge(self, record: Record, batch: Batch) -> ContactRow | Reject:
        row = self._check(record)
        if isinstance(row, ContactRow) and (flag := address_flags.flag(row.key)):
            batch.flagged.setdefault(flag, []).append(row.line)
            if flag in self._leave_out:
                params = {"address": mask(row.email), "meant": meant_domain(domain_of(row.key)) or ""}
                heading = self._mapping.heading(self._mapping.email)
                return Reject(row.line, heading, flag, mask(row.email), LEFT_OUT[flag], params)
        # B-23: business interest is about somebody's profession: no mailbox provider's address shows it
        if (
            self._business
            and isinstance(row, ContactRow)
            and not row.opt_out
            and is_free_mail(domain_of(row.key))
        ):
            masked = mask(row.email)
            heading = self._mapping.heading(self._mapping.email)
            return Reject(row.line, heading, "free_mail", masked, NOT_BUSINESS, {"address": masked})
        return row

    def _fault(self, fault: Fault) -> Reject:
        heading = self._mapping.heading(fault.column - 1) if fault.column else ""
        return Reject(fault.line, heading, fault.code, "", fault.message, fault.params)


async def read_on(services: Services, account_id: int, job: Import, *, until: float) -> bool:
    """Stages rows up to the monotonic time `until`. True when the whole file is read.

    Raises Superseded, TooManyRows, and Invalid when the mapping no longer holds.
    """
    db = services.db
    if job.rows_read == 0:
        await import_stage.clear(db, account_id, job)
        await import_opt_outs.unstage(db, account_id, job.id, before=job)
    async with db.account(account_id) as tx:
        key = await keys.hash_key(tx, services.sealer)
    parser, old, batch = Parser(job, key), job.bytes_read, Batch(job.bytes_read, job.lines_read)
    async for data in files.read(db, account_id, job.file_id or 0, offset=job.bytes_read):
        # one piece is parsed while the one before it is staged
        parsed, old = await asyncio.gather(
            asyncio.to_thread(parser.parse, data), _commit(db, account_id, job, batch, before=old)
        )
        batch = parsed
        # a piece inside one endless line gives no row: a turn ends behind a row, or it would never get on
        if batch.offset > job.bytes_read and time.monotonic() > until:
            await _commit(db, account_id, job, batch, before=old)
            return False
    old = await _commit(db, account_id, job, batch, before=old)
    batch = await asyncio.to_thread(parser.parse, None)
    batch.offset = job.size  # blank lines at the end belong to no row
    await _commit(db, account_id, job, batch, before=old)
    return True


async def _commit(db: Database, account_id: int, job: Import, batch: Batch, *, before: int) -> int:
    """Rows, rejects and position, or nothing. `before`: the position it follows. Returns its own."""
    if batch.too_many:
        raise TooManyRows
    if batch.offset == before:
        return before
    lines = {flag.value: found for flag, found in batch.flagged.items()}
    found = Judged({flag: len(found) for flag, found in lines.items()}, lines)
    job.counts.update(found.counts_with(job.counts))
    job.examples.update(found.examples_with(job.examples))
    async with db.account(account_id) as tx:
        ours = await tx.run(
            """
            UPDATE imports
            SET bytes_read = $5, lines_read = $6, rows_read = rows_read + $7, counts = $8, examples = $9,
                guard = $10
            WHERE account_id = $1 AND id = $2 AND state = 'checking' AND attempt = $3 AND bytes_read = $4
            """,
            job.id,
            job.attempt,
            before,
            batch.offset,
            batch.line,
            batch.count,
            job.counts,
            job.examples,
            batch.guard,
        )
        if not ours:
            raise Superseded
        await import_opt_outs.stage(tx, job.id, batch.opt_outs)
        await import_stage.stage(tx, job.id, batch.parts)
        await _set_aside(tx, job.id, batch.rejects)
    return batch.offset


async def _set_aside(tx: AccountTx, import_id: int, rejects: list[Reject]) -> None:
    if not rejects:
        return
    await tx.run(
        """
        INSERT INTO import_rejects (account_id, import_id, line, n, column_name, value, code, message, params)
        SELECT $1, $2, line, 0, column_name, value, code, message, params::jsonb
        FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
             AS r (line, column_name, value, code, message, params)
        """,
        import_id,
        [reject.line for reject in rejects],
        [_storable(reject.column_name) for reject in rejects],
        [_storable(reject.value) for reject in rejects],
        [reject.code for reject in rejects],
        [reject.message for reject in rejects],
        [
            orjson.dumps({name: _storable(value) for name, value in reject.params.items()}).decode()
            for reject in rejects
        ],
    )


def _storable(value: str | int) -> str | int:
    """PostgreSQL keeps no NUL, and JSON no half of a surrogate pair."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "").encode("utf-8", "replace").decode()


async def count_on(services: Services, account_id: int, job: Import, *, until: float) -> bool:
    """Finds the doubles, then judges staged rows, a part a transaction. True when all are counted."""
    if "doubles" not in job.counts:
        async with services.db.account(account_id) as tx:
            await import_stage.set_doubles_aside(tx, job)
    after = job.merged_to_line
    while True:
        async with services.db.account(account_id) as tx:
            part = await import_stage.next_part(tx, job.id, after=after)
            if part is None:
                return True
            await merge.plan_each(tx)
            judged = await merge.judge(tx, job, part)
            ours = await tx.run(
                """
                UPDATE imports
                SET merged_to_line = $5, counts = $6, examples = $7
                WHERE account_id = $1 AND id = $2 AND state = 'checking' AND attempt = $3
                  AND merged_to_line = $4
                """,
                job.id,
                job.attempt,
                after,
                part,
                judged.counts_with(job.counts),
                judged.examples_with(job.examples),
            )
            if not ours:
                raise Superseded
        job.counts.update(judged.counts_with(job.counts))
        job.examples.update(judged.examples_with(job.examples))
        after = part
        if time.monotonic() > until:
            return False


async def finish(services: Services, account_id: int, job: Import) -> None:
    """Counts the rejects, writes their file; then waits for a person, or goes on by itself."""
    rejects = await import_report.write_rejects(services.db, account_id, job)
    async with services.db.account(account_id) as tx:
        ours = await tx.run(
            """
            UPDATE imports
            SET state = 'checked', rejects_file_id = $4,
                counts = counts || jsonb_build_object('errors', $5::bigint, 'rows', rows_read)
                    || jsonb_strip_nulls(jsonb_build_object('opted_out', (
                        SELECT nullif(count(*), 0) FROM import_opt_outs
                        WHERE account_id = $1 AND import_id = $2
                    )))
            WHERE account_id = $1 AND id = $2 AND attempt = $3 AND state = 'checking'
            """,
            job.id,
            job.attempt,
            rejects.file_id,
            rejects.count,
        )
        if not ours:
            raise Superseded
    if not job.dry_run:
        await go_on(services, account_id, job)


async def go_on(services: Services, account_id: int, job: Import) -> None:
    """Imports what was counted, for a program that asked for both at once."""
    try:
        async with services.db.account(account_id) as tx:
            await import_start.run(tx, job.id)
    except Invalid as error:
        await fail(services.db, account_id, job, imports.failure_of(error))


async def fail(db: Database, account_id: int, job: Import, code: str) -> None:
    """Stops it with a reason that its page shows; its choices can be changed and it started again."""
    async with db.account(account_id) as tx:
        await tx.run(
            """
            UPDATE imports SET state = 'failed', failure = $3
            WHERE account_id = $1 AND id = $2 AND state IN ('checking', 'checked')
            """,
            job.id,
            code,
        )


async def resume(db: Database, account_id: int, import_id: int) -> Import:
    """The import as it stands, with a note of the line it goes on from."""
    async with db.account(account_id) as tx:
        await tx.run(
            """
            UPDATE imports
            SET resumed_at_line = CASE WHEN state = 'running' THEN merged_to_line ELSE lines_read END
            WHERE account_id = $1 AND id = $2 AND state IN ('checking', 'running')
            """,
            import_id,
        )
        return await imports.show(tx, import_id)
