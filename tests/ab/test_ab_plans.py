"""What an A/B test looks at while it waits: those who were drawn, whatever the size of the audience (S8)."""

from collections.abc import Iterator
from typing import Any

import pytest

from sending import ab_figures, ab_runs
from tests.ab.conftest import compared
from tests.delivery.conftest import People, Post, people, post, sink
from tests.statements import statements

__all__ = ["people", "post", "sink"]

PEOPLE = 3_000
SERVED = {"Index Only Scan", "Index Scan", "Bitmap Heap Scan", "Bitmap Index Scan"}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)


@pytest.mark.req("S8")
async def test_a_waiting_test_reads_those_who_were_drawn_alone(post: Post, people: People) -> None:
    listed = await people(count=PEOPLE)
    campaign = await compared(post, [listed], share=5)
    other = await post.campaign([listed])
    await post.prepared(campaign)
    await post.prepared(other)
    async with post.services.db.connection() as connection:
        await connection.execute("VACUUM (ANALYZE) deliveries")
    async with post.tx() as tx:
        assert sum(one.drawn for one in await ab_figures.count(tx, campaign)) == PEOPLE // 20
        connection = tx._connection
        # what counts is what the index reads; a small table may rightly be read whole
        await connection.execute("SET LOCAL enable_seqscan = off")
        for module, words in ((ab_figures, "opens_base"), (ab_runs, "provider_stops")):
            [sql] = [
                one.sql
                for one in statements()
                if one.path == f"sending/{module.__name__.rpartition('.')[2]}.py" and words in (one.sql or "")
            ]
            found = await connection.fetchval(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", post.account.id, campaign
            )
            nodes = [
                node
                for node in _nodes(found[0]["Plan"])
                if str(node.get("Relation Name", "")).startswith("deliveries") and node["Actual Loops"]
            ]
            read = sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in nodes)
            assert nodes
            assert read <= PEOPLE // 20, found
            assert {node["Node Type"] for node in nodes} <= SERVED, found
