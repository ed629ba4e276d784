"""The next rows of an export of contacts or suppressions, in its format."""

from lists import export_columns, export_rows, export_source, export_table, fields
from lists.export_files import Part
from lists.export_table import Chunk
from lists.exports import Export
from lists.field_values import FieldType
from mailer.core.db import AccountTx


async def read(tx: AccountTx, export: Export, limit: int) -> Part:
    """The next rows of contacts or suppressions."""
    if export.what == "suppressions":
        return await _suppressions(tx, export, limit)
    ids = await export_source.next_ids(tx, export, limit=limit)
    last = ids[-1] if ids else export.position
    if export.format == "ndjson":
        rows = await export_rows.by_ids(tx, ids)
        objects = [export_rows.contact_object(row) for row in rows]
        return Part(header=(), last=last, count=len(rows), objects=objects)
    known = {field.key: field.type for field in await fields.many(tx)}
    # a field that was deleted since the export began is an empty column
    types = {key: known.get(key, FieldType.TEXT) for key in export.columns}
    whole = not export_source.is_partial(export)
    chunk = Chunk(export.position, ids, whole=whole, list_id=export.list_id)
    columns = await export_table.columns(tx, chunk, header=export.header, types=types)
    numbers = frozenset(key for key, kind in types.items() if kind == FieldType.NUMBER)
    return Part(header=export.header, last=last, count=len(columns[0]), columns=columns, numbers=numbers)


async def _suppressions(tx: AccountTx, export: Export, limit: int) -> Part:
    rows = await export_rows.suppressions(tx, after=export.position, limit=limit)
    cells = [export_rows.suppression_cells(row) for row in rows]
    return Part(
        header=export_columns.SUPPRESSION_COLUMNS,
        last=rows[-1].id if rows else export.position,
        count=len(rows),
        columns=list(zip(*cells, strict=True)),
        objects=[export_rows.suppression_object(row) for row in rows],
    )
