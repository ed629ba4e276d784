"""Every SQL literal is prepared against the migrated schema; its columns are its struct's fields."""

import contextlib
import dataclasses
import importlib
import re

import asyncpg
import pytest

from mailer.core.embedded import Endpoints
from mailer.core.services import Services
from tests.statements import ROOT, Statement, statements

TEMPORARY = re.compile(r"CREATE TEMP(?:ORARY)? TABLE (?:IF NOT EXISTS )?([a-z_]+)[^;]*", re.S)


def _struct(statement: Statement) -> type | None:
    module = importlib.import_module(statement.path.removesuffix(".py").replace("/", "."))
    found = module
    for part in statement.struct.split("."):
        found = getattr(found, part, None)  # type: ignore[assignment]
    return found if isinstance(found, type) and dataclasses.is_dataclass(found) else None


async def _temporary_tables(connection: asyncpg.Connection) -> None:
    """A statement may use a temporary table that another one of its file has made."""
    for statement in statements():
        if statement.sql and TEMPORARY.search(statement.sql):
            sql = re.sub(r"ON COMMIT DROP", "", statement.sql)
            with contextlib.suppress(asyncpg.DuplicateTableError):
                async with connection.transaction():
                    await connection.execute(sql)


async def test_every_statement_prepares_and_fits_its_struct(services: Services) -> None:
    faults = []
    async with services.db.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SET LOCAL app.account_id = '1'")
        await _temporary_tables(connection)
        for statement in statements():
            if statement.sql is None or TEMPORARY.search(statement.sql) or _cannot_prepare(statement.sql):
                continue
            savepoint = connection.transaction()
            await savepoint.start()
            try:
                prepared = await connection.prepare(statement.sql)
            except asyncpg.PostgresError as error:
                faults.append(f"{statement.place}: {error}")
                await savepoint.rollback()
                continue
            await savepoint.rollback()
            faults += _fit(statement, [attribute.name for attribute in prepared.get_attributes()])
        await transaction.rollback()
    assert faults == []


def _cannot_prepare(sql: str) -> bool:
    return re.match(r"\s*(CALL|SET|LOCK|CREATE|DROP|ALTER|TRUNCATE|ANALYZE|RESET)\b", sql) is not None


def _fit(statement: Statement, columns: list[str]) -> list[str]:
    struct = _struct(statement) if statement.struct else None
    if struct is None:
        return []
    needed = {
        field.name
        for field in dataclasses.fields(struct)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    known = {field.name for field in dataclasses.fields(struct)}
    faults = []
    if not needed <= set(columns):
        faults.append(f"{statement.place}: {struct.__name__} lacks {sorted(needed - set(columns))}")
    if not set(columns) <= known:
        faults.append(f"{statement.place}: {struct.__name__} does not know {sorted(set(columns) - known)}")
    return faults


async def test_schema_sql_is_what_the_migrations_make(services: Services, endpoints: Endpoints) -> None:
    from mailer.database_commands import dump_schema

    assert (ROOT / "mailer/schema.sql").read_text() == await dump_schema(endpoints.admin_url), (
        "run `make schema`"
    )


async def test_migrations_can_be_asked_for_again_and_by_several(services: Services) -> None:
    import asyncio

    from mailer.core import migrate

    assert await asyncio.gather(*(migrate.apply(services.db) for _ in range(3))) == [[], [], []]


@pytest.mark.req("E-50")
async def test_a_superuser_is_refused(endpoints: Endpoints) -> None:
    from mailer.core import migrate
    from mailer.core.db import open_database

    async with open_database(endpoints.admin_url, size=1) as db:
        with pytest.raises(migrate.MigrationRefused, match="row-level security"):
            await migrate.apply(db)


@pytest.mark.req("B-60", "B-61", "C-01")
async def test_ledger_and_journal_cannot_be_changed(services: Services) -> None:
    for table in ("consents", "audit"):
        for statement in (
            f"DELETE FROM {table}",
            f"UPDATE {table} SET account_id = account_id",
            f"TRUNCATE {table}",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with services.db.account(1) as tx:
                    await tx._connection.execute(statement)
