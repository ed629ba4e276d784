"""Where the columns of a table went last time: the next one with the same headings goes the same way."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lists.csv_headings import words
from lists.csv_mapping import BUILT_IN
from lists.field_values import FieldType
from lists.imports import Column
from mailer.core.db import AccountTx

KEPT = 100  # an account keeps those it used last


@dataclass(frozen=True, slots=True)
class Saved:
    name: str
    used_at: datetime
    mapping: list[dict[str, object]]


def _key(header: Sequence[str]) -> bytes:
    told = [words(heading) or heading.strip() for heading in header]
    return hashlib.sha256("\x1f".join(told).encode("utf-8", "replace")).digest()


async def recall(tx: AccountTx, header: Sequence[str]) -> Saved | None:
    return await tx.first(
        Saved,
        "SELECT name, used_at, mapping FROM import_mappings WHERE account_id = $1 AND headings = $2",
        _key(header),
    )


def columns(
    saved: Saved, guesses: Sequence[Column], known: Mapping[str, tuple[str, FieldType]]
) -> list[Column]:
    """As last time; what goes to a field that is no more is guessed anew."""
    by_label = {label.casefold(): key for key, (label, _) in known.items()}
    found = []
    for stored, guess in zip(map(Column.model_validate, saved.mapping), guesses, strict=True):
        if stored.target in ("", *BUILT_IN):
            found.append(stored)
        elif key := stored.target if stored.target in known else by_label.get(stored.label.casefold()):
            found.append(Column(target=key, type=known[key][1]))
        else:
            found.append(stored if stored.new else guess)
    return found


async def remember(tx: AccountTx, header: Sequence[str], mapping: Sequence[Column], *, name: str) -> None:
    """For the next file. An empty `name` leaves the one it has."""
    await tx.run(
        """
        INSERT INTO import_mappings (account_id, headings, name, mapping)
        VALUES ($1, $2, coalesce(nullif($3, ''), $4), $5)
        ON CONFLICT (account_id, headings) DO UPDATE
        SET name = coalesce(nullif($3, ''), import_mappings.name), mapping = excluded.mapping, used_at = now()
        """,
        _key(header),
        name[:120],
        ", ".join(header)[:60].strip() or "–",
        [column.model_dump(mode="json") for column in mapping],
    )
    await tx.run(
        """
        DELETE FROM import_mappings
        WHERE account_id = $1 AND headings NOT IN (
            SELECT headings FROM import_mappings
            WHERE account_id = $1
            ORDER BY used_at DESC, headings
            LIMIT $2
        )
        """,
        KEPT,
    )
