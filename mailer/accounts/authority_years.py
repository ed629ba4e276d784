"""The public numbers of authorities' requests, by year (A-108)."""

from dataclasses import dataclass

from mailer.core.db import SharedTx
from mailer.core.operator import EEA


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """Counts of the public page, and nothing else."""

    year: int
    received: int
    outside: int
    refused: int
    partial: int
    complied: int
    open: int
    accounts: int
    told: int


async def years(tx: SharedTx) -> list[Year]:
    """For everybody: how many, by year. A request that is still secret is counted and names nobody."""
    return await tx.many(
        Year,
        """
        SELECT extract(year FROM received_at AT TIME ZONE 'UTC')::int AS year,
               count(*)::int AS received,
               count(*) FILTER (WHERE country <> ALL ($1::text[]))::int AS outside,
               count(*) FILTER (WHERE answer = 'refused')::int AS refused,
               count(*) FILTER (WHERE answer = 'partial')::int AS partial,
               count(*) FILTER (WHERE answer = 'complied')::int AS complied,
               count(*) FILTER (WHERE answer = 'open')::int AS open,
               count(DISTINCT account_id)::int AS accounts,
               count(told_at)::int AS told
        FROM authority_requests
        GROUP BY 1
        ORDER BY 1 DESC
        """,
        sorted(EEA),
    )
