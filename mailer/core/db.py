"""PostgreSQL. The only import of asyncpg, and the first wall of tenancy.

    Database ── account(id) ──▶ AccountTx   $1 is the account, supplied here; row-level security behind it
             └─ shared() ─────▶ SharedTx    global tables; filters by hand, in mailer/core and mailer/accounts

SQL stands as a literal where it is used; tests prepare each against the migrated schema.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import fields
from functools import cache
from typing import Any, Self, TypeVar

import asyncpg
import orjson

from mailer.core.actor import JOB, Actor
from mailer.core.errors import NotFound, Unavailable

T = TypeVar("T")
ERASER = "mailer_eraser"
STATEMENTS = 300
"""Kept prepared by a connection."""


@cache
def _columns(cls: type) -> frozenset[str]:
    return frozenset(f.name for f in fields(cls))


def _build(cls: type[T], record: asyncpg.Record) -> T:
    return cls(**dict(record))


class _Tx:
    """One transaction. Values come back as structs (dataclasses named like the columns) or scalars."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._afresh = False

    async def plan_afresh(self) -> None:
        """From here on each statement is planned when it runs, for an account as they are on the whole.

        A plan that is kept may come from the day its tables were empty. One for this very account may rest on
        its absence from the statistics: where no row is awaited the wrong index looks as good as the right
        one, and is read whole for each row (measured: 120 s for 12,000 rows of an import).
        """
        await self.run_plain("SET LOCAL plan_cache_mode = force_generic_plan")
        self._afresh = True

    async def plan_as_ever(self) -> None:
        await self.run_plain("SET LOCAL plan_cache_mode = auto")
        self._afresh = False

    @asynccontextmanager
    async def plans_kept(self) -> AsyncIterator[None]:
        """What runs inside is planned once a connection, for any account.

        For statements whose planning takes longer than they do, and that take the same way whoever asks.
        """
        await self.run_plain("SET LOCAL plan_cache_mode = force_generic_plan")
        yield
        await self.run_plain("SET LOCAL plan_cache_mode = auto")

    async def _fetch(self, sql: str, args: tuple[object, ...]) -> list[asyncpg.Record]:
        if self._afresh:
            return await (await self._connection.prepare(sql)).fetch(*self._args(args))
        return await self._connection.fetch(sql, *self._args(args))

    def _args(self, args: tuple[object, ...]) -> tuple[object, ...]:
        return args

    async def one(self, cls: type[T], sql: str, *args: object) -> T:
        """The row; raises NotFound when there is none."""
        row = await self.first(cls, sql, *args)
        if row is None:
            raise NotFound
        return row

    async def first(self, cls: type[T], sql: str, *args: object) -> T | None:
        record = await self._connection.fetchrow(sql, *self._args(args))
        return None if record is None else _build(cls, record)

    async def many(self, cls: type[T], sql: str, *args: object) -> list[T]:
        return [_build(cls, record) for record in await self._fetch(sql, args)]

    async def rows(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        """Plain tuples, for the hot paths and for single columns."""
        return [tuple(record) for record in await self._fetch(sql, args)]

    async def value(self, sql: str, *args: object) -> Any:
        """First column of the first row, or None."""
        # not fetchval(): it asks for one row, and whoever limits what he fetches has no parallel workers
        # (PostgreSQL's manual, "When Can Parallel Query Be Used?")
        rows = await self._fetch(sql, args)
        return rows[0][0] if rows else None

    async def run(self, sql: str, *args: object) -> int:
        """Runs it and tells how many rows it touched."""
        if self._afresh:
            statement = await self._connection.prepare(sql)
            await statement.fetch(*self._args(args))
            status = str(statement.get_statusmsg())
        else:
            status = await self._connection.execute(sql, *self._args(args))
        tail = status.rpartition(" ")[2]
        return int(tail) if tail.isdigit() else 0

    async def run_plain(self, sql: str) -> None:
        """A statement that takes no arguments, not even the account: SET, CREATE TEMP TABLE."""
        await self._connection.execute(sql)

    async def copy(
        self, table: str, *, columns: Sequence[str], records: Sequence[tuple[object, ...]]
    ) -> None:
        """COPY into a temporary table (refused by row-level security elsewhere)."""
        await self._connection.copy_records_to_table(table, columns=list(columns), records=records)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[Self]:
        """What fails inside is undone alone."""
        async with self._connection.transaction():
            yield self


def numbers(values: Iterable[int]) -> str:
    """For `$2::text::bigint[]`: asyncpg looks at each element of a list, which costs more than its row."""
    return "{" + ",".join(map(str, values)) + "}"


def words(values: Iterable[str]) -> str:
    """For `$2::text::text[]`, as `numbers`. Letters, digits, - and _ only: nothing is escaped."""
    return "{" + ",".join([f'"{value}"' for value in values]) + "}"


Connection = asyncpg.Connection
"""As `Database.connection` gives it."""


class SharedTx(_Tx):
    """Global tables: accounts, users, memberships, sessions, keys, outbox, work."""

    async def enter(self, account_id: int) -> "AccountTx":
        """The same transaction, from here on inside one account."""
        await self._connection.execute(f"SET LOCAL app.account_id = '{account_id:d}'")
        return AccountTx(self._connection, account_id)


class AccountTx(_Tx):
    """One account's tables. In its statements `$1` is the account; your arguments start at `$2`."""

    def __init__(self, connection: asyncpg.Connection, account_id: int, actor: Actor = JOB) -> None:
        super().__init__(connection)
        self.account_id = account_id
        self.actor = actor

    def _args(self, args: tuple[object, ...]) -> tuple[object, ...]:
        return (self.account_id, *args)

    def shared(self) -> SharedTx:
        """The same transaction, for the global rows that belong to a use case (work, outbox)."""
        return SharedTx(self._connection)


def violated(error: BaseException) -> str:
    """The name of the constraint that a statement met, or ""."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return error.constraint_name or ""
    return ""


def is_away(error: BaseException) -> bool:
    """True when the database could not be reached or had no room, so that trying again may help."""
    return isinstance(
        error,
        asyncpg.PostgresConnectionError
        | asyncpg.InterfaceError
        | asyncpg.InsufficientResourcesError
        | asyncpg.OperatorInterventionError
        | asyncpg.InternalClientError  # used after it broke: its protocol "is in the failed state"
        | ConnectionError
        | TimeoutError,
    )


def is_locked(error: BaseException) -> bool:
    """True when somebody held a lock for longer than `lock_timeout`."""
    return isinstance(error, asyncpg.LockNotAvailableError)


def is_out_of_range(error: BaseException) -> bool:
    """True when a value fits into no column of its kind: a number past 64 bits, a text that is no Unicode."""
    return isinstance(error, asyncpg.DataError)


class Database:
    """A pool of connections. `open_database` makes and closes it."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        try:
            connection = await self._pool.acquire(timeout=15)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise Unavailable(f"no database connection: {error}") from error
        try:
            yield connection  # type: ignore[misc]  # the pool's proxy of a Connection
        finally:
            # what was done is done: a connection that broke since is thrown away by the pool itself
            with suppress(
                asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError
            ):
                await self._pool.release(connection)

    @asynccontextmanager
    async def account(self, account_id: int, *, actor: Actor = JOB) -> AsyncIterator[AccountTx]:
        """A transaction inside one account, committed at the end."""
        async with self._connection() as connection, connection.transaction():
            # SET, not set_config(): Citus sends it along to its workers
            await connection.execute(f"SET LOCAL app.account_id = '{account_id:d}'")
            yield AccountTx(connection, account_id, actor)

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[SharedTx]:
        """A transaction on the global tables, committed at the end."""
        async with self._connection() as connection, connection.transaction():
            yield SharedTx(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A bare connection, for migrations, LISTEN-like needs and the doctor."""
        async with self._connection() as connection:
            yield connection


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind,
            encoder=lambda value: orjson.dumps(value).decode(),
            decoder=orjson.loads,
            schema="pg_catalog",
        )


@asynccontextmanager
async def open_database(url: str, *, size: int = 10) -> AsyncIterator[Database]:
    """Opens a pool; raises Unavailable with the reason when the server cannot be reached."""
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            init=_prepare_connection,
            server_settings={
                "application_name": "mailer",
                "timezone": "UTC",
                # a statement of a process that was killed ends, and lets its locks go
                "client_connection_check_interval": "5s",
                # over a year of partitions a plan looks dear: compiling it takes longer than running it
                "jit": "off",
            },
            command_timeout=120,
            # what a run of retention asks of one account is more than the hundred that are kept otherwise
            statement_cache_size=STATEMENTS,
        )
    except (OSError, asyncpg.PostgresError, ValueError) as error:
        raise Unavailable(f"The database cannot be reached: {error}") from error
    try:
        yield Database(pool)
    finally:
        try:
            await pool.close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()
