"""Forbidden data in a file: its columns closed when it is looked at, its cells refused while it is read.

    upload ─▶ headings and sample ─▶ column closed, its samples emptied     (look)
    check  ─▶ each batch, by column ─▶ row refused, without the value       (Guard.judge)
                     └─ many cells of a column ─▶ column closed, file read again without it

A-025 to A-027: no forbidden value is staged or stored; only the uploaded file itself holds it, for six days.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lists import csv_mapping
from lists.csv_detect import Detected
from lists.csv_mapping import BUILT_IN, ColumnMapping
from mailer.core import forbidden_data
from mailer.core.db import Database
from mailer.core.errors import MailerError
from mailer.core.forbidden_data import Kind

SAMPLE_SHARE = 0.1  # of the sample's cells: one false alarm in fifty rows closes nothing
CLOSED_SHARE = 0.05  # of all cells read
ENOUGH = 200  # cells, before a share of them says something; fewer at the end of the file
LEAST = 3  # cells: in a short file chance alone closes nothing


class ColumnClosed(MailerError):
    """A column turned out to hold forbidden data: the file is read again without it."""

    def __init__(self, column: int, kind: Kind) -> None:
        super().__init__(f"{column}: {kind}")
        self.column, self.kind = column, kind


def look(detected: Detected) -> tuple[Detected, list[str]]:
    """The file without its forbidden samples, and for each column "" or the kind of data that closes it."""
    closed: list[str] = []
    sample = [list(row) for row in detected.sample]
    for column, heading in enumerate(detected.header):
        cells = [row[column] if column < len(row) else "" for row in sample]
        found = forbidden_data.screen(cells, name=heading, words=csv_mapping.built_in(heading) is None)
        kind = forbidden_data.of_name(heading) if detected.has_header else None
        if kind is None and len(found) > SAMPLE_SHARE * sum(map(bool, cells)):
            kind = Counter(found.values()).most_common(1)[0][0]
        for i, row in enumerate(sample):
            if column < len(row) and (kind or i in found):
                row[column] = ""
        closed.append(kind or "")
    return replace(detected, sample=sample), closed


@dataclass(slots=True)
class Tally:
    """Of a column: cells with something in them, and the forbidden among them by kind."""

    cells: int
    found: Counter[str]

    @property
    def share(self) -> float:
        return self.found.total() / self.cells if self.cells else 0.0


class Guard:
    """Judges batches of rows column by column, and keeps count over the whole file."""

    def __init__(self, mapping: ColumnMapping, before: dict[str, dict[str, int]]) -> None:
        """`before`: what `state` gave behind the batch before."""
        self._mapping = mapping
        self._tallies = {
            column: Tally(
                (kept := dict(before.get(str(column), {}))).pop("cells", 0),
                Counter(kept),
            )
            for column, _ in mapping.others
        }

    def judge(self, rows: Sequence[Sequence[str]]) -> dict[int, tuple[int, Kind]]:
        """Index of a row → its first forbidden column and what that holds."""
        refused: dict[int, tuple[int, Kind]] = {}
        for column, target in self._mapping.others:
            cells = [row[column] if column < len(row) else "" for row in rows]
            found = forbidden_data.screen(
                cells, name=self._mapping.heading(column), words=target not in BUILT_IN
            )
            tally = self._tallies[column]
            tally.cells += len(cells) - cells.count("")
            tally.found.update(found.values())
            for i, kind in found.items():
                refused.setdefault(i, (column, kind))
        return refused

    @property
    def state(self) -> dict[str, dict[str, int]]:
        return {
            str(column): {"cells": tally.cells} | {str(kind): n for kind, n in tally.found.items()}
            for column, tally in self._tallies.items()
        }

    def check_columns(self, *, ended: bool) -> None:
        """Raises ColumnClosed when a column holds more than single slips."""
        for column, tally in self._tallies.items():
            enough = ended or tally.cells >= ENOUGH
            if enough and tally.found.total() >= LEAST and tally.share >= CLOSED_SHARE:
                raise ColumnClosed(column, Kind(tally.found.most_common(1)[0][0]))


async def close_column(db: Database, account_id: int, job: tuple[int, int], found: ColumnClosed) -> None:
    """Nothing of the column is imported: the check begins anew without it.

    `job`: id and attempt; no effect on a later one.
    """
    import_id, attempt = job
    async with db.account(account_id) as tx:
        await tx.run(
            """
            UPDATE imports
            SET closed = (
                    SELECT jsonb_agg(CASE WHEN n = $4 THEN to_jsonb($5::text)
                                          ELSE coalesce(closed -> n, '""') END ORDER BY n)
                    FROM generate_series(0, jsonb_array_length(header) - 1) AS n
                ),
                mapping = jsonb_set(mapping, ARRAY[$4::int::text],
                                    '{"target": "", "type": "text", "label": "", "new": false}'),
                attempt = attempt + 1, bytes_read = first_offset, lines_read = first_line, rows_read = 0,
                merged_to_line = 0, counts = '{}', examples = '{}', guard = '{}'
            WHERE account_id = $1 AND id = $2 AND state = 'checking' AND attempt = $3
            """,
            import_id,
            attempt,
            found.column,
            found.kind,
        )
