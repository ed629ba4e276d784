"""An account that came after the planner's figures: thought to have nothing, until it is met."""

import asyncpg
import pytest

from mailer.core import planner
from mailer.core.db import AccountTx
from mailer.core.services import Services
from sending import audience
from tests.delivery.conftest import Post, post, sink
from tests.make import Make

__all__ = ["post", "sink"]

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
            async with services.db.account(account.id) as tx:
                await planner.meet(tx)
            expected = await expected_rows(connection, account.id)
        finally:
            await connection.execute("ANALYZE contacts")
    # a handful is no reason to look through a table of millions
    assert (expected > count / 4) == known


@pytest.mark.req("S8")
async def test_the_audience_of_an_unknown_account_is_not_joined_one_by_one(post: Post) -> None:
    """Its people came one at a time, by forms or a program: no import has made them known."""
    people = 3_000
    try:
        async with post.tx() as tx:
            list_id = await post.make.mailing_list(tx)
        campaign_id = await post.campaign([list_id])
        async with post.services.db.connection() as connection:
            for table in ("contacts", "subscriptions"):
                await connection.execute(OLD_FIGURES.replace("'contacts'", f"'{table}'"))
            await _contacts(connection, post.account.id, people)
        async with post.tx() as tx:
            await tx.run(
                """
                INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
                SELECT $1, $2, id, 'active', 'consent' FROM contacts WHERE account_id = $1
                """,
                list_id,
            )
            before = await _reads(tx)
            counts = await audience.count(tx, campaign_id)
            read = await _reads(tx) - before
    finally:
        async with post.services.db.connection() as connection:
            await connection.execute("ANALYZE contacts, subscriptions")
    assert counts.result == people
    # the figures themselves take a part of it
    assert read < 10 * people


async def _reads(tx: AccountTx) -> int:
    """Rows that this transaction has read."""
    found: int = await tx.shared().value(
        """
        SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_xact_user_tables
        WHERE relname IN ('contacts', 'subscriptions')
        """
    )
    return found
