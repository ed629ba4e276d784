"""Where the columns of an import go: the choice, what is refused, and the same choice for a second try."""

from collections.abc import Sequence

from lists import fields, imports
from lists.csv_detect import Detected
from lists.csv_mapping import BUILT_IN, ColumnMapping
from lists.field_values import CHOOSING, FieldType
from lists.imports import Column, Import
from mailer.core import forbidden_data
from mailer.core.db import AccountTx
from mailer.core.errors import Fault, Gone, Invalid


async def field_guesses(tx: AccountTx) -> dict[str, tuple[str, FieldType]]:
    """The account's fields as `csv_mapping.guess` wants them: key → label and type."""
    return {field.key: (field.label, field.type) for field in await fields.many(tx)}


async def map_columns(tx: AccountTx, import_id: int, columns: Sequence[Column]) -> None:
    """Where each column goes. Raises Invalid: no address, a target twice, a field that is not there."""
    job = await imports.show(tx, import_id)
    imports.need_open(job)
    if len(columns) != len(job.header):
        raise Invalid(Fault("mapping", imports.COLUMNS, "columns", {"count": len(job.header)}))
    mapping = ColumnMapping(tuple(job.header), tuple(column.target for column in columns))
    need_allowed(job, mapping, columns)
    known = await field_guesses(tx)
    options = {field.key: field.options for field in await fields.many(tx)}
    stored = []
    for column in columns:
        kind = column.type
        if column.target in known and not column.new:
            kind = known[column.target][1]
        elif column.target not in ("", *BUILT_IN) and not column.new:
            raise Invalid(Fault("mapping", imports.NO_SUCH_FIELD, "no_such_field", {"target": column.target}))
        if column.new and kind in CHOOSING:
            raise Invalid(Fault("mapping", imports.CHOICE_FIRST, "choice", {"label": column.label}))
        update = {"type": kind, "options": options.get(column.target, []) if not column.new else []}
        stored.append(column.model_copy(update=update).model_dump(mode="json"))
    if len(known) + sum(column.new for column in columns) > fields.MAX_FIELDS:
        raise Invalid(Fault("mapping", imports.TOO_MANY_FIELDS, "too_many", {"limit": fields.MAX_FIELDS}))
    await tx.run(
        """
        UPDATE imports SET mapping = $3, state = 'mapped', counts = '{}', examples = '{}', failure = ''
        WHERE account_id = $1 AND id = $2
        """,
        import_id,
        stored,
    )


def need_allowed(job: Import, mapping: ColumnMapping, columns: Sequence[Column]) -> None:
    """Raises Invalid for a closed column, or a new field whose name asks for what may not be kept."""
    faults = [
        Fault("mapping", imports.CLOSED, job.closed_columns[n], {"heading": mapping.heading(n)})
        for n, column in enumerate(columns)
        if column.target and n in job.closed_columns
    ]
    faults += [
        Fault("mapping", forbidden_data.NAME_REFUSED[kind], kind)
        for column in columns
        if column.new and (kind := forbidden_data.of_name(column.label))
    ]
    if faults:
        raise Invalid(*faults)


async def start_again(tx: AccountTx, import_id: int, detected: Detected) -> int:
    """A new import of the same file, with the columns and options of the earlier one. Raises Gone."""
    job = await imports.show(tx, import_id)
    file_id = job.original_file_id or job.file_id
    if not job.size or file_id is None:
        raise Gone(imports.GONE_FILE)
    new_id = await imports.create(
        tx, file_id=file_id, file_name=job.file_name, detected=detected, language=job.language
    )
    known = await field_guesses(tx)
    columns = [
        column.model_copy(update={"new": column.new and column.target not in known}) for column in job.columns
    ]
    kept = [column.model_dump(mode="json") for column in columns]
    await tx.run(
        "UPDATE imports SET mapping = $3, options = $4 WHERE account_id = $1 AND id = $2",
        new_id,
        kept if len(kept) == len(detected.header) else [],
        job.choices.model_dump(mode="json"),
    )
    return new_id
