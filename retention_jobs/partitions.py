"""Partitions by month (S6): made ahead, and dropped when the boundary DELETE has emptied them."""

from datetime import date, datetime

from mailer.core.clock import months_after, months_before
from mailer.core.db import Database
from retention_jobs.policies import STATISTICS_MONTHS

AHEAD = 2


async def make_next(db: Database, now: datetime) -> None:
    """This month's and the next two months' partitions of deliveries and events."""
    async with db.shared() as tx:
        for months in range(AHEAD + 1):
            first = months_after(now.replace(day=1), months).date()
            await tx.run("CALL make_month($1)", first)


async def droppable(db: Database, now: datetime) -> list[str]:
    """Partitions whose whole month lies before the boundary."""
    boundary = months_before(now, STATISTICS_MONTHS).date()
    async with db.connection() as connection:
        rows = await connection.fetch(
            """
            SELECT c.relname AS name
            FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid
            JOIN pg_class p ON p.oid = i.inhparent
            WHERE p.relname IN ('deliveries', 'events')
            ORDER BY c.relname
            """
        )
    found = []
    for row in rows:
        year, month = map(int, row["name"].split("_")[-2:])
        if date(year + month // 12, month % 12 + 1, 1) <= boundary.replace(day=1):
            found.append(row["name"])
    return found


async def drop_old(db: Database, now: datetime) -> list[str]:
    """Drops partitions of past months. Deliveries that are older but not final would block: they are kept."""
    return [name for name in await droppable(db, now) if await _drop(db, name)]


class _InUse(Exception):
    """Undoes what was done to look."""


async def _drop(db: Database, name: str) -> bool:
    """False when an account has rows in it."""
    try:
        async with db.connection() as connection, connection.transaction():
            # the owner looks past the forced policy, to be sure that it is empty for every account
            await connection.execute(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
            if await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {name})"):
                raise _InUse
            await connection.execute(f"DROP TABLE {name}")
    except _InUse:
        return False
    return True
