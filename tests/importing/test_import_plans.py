"""A part is read once, and its contacts are looked up one by one: also where each account is thought to have one."""

import re

import asyncpg
import pytest

from mailer.core.services import Services
from tests.make import Make
from tests.statements import statements

PLACES = ("lists/merge.py", "lists/import_stage.py", "lists/import_leave.py", "lists/import_tags.py")
FOUND = {
    f"{one.path} {n}": one.sql
    for path in PLACES
    for n, one in enumerate(
        one for one in statements() if one.path == path and "contacts k" in (one.sql or "")
    )
}
VALUES = {
    "int8": "1",
    "int8[]": "'{1}'",
    "text": "'add'",
    "text[]": "'{first_name}'",
    "bool": "false",
}


async def _plan(services: Services, account_id: int, sql: str) -> str:
    """As `AccountTx.plan_afresh` has it planned, for an account that came after the statistics."""
    async with services.db.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(f"SET LOCAL app.account_id = '{account_id:d}'")
            await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            await _contacts_of_four_other_accounts(connection)
            kinds = (await connection.prepare(sql)).get_parameters()
            await connection.execute(f"PREPARE asked AS {sql}")
            values = ", ".join(VALUES[kind.name] for kind in kinds)
            rows = await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE asked ({values})")
            await connection.execute("DEALLOCATE asked")
        finally:
            await transaction.rollback()
    return "\n".join(row[0] for row in rows)


async def _contacts_of_four_other_accounts(connection: asyncpg.Connection) -> None:
    await connection.execute(
        """
        INSERT INTO contacts (account_id, email, address_key, address_hash)
        SELECT current_account(), n || '@plan.test', n || '@plan.test', decode(md5('plan' || n), 'hex')
        FROM generate_series(1, 5000) AS n
        """
    )
    await connection.execute(
        """
        SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', 'contacts', 'relpages', 4000,
                                         'reltuples', 100000::real),
               pg_restore_attribute_stats(
                   'schemaname', 'public', 'relname', 'contacts', 'attname', 'account_id',
                   'inherited', false, 'null_frac', 0::real, 'avg_width', 8, 'n_distinct', 4::real,
                   'most_common_vals', '{900001,900002,900003,900004}',
                   'most_common_freqs', '{0.4,0.3,0.2,0.1}'::real[])
        """
    )


def test_each_statement_over_a_part_is_among_them() -> None:
    assert len(FOUND) == 5
    joined = [
        one.place
        for one in statements()
        if one.path in PLACES and "import_rows r" in (one.sql or "") and "JOIN contacts" in (one.sql or "")
    ]
    assert joined == []


@pytest.mark.req("S8")
@pytest.mark.parametrize("sql", FOUND.values(), ids=FOUND.keys())
async def test_a_part_is_read_once_and_contacts_by_their_address(
    services: Services, make: Make, sql: str
) -> None:
    plan = await _plan(services, (await make.account()).id, sql)
    assert plan.count("on contacts k") == 1
    assert re.search(r"Index Cond: \(\(account_id = \$1\) AND \(address_key = \w+\.address_key\)\)", plan), (
        plan
    )
    # the outer side of the loop, which is read once, stands first
    assert plan.index("import_parts") < plan.index("on contacts k"), plan
