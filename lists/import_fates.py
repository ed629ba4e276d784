"""What becomes of a row of an import: one fate each, so that the numbers add up to the rows of the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lists.import_stage import EXAMPLES
from lists.imports import Mode


class Fate(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNSUBSCRIBED = "unsubscribed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    SET_ASIDE = "set_aside"


CHANGES = (Fate.CREATED, Fate.UPDATED, Fate.UNSUBSCRIBED, Fate.REMOVED)
_BRINGING = (Fate.CREATED, Fate.UPDATED, Fate.UNCHANGED, Fate.REFUSED, Fate.SET_ASIDE)
_OF_MODE: Mapping[Mode, tuple[Fate, ...]] = {
    Mode.UNSUBSCRIBE: (Fate.UNSUBSCRIBED, Fate.UNCHANGED),
    Mode.REMOVE: (Fate.REMOVED, Fate.UNCHANGED, Fate.SET_ASIDE),
}


def possible(mode: Mode) -> tuple[Fate, ...]:
    """The fates that rows may have in this mode, in the order of the report."""
    return _OF_MODE.get(mode, _BRINGING)


def changes(counts: Mapping[str, int]) -> int:
    """How many rows change something."""
    return sum(counts.get(fate, 0) for fate in CHANGES)


@dataclass(slots=True)
class Judged:
    """How many rows of a part have each fate, their first lines, and how many are contacts or are not yet."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[int]] = field(default_factory=dict)
    known: int = 0
    new: int = 0

    def counts_with(self, before: Mapping[str, int]) -> dict[str, int]:
        return dict(before) | {fate: before.get(fate, 0) + n for fate, n in self.counts.items()}

    def examples_with(self, before: Mapping[str, list[int]]) -> dict[str, list[int]]:
        found = {fate: [*before.get(fate, []), *lines][:EXAMPLES] for fate, lines in self.examples.items()}
        return dict(before) | found
