"""An account that came after the planner's figures: thought to have nothing, until it is met."""

import asyncpg
import pytest

from mailer.core import planner
from mailer.core.services import Services
from tests.make import Make

# all values there are, without the account: four others have everything
OLD_FIGURES = """
    SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', 'contacts', 'relpages', 4000,
                                     'reltuples', 100000::real),
           pg_restore_attribute_stats(
               'schemaname', 'public', 'relname', 'contacts', 'attname', 'account_id', 'inherited', false,
               'null_frac', 0::real, 'avg_width', 8, 'n_distinct', 4::real,
               'most_common_vals', '{900001,900002,900003,900004}',
               'most_common_freqs', '{0.4,0.3,0.2,0.1}'::real[])
"""


async def _contacts(connection: asyncpg.Connection, account_id: int, count: int) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL app.account_id = '{account_id:d}'")
        await connection.execute(
            """
            INSERT INTO contacts (account_id, email, address_key, address_hash)
            SELECT current_account(), n || '@met.test', n || '@met.test', decode(md5('met' || n), 'hex')
            FROM generate_series(1, $1::int) AS n
            """,
            count,
        )


async def expected_rows(connection: asyncpg.Connection, account_id: int) -> int:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL app.account_id = '{account_id:d}'")
        sql = f"EXPLAIN (FORMAT JSON) SELECT FROM contacts WHERE account_id = {account_id:d}"
        plan = await connection.fetchval(sql)
    return int(plan[0]["Plan"]["Plan Rows"])


@pytest.mark.req("S8")
@pytest.mark.parametrize(("count", "known"), [(2_000, True), (20, False)])
async def test_many_contacts_of_an_unknown_account_become_known(
    services: Services, make: Make, count: int, known: bool
) -> None:
    account = await make.account()
    async with services.db.connection() as connection:
        try:
            await connection.execute(OLD_FIGURES)
            await _contacts(connection, account.id, count)
            assert await expected_rows(connection, account.id) == 1
            await planner.meet(services.db, account.id)
            expected = await expected_rows(connection, account.id)
        finally:
            await connection.execute("ANALYZE contacts")
    # a handful is no reason to look through a table of millions
    assert (expected > count / 4) == known
