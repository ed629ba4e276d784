"""Counts of many rows, kept between two views: no page counts exactly what it can keep.

Few rows are counted afresh each time. Of many the last count is told, with its time, for as long as counting
them again would be a notable part of what the database does.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from mailer.core.db import AccountTx

FEW = 20_000
"""Rows that are counted in some milliseconds."""
ROWS_A_SECOND = 10_000
"""A count is told for a second for each so many rows: of a million, not quite two minutes."""
DAYS = 2
"""Then nobody looked again."""


@dataclass(frozen=True, slots=True)
class Counted:
    """`size`: rows looked at. `value` is JSON; kept ones come back as JSON makes them."""

    value: Any
    size: int
    at: datetime | None = None
    """When it was counted; None: just now."""


Count = Callable[[], Awaitable[Counted]]


async def of(tx: AccountTx, name: str, ref_id: int, count: Count, *, most_seconds: float = 120.0) -> Counted:
    """What `count` gives, or gave not long ago when it had many rows to look at."""
    found = await of_each(tx, name, [ref_id], most_seconds=most_seconds)
    if ref_id in found:
        return found[ref_id]
    # one at a time: the others wait here and find its figures
    await tx.value(
        "SELECT pg_advisory_xact_lock(hashtextextended($2 || ' ' || $3::bigint, $1::bigint))", name, ref_id
    )
    found = await of_each(tx, name, [ref_id], most_seconds=most_seconds)
    if ref_id in found:
        return found[ref_id]
    counted = await count()
    await keep(tx, name, {ref_id: counted})
    return counted


async def of_each(
    tx: AccountTx, name: str, ref_ids: Sequence[int], *, most_seconds: float = 120.0
) -> dict[int, Counted]:
    """Those that are kept and still told."""
    rows = await tx.rows(
        """
        SELECT ref_id, value, size, counted_at
        FROM kept_counts
        WHERE account_id = $1 AND name = $2 AND ref_id = ANY ($3::bigint[])
          AND counted_at > now() - make_interval(secs => least($4, size / $5::float8))
        """,
        name,
        list(ref_ids),
        most_seconds,
        float(ROWS_A_SECOND),
    )
    return {ref_id: Counted(value, size, at) for ref_id, value, size, at in rows}


async def keep(tx: AccountTx, name: str, counted: dict[int, Counted]) -> None:
    """Those of many rows; what is kept of few goes."""
    many = {ref_id: one for ref_id, one in counted.items() if one.size >= FEW}
    await tx.run(
        """
        DELETE FROM kept_counts
        WHERE account_id = $1
          AND (name = $2 AND ref_id = ANY ($3::bigint[]) OR counted_at < now() - make_interval(days => $4))
        """,
        name,
        list(counted.keys() - many.keys()),
        DAYS,
    )
    await tx.run(
        """
        INSERT INTO kept_counts (account_id, name, ref_id, size, value)
        SELECT $1, $2, ref_id, size, value::jsonb
        FROM unnest($3::bigint[], $4::bigint[], $5::text[]) AS k (ref_id, size, value)
        ORDER BY ref_id
        ON CONFLICT (account_id, name, ref_id) DO UPDATE
        SET size = excluded.size, value = excluded.value, counted_at = excluded.counted_at
        """,
        name,
        list(many),
        [one.size for one in many.values()],
        # as text: a list would be taken for one more dimension of the array
        [orjson.dumps(one.value).decode() for one in many.values()],
    )
