"""Consents, their wordings and the journal are added to and read; the database itself refuses everything else."""

import asyncpg
import pytest

from mailer.core import migrate
from mailer.core.embedded import Endpoints
from mailer.core.services import Services
from tests.make import Make

pytestmark = [pytest.mark.req("B-60", "B-61", "C-01")]
LEDGERS = ("audit", "consents", "wordings")
CHANGES = (
    "UPDATE {} SET account_id = account_id",
    "DELETE FROM {}",
    "TRUNCATE {}",
    "SELECT FROM {} FOR UPDATE",
    "MERGE INTO {} t USING (SELECT 1 AS one) s ON true WHEN MATCHED THEN DELETE",
    "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
)
# what an owner could do to give himself the right, or to be asked no more
WAYS_ROUND = (
    # only a warning: what counts is what it allows
    "GRANT UPDATE, DELETE, TRUNCATE ON {0} TO mailer; UPDATE {0} SET account_id = account_id",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {} ADD COLUMN more text",
    "ALTER TABLE {} OWNER TO mailer",
    "ALTER TABLE {} RENAME TO other",
    "ALTER TABLE {} INHERIT accounts",
    "CREATE TRIGGER other BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION keep_later_day()",
    "DROP TRIGGER only_added_to ON {}",
    "CREATE RULE other AS ON INSERT TO {} DO INSTEAD NOTHING",
    "CREATE POLICY other ON {} USING (true)",
    "CREATE OR REPLACE FUNCTION only_added_to() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
)


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("statement", [*CHANGES, *WAYS_ROUND])
async def test_the_login_role_only_adds(services: Services, make: Make, statement: str, ledger: str) -> None:
    account = await make.account()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with services.db.account(account.id) as tx:
            await tx._connection.execute(statement.format(ledger))


@pytest.mark.parametrize("ledger", LEDGERS)
async def test_the_eraser_deletes_in_its_account_and_changes_nothing(
    services: Services, make: Make, ledger: str
) -> None:
    account = await make.account()
    for statement in (CHANGES[0], CHANGES[2]):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with services.db.account(account.id) as tx:
                await tx._connection.execute(f"SET LOCAL ROLE mailer_eraser; {statement.format(ledger)}")
    async with services.db.account(account.id) as tx:
        await tx._connection.execute("SET LOCAL ROLE mailer_eraser")
        await tx._connection.execute(f"DELETE FROM {ledger}")


async def test_a_ledger_has_no_partition_child_cascade_or_function_with_more_rights(
    services: Services,
) -> None:
    async with services.db.connection() as connection:
        inheriting = await connection.fetchval(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = ANY ($1::regclass[]) OR inhrelid = ANY ($1::regclass[])",
            list(LEDGERS),
        )
        cascades = await connection.fetchval(
            """
            SELECT count(*) FROM pg_constraint
            WHERE contype = 'f' AND conrelid = ANY ($1::regclass[]) AND (confdeltype <> 'a' OR confupdtype <> 'a')
            """,
            list(LEDGERS),
        )
        definers = await connection.fetch(
            "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        )
        owners = await connection.fetch(
            "SELECT DISTINCT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE oid = ANY ($1::regclass[])",
            list(LEDGERS),
        )
        granted = await connection.fetch(
            """
            SELECT table_name, privilege_type FROM information_schema.role_table_grants
            WHERE grantee = current_user AND table_name = ANY ($1)
            """,
            list(LEDGERS),
        )
    assert (inheriting, cascades, [row["proname"] for row in definers]) == (0, 0, [])
    assert [row["owner"] for row in owners] == ["mailer_eraser"]
    assert {tuple(row) for row in granted} == {
        (name, kind) for name in LEDGERS for kind in ("SELECT", "INSERT")
    }


async def test_what_a_restore_gave_away_is_sealed_again_at_the_next_start(
    services: Services, endpoints: Endpoints, make: Make
) -> None:
    """As `pg_restore --no-owner` leaves it. Meanwhile the trigger refuses, whatever the owner may do."""
    account = await make.account()
    admin = await asyncpg.connect(endpoints.admin_url, database="mailer")
    try:
        for ledger in LEDGERS:
            await admin.execute(f"ALTER TABLE {ledger} OWNER TO mailer")
            await admin.execute(f"GRANT ALL ON {ledger} TO mailer")
        for ledger in LEDGERS:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only added to"):
                async with services.db.account(account.id) as tx:
                    await tx._connection.execute(f"UPDATE {ledger} SET account_id = account_id")
    finally:
        await admin.close()
        assert await migrate.apply(services.db) == []
    for ledger in LEDGERS:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="owner"):
            async with services.db.connection() as connection:
                await connection.execute(f"ALTER TABLE {ledger} DISABLE TRIGGER ALL")
