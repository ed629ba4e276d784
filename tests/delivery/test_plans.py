"""The hot statements read what they need, and no table whole, however large the campaign (S8)."""

import asyncpg
import pytest

from mailer.core.work import Task
from sending import claims, preparation
from tests.delivery.conftest import People, Post
from tests.statements import statements

PEOPLE = 20_000


async def _analyze(post: Post, table: str) -> None:
    async with post.services.db.connection() as connection:
        await connection.execute(f"ANALYZE {table}")


def _sql(function: str, words: str) -> str:
    [found] = [
        one.sql for one in statements() if one.path == f"sending/{function}.py" and words in (one.sql or "")
    ]
    assert found is not None
    return found


async def _plan(connection: asyncpg.Connection, sql: str, *args: object) -> str:
    return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {sql}", *args))


@pytest.mark.req("S8")
async def test_claims_and_steps_read_only_their_rows(post: Post, people: People) -> None:
    listed = await people()
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO contacts (account_id, email, address_key, address_hash)
            SELECT $1, 'p' || n || '@plan.test', 'p' || n || '@plan.test', decode(md5('plan' || n), 'hex')
            FROM generate_series(1, $2::int) AS n
            """,
            PEOPLE,
        )
    await _analyze(post, "contacts")
    async with post.tx() as tx:
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT account_id, $2, id, 'active', 'consent' FROM contacts WHERE account_id = $1
            """,
            listed,
        )
    await _analyze(post, "subscriptions")
    campaign = await post.campaign([listed])
    await preparation.prepare(post.services, Task(post.account.id, "sending.prepare", campaign, 0, 1))
    assert await post.status(campaign) == "sending"
    async with post.tx() as tx:
        month = await tx.value("SELECT month FROM campaigns WHERE account_id = $1 AND id = $2", campaign)
        turn = claims.Turn(campaign, month, 0)
        place = (post.account.id, campaign, month, 0, turn.mark)
        rows = await claims.claim(tx, turn, [("default", 200)])
        ids = [row.contact_id for row in rows][:64]
        nothing: list[object] = []
        words = [["a@b.test"] * 64, ["unknown"] * 64, ["unknown"] * 64, [False] * 64, [False] * 64]
        connection = tx._connection
        # a table of a few rows is rightly read whole: what counts is that an index can serve
        await connection.execute("SET LOCAL enable_seqscan = off")
        plans = [
            await _plan(
                connection, _sql("claims", "FOR UPDATE SKIP LOCKED"), *place, 200, ["default"], [200]
            ),
            await _plan(connection, _sql("claims", "address_hash, first_name"), post.account.id, ids),
            await _plan(connection, claims._STEP, *place, *[nothing] * 7, ids, *words, nothing),
            await _plan(connection, _sql("lanes", "WITH RECURSIVE"), post.account.id, campaign),
        ]
    for plan in plans:
        for table in ("contacts", "subscriptions", "suppressions", "deliveries"):
            assert f"Seq Scan on {table}" not in plan, plan
    assert "returned_to" in plans[2]  # the function `stops` is inlined, not called for each row
    assert "stops(" not in plans[2]
    for plan in (plans[0], plans[3]):
        assert "next_at_idx" in plan, plan
