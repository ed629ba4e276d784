"""What the checks read of a large audience: a share of it, by index, however large the list (S8)."""

import pytest

from mailer.core.services import Services
from sending import audience_sample, empty_values
from tests.make import Make
from tests.statements import statements

PEOPLE = 30_000


def _sql(module: str, words: str) -> str:
    [found] = [
        one.sql for one in statements() if one.path == f"sending/{module}.py" and words in (one.sql or "")
    ]
    assert found is not None
    return found


@pytest.mark.req("S8")
async def test_the_checks_look_at_a_bounded_share_of_the_audience(make: Make, services: Services) -> None:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        list_id = await make.mailing_list(tx)
        await tx.run(
            """
            INSERT INTO contacts (account_id, email, address_key, address_hash, first_name, fields)
            SELECT $1, 'p' || n || '@plan.test', 'p' || n || '@plan.test', decode(md5('check' || n), 'hex'),
                   CASE WHEN n % 10 = 0 THEN '' ELSE 'Ana' END, jsonb_build_object('city', 'Brest')
            FROM generate_series(1, $2::int) AS n
            """,
            PEOPLE,
        )
        await tx.run(
            """
            INSERT INTO subscriptions (account_id, list_id, contact_id, status, legal_basis)
            SELECT account_id, $2, id, 'active', 'consent' FROM contacts WHERE account_id = $1
            """,
            list_id,
        )
        campaign = await tx.value(
            "INSERT INTO campaigns (account_id, name) VALUES ($1, 'Lettre') RETURNING id"
        )
        await tx.run(
            "INSERT INTO campaign_lists (account_id, campaign_id, list_id, use, position) VALUES ($1, $2, $3, 'include', 0)",
            campaign,
            list_id,
        )
    async with services.db.connection() as connection:
        for table in ("contacts", "subscriptions"):
            await connection.execute(f"ANALYZE {table}")
    # as if each of them were thirty-three: what a million would be
    sample = audience_sample.Sample(every=-(-1_000_000 // audience_sample.MOST), total=PEOPLE)
    async with services.db.account(account.id) as tx:
        keys = ["city", "first_name"]
        found = await empty_values.count(tx, campaign, keys, sample, addresses=[])
        looked_at = PEOPLE // sample.every
        assert [(one.key, 0.7 < one.people / looked_at < 1.3, one.empty > 0) for one in found] == [
            ("city", True, False),
            ("first_name", True, True),
        ]
        connection = tx._connection
        start = (account.id, campaign)
        plans = [
            await connection.fetch(
                f"EXPLAIN {_sql('empty_values', 'AS unusable')}", *start, keys, sample.every, []
            ),
            await connection.fetch(
                f"EXPLAIN {_sql('weights', 'ORDER BY (CASE')}", *start, sample.every, keys, 600, 5
            ),
        ]
    for rows in plans:
        plan = "\n".join(row[0] for row in rows)
        # the share is taken before anything is joined, and each contact is then fetched by its key
        assert "% 50) = 0)" in plan, plan
        assert "Seq Scan on contacts" not in plan, plan
        assert "Index Scan using contacts_pkey on contacts" in plan, plan
