"""The database that a backup is restored into: made beside, named last."""

import asyncio
from datetime import date
from typing import Any

from mailer.core import backups
from mailer.core.db import AccountTx, Database, open_database
from mailer.core.errors import MailerError

SWAP_SECONDS = 20


class RestoreRefused(MailerError):
    """The database is in use, or holds something; the message says what to do."""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def major(maintenance: str) -> int:
    async with open_database(maintenance, size=1) as db, db.connection() as connection:
        found: int = await connection.fetchval("SELECT current_setting('server_version_num')::int / 10000")
        return found


async def prepare(maintenance: str, admin: str, target: str, *, replace: bool) -> str:
    """An empty database beside `target`, with its owner, encoding and rights; returns its name.

    Raises RestoreRefused when `target` is in use, or holds tables and `replace` was not said.
    """
    beside = f"{target}_restoring"
    async with open_database(maintenance, size=1) as db, db.connection() as connection:
        await backups.require_sight(connection)
        there = await connection.fetchrow(_DATABASE, target)
        if there is None:
            raise RestoreRefused(f"There is no database {target}: deploy/postgres/init.sql makes it.")
        if there["sessions"]:
            raise RestoreRefused(
                f"{there['sessions']} connections of Mailer use the database {target}: stop web processes,"
                " workers and listeners first."
            )
        if not replace and await _tables(backups.renamed(admin, target)):
            raise RestoreRefused(
                f"The database {target} is not empty. With --replace the backup takes its place, and what it"
                " holds is dropped."
            )
        await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(beside)} WITH (FORCE)")
        provider = {"c": "libc", "i": "icu", "b": "builtin"}[there["provider"]]
        words = [f"OWNER {_quoted(there['owner'])}", "TEMPLATE template0", f"ENCODING '{there['encoding']}'"]
        words += [f"LC_COLLATE '{there['collation']}'", f"LC_CTYPE '{there['ctype']}'"]
        words += [f"LOCALE_PROVIDER {provider}"]
        if provider != "libc":
            words += [f"{provider.upper()}_LOCALE '{there['locale']}'"]
        await connection.execute(f"CREATE DATABASE {_quoted(beside)} {' '.join(words)}")
        await connection.execute(f"REVOKE ALL ON DATABASE {_quoted(beside)} FROM PUBLIC")
        for grantee, right in await connection.fetch(_RIGHTS, target):
            who = "PUBLIC" if grantee is None else _quoted(grantee)
            await connection.execute(f"GRANT {right} ON DATABASE {_quoted(beside)} TO {who}")
    return beside


# a version before 17 has no datlocale, one before 15 no provider: to_jsonb() finds what there is
_DATABASE = """
    SELECT pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding,
           d.datcollate AS collation, d.datctype AS ctype, d.datlocprovider::text AS provider,
           coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale,
           (SELECT count(*) FROM pg_stat_activity s
            WHERE s.datname = d.datname AND s.application_name = 'mailer' AND s.pid <> pg_backend_pid())
               AS sessions
    FROM pg_database d
    WHERE d.datname = $1
    """
_RIGHTS = """
    SELECT r.rolname, a.privilege_type
    FROM pg_database d
    CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE d.datname = $1 AND a.grantee <> d.datdba
    """


async def _tables(url: str) -> int:
    async with open_database(url, size=1) as db, db.connection() as connection:
        found: int = await connection.fetchval(
            """
            SELECT count(*) FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            """
        )
        return found


async def is_of(db: Database, installation: str) -> bool:
    """Is this database that installation's, with a journal to read?"""
    async with db.connection() as connection:
        if await connection.fetchval("SELECT to_regclass('erasure_journal')") is None:
            return False
        return bool(await connection.fetchval("SELECT id::text = $1 FROM installation", installation))


async def put_keys(tx: AccountTx, master: bytes, days: list[tuple[date, bytes]]) -> int:
    """Of an account that is still one; returns how many keys of days."""
    put = await tx.run(
        """
        INSERT INTO content_masters (account_id, sealed)
        SELECT id, $2 FROM accounts WHERE id = $1
        ON CONFLICT DO NOTHING
        """,
        master,
    )
    if not put:
        return 0
    return await tx.run(
        """
        INSERT INTO content_keys (account_id, day, sealed)
        SELECT $1::bigint, day, sealed FROM unnest($2::date[], $3::bytea[]) AS k (day, sealed)
        ON CONFLICT DO NOTHING
        """,
        [day for day, _ in days],
        [sealed for _, sealed in days],
    )


async def swap(maintenance: str, beside: str, target: str) -> None:
    """Both names in one transaction; then the old database goes. Waits for connections that are closing."""
    old = f"{target}_replaced"
    async with open_database(maintenance, size=1) as db, db.connection() as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS {_quoted(old)} WITH (FORCE)")
        await _unused(connection, [beside, target])
        async with connection.transaction():
            await connection.execute(f"ALTER DATABASE {_quoted(target)} RENAME TO {_quoted(old)}")
            await connection.execute(f"ALTER DATABASE {_quoted(beside)} RENAME TO {_quoted(target)}")
        await connection.execute(f"DROP DATABASE {_quoted(old)} WITH (FORCE)")


async def _unused(connection: Any, names: list[str]) -> None:
    for _ in range(SWAP_SECONDS * 10):
        if not await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = ANY ($1)", names
        ):
            return
        await asyncio.sleep(0.1)
    raise RestoreRefused(f"Somebody is connected to {' or '.join(names)}: end that session, then try again.")
