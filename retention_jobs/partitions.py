"""Partitions by month (S6): made ahead, and dropped when the boundary DELETE has emptied them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from mailer.core.clock import months_after, months_before
from mailer.core.db import Connection, Database, is_locked
from retention_jobs.policies import STATISTICS_MONTHS

log = structlog.get_logger()
AHEAD = 2
PATIENCE = "SET LOCAL lock_timeout = '1s'"


async def make_next(db: Database, now: datetime) -> None:
    """This month's and the next two months' partitions of deliveries and events.

    Whoever reads them for long, a backup as a rule, is not waited for: there is time until next month.
    """
    months = [months_after(now.replace(day=1), n).date() for n in range(AHEAD + 1)]
    try:
        async with db.shared() as tx:
            await tx.run_plain(PATIENCE)
            for first in months:
                await tx.run("CALL make_month($1)", first)
    except Exception as error:
        if not is_locked(error):
            raise
        log.info("partitions not made yet: in use")


@dataclass(frozen=True, slots=True)
class Partition:
    """`month` as in its name: 2025_09. `size` in octets; 0: nobody has a row in it, not even a dead one."""

    name: str
    month: str
    size: int


async def droppable(db: Database, now: datetime) -> list[Partition]:
    """Partitions whose whole month lies before the boundary."""
    async with db.shared() as tx:
        return await tx.many(
            Partition,
            """
            SELECT name, month, pg_relation_size(oid) AS size
            FROM (
                SELECT c.oid, c.relname AS name, right(c.relname, length('2025_09')) AS month
                FROM pg_inherits i
                JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent IN ('deliveries'::regclass, 'events'::regclass)
            ) p
            WHERE month < $1
            ORDER BY month, name
            """,
            f"{months_before(now, STATISTICS_MONTHS):%Y_%m}",
        )


async def drop_old(db: Database, now: datetime) -> list[str]:
    """Drops partitions of past months that are empty, both tables of a month together.

    Deliveries that are older but not final would block: they are kept. What is in use is left to the next
    run, since whoever waits for its lock holds up all who come behind.
    """
    months: dict[str, list[str]] = {}
    for one in await droppable(db, now):
        if not one.size or await _was_emptied(db, one.name):
            months.setdefault(one.month, []).append(one.name)
    dropped = []
    for names in months.values():
        try:
            dropped += await _drop(db, names)
        except Exception as error:
            if not is_locked(error):
                raise
            log.info("partitions not dropped yet: in use", names=names)
    return dropped


class _Undo(Exception):
    """Undoes what was done to look."""


async def _was_emptied(db: Database, name: str) -> bool:
    """A look before everybody has to wait: one that the boundary DELETE went over may have many dead rows."""
    empty = False
    try:
        async with db.connection() as connection, connection.transaction():
            await connection.execute(PATIENCE)
            empty = await _is_empty(connection, name)
            raise _Undo
    except _Undo:
        pass
    except Exception as error:
        if not is_locked(error):
            raise
    return empty


async def _is_empty(connection: Connection, name: str) -> bool:
    """For every account: the owner looks past the forced policy."""
    await connection.execute(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
    return not await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {name})")


async def _drop(db: Database, names: list[str]) -> list[str]:
    """All of them, or none when a row came meanwhile. Locks the whole before its part, as whoever reads."""
    dropped = []
    with suppress(_Undo):
        async with db.connection() as connection, connection.transaction():
            tables = ", ".join(["ONLY deliveries", "ONLY events", *names])
            await connection.execute(f"{PATIENCE}; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
            sizes = await connection.fetch(
                "SELECT name, pg_relation_size(name::regclass) AS size FROM unnest($1::text[]) AS n (name)",
                names,
            )
            for row in sizes:
                if row["size"] and not await _is_empty(connection, row["name"]):
                    raise _Undo
            await connection.execute(f"DROP TABLE {', '.join(names)}")
            dropped = names
    return dropped
