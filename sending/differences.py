"""Two texts, line by line: what is gone, what is new, and a few lines around; bounded for any input."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

AROUND = 3
# difflib's work grows with the product of both: beyond this a changed stretch is shown whole
MOST_COMPARED = 4_000_000
MOST_ROWS = 4_000


@dataclass(frozen=True, slots=True)
class Row:
    """A line; `old` and `new` are its numbers. For "skipped", `old` says how many lines are left out."""

    kind: Literal["same", "gone", "new", "skipped"]
    old: int | None
    new: int | None
    text: str = ""


def compare(old: str, new: str) -> list[Row]:
    """Empty where both say the same. At most some thousand rows: the last one says how many are left out."""
    if old == new:
        return []
    rows = _folded(_rows(old.split("\n"), new.split("\n")))
    if len(rows) <= MOST_ROWS:
        return rows
    return [*rows[:MOST_ROWS], Row("skipped", len(rows) - MOST_ROWS, None)]


def _rows(old: Sequence[str], new: Sequence[str]) -> list[Row]:
    shared = min(len(old), len(new))
    start = next((n for n in range(shared) if old[n] != new[n]), shared)
    end = next((n for n in range(shared - start) if old[-1 - n] != new[-1 - n]), shared - start)
    rows = [Row("same", n + 1, n + 1, old[n]) for n in range(start)]
    rows += _changed(old[start : len(old) - end], new[start : len(new) - end], start)
    rows += [
        Row("same", len(old) - end + n + 1, len(new) - end + n + 1, old[len(old) - end + n])
        for n in range(end)
    ]
    return rows


def _changed(old: Sequence[str], new: Sequence[str], start: int) -> list[Row]:
    if len(old) * len(new) > MOST_COMPARED:
        codes = [("replace", 0, len(old), 0, len(new))]
    else:
        codes = list(SequenceMatcher(None, old, new).get_opcodes())
    rows: list[Row] = []
    for kind, a, b, c, d in codes:
        if kind == "equal":
            rows += [Row("same", start + a + n + 1, start + c + n + 1, old[a + n]) for n in range(b - a)]
            continue
        rows += [Row("gone", start + n + 1, None, old[n]) for n in range(a, b)]
        rows += [Row("new", None, start + n + 1, new[n]) for n in range(c, d)]
    return rows


def _folded(rows: list[Row]) -> list[Row]:
    """Long stretches without a change become one row."""
    near = [False] * len(rows)
    for n, row in enumerate(rows):
        if row.kind != "same":
            for place in range(max(0, n - AROUND), min(len(rows), n + AROUND + 1)):
                near[place] = True
    found: list[Row] = []
    for row, shown in zip(rows, near, strict=True):
        if shown:
            found.append(row)
        elif found and found[-1].kind == "skipped":
            found[-1] = Row("skipped", (found[-1].old or 0) + 1, None)
        else:
            found.append(Row("skipped", 1, None))
    return found
