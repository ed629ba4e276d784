"""Numbered SQL files, applied in order, once, under a lock; forward only.

The first line of a file says whether it goes before or after the new code; `-- no transaction`
as the second line lets it hold CREATE INDEX CONCURRENTLY. A file that was applied may not change:
its checksum is kept.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import structlog

from mailer.core.db import Database, is_away
from mailer.core.errors import MailerError

log = structlog.get_logger()
FOLDER = Path(__file__).parent.parent / "migrations"
_LOCK = 7250
_ROLE = """
    SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user
    """
# a dump that was restored without its owners made us the owner of what we may only add to (0134)
_UNSEALED = """
    SELECT EXISTS (SELECT FROM pg_class
                   WHERE relname IN ('audit', 'consents', 'wordings')
                     AND relnamespace = 'public'::regnamespace AND relowner = current_user::regrole)
       AND to_regproc('seal_ledgers') IS NOT NULL
    """
_ERASER = "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = 'mailer_eraser'"


class MigrationRefused(MailerError):
    """The database is not fit for the product, or a migration was altered after it ran."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def transaction(self) -> bool:
        return "-- no transaction" not in self.sql.splitlines()[1:2]


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All files, in the order of their numbers."""
    return [Migration(path.stem, path.read_text()) for path in sorted(folder.glob("[0-9]*.sql"))]


async def check_role(db: Database) -> None:
    """Raises MigrationRefused for a role that row-level security would not bind."""
    async with db.connection() as connection:
        role = await connection.fetchrow(_ROLE)
        if role is None or role["rolsuper"] or role["rolbypassrls"]:
            raise MigrationRefused(
                "The database role is a superuser or bypasses row-level security: the wall between accounts"
                " would be off, silently. Use a plain role; deploy/postgres/init.sql makes one."
            )
        if not await connection.fetchval(_ERASER):
            raise MigrationRefused(
                "The role mailer_eraser is missing or was not granted to the login role."
                " Run deploy/postgres/init.sql as a superuser."
            )
        if await connection.fetchval("SELECT current_setting('server_version_num')::int") < 150000:
            raise MigrationRefused("PostgreSQL 15 or later is needed.")


async def pending(db: Database) -> list[str]:
    """Names of the migrations that this code has and the database has not."""
    async with db.connection() as connection:
        if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
            return [migration.name for migration in migrations()]
        done = {row["name"] for row in await connection.fetch("SELECT name FROM schema_migrations")}
    return [migration.name for migration in migrations() if migration.name not in done]


async def apply(db: Database) -> list[str]:
    """Applies what is missing and returns its names. Several at once wait for each other."""
    await check_role(db)
    applied = []
    async with db.connection() as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK, timeout=600)
        try:
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, checksum text NOT NULL,"
                " applied_at timestamptz NOT NULL DEFAULT now())"
            )
            done = {
                row["name"]: row["checksum"]
                for row in await connection.fetch("SELECT name, checksum FROM schema_migrations")
            }
            for migration in migrations():
                if migration.name in done:
                    if done[migration.name] != migration.checksum:
                        raise MigrationRefused(f"{migration.name}.sql was altered after it had been applied.")
                    continue
                await _apply_one(connection, migration)
                applied.append(migration.name)
            if await connection.fetchval(_UNSEALED):
                log.warning("ledgers sealed again")
                await connection.execute("CALL seal_ledgers()")
        finally:
            try:
                await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
            except Exception as error:
                if not is_away(error):
                    raise
    return applied


async def _apply_one(connection, migration: Migration) -> None:  # type: ignore[no-untyped-def]  # asyncpg stays in db.py
    log.info("migration", name=migration.name)
    record = "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)"
    if not migration.transaction:
        await connection.execute(migration.sql, timeout=3600)
        await connection.execute(record, migration.name, migration.checksum)
        return
    async with connection.transaction():
        await connection.execute(migration.sql, timeout=3600)
        await connection.execute(record, migration.name, migration.checksum)
