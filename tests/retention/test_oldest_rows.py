"""Looking for the oldest row of a class reads no table, however long it is."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from mailer.core.services import Services
from retention_jobs.ages import oldest_sql, overdue_sql
from retention_jobs.classes import CLASSES
from retention_jobs.data_class import Age
from retention_jobs.odd_ages import BEHIND


def _ages() -> list[tuple[Age, bool]]:
    return [(age, one.platform) for one in CLASSES.values() for age in one.ages]


async def test_the_oldest_of_each_class_is_one_step_into_an_index(services: Services) -> None:
    """Also among 100 million events: never a scan, never a sort."""
    wrong = []
    async with services.db.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL app.account_id = '1'")
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.execute("SET LOCAL enable_bitmapscan = off")
        # empty partitions are cheaper to sort than to walk
        await connection.execute("SET LOCAL enable_sort = off")
        for age, of_platform in _ages():
            sql = oldest_sql(age, platform=of_platform)
            given = sql.replace("$1", "1")
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {given}"))
            await connection.fetch(overdue_sql(age, platform=of_platform), *_args(age, of_platform))
            if not age.small and re.search(r"\bSort  |Seq Scan", plan):
                wrong.append(f"{age.table}.{age.column}:\n{plan}")
    assert not wrong, "\n\n".join(wrong)


async def test_what_a_campaign_left_is_one_step_into_an_index(services: Services) -> None:
    """From campaign to campaign, never through all members of segments or counts, also with kept plans."""
    tables = "draft_versions segment_members event_counts event_hours open_counts campaign_figures evidence"
    looked = set()
    async with services.db.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL app.account_id = '1'")
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for off in ("seqscan", "bitmapscan", "sort"):
            await connection.execute(f"SET LOCAL enable_{off} = off")
        for odd in (*BEHIND["content"][2:], *BEHIND["events"], *BEHIND["deliveries"]):
            for sql, kinds, given in (
                (odd.oldest, "bigint", "1"),
                (odd.overdue, "bigint, timestamptz, int", "1, now(), 10"),
            ):
                await connection.execute(f"PREPARE asked ({kinds}) AS {sql}")
                plan = [row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE asked ({given})")]
                await connection.execute("DEALLOCATE asked")
                for line, below in pairwise(plan):
                    for table in tables.split():
                        if f" on {table}" in line:
                            looked.add(table)
                            assert re.search(r"campaign_id > (0|w.campaign_id)", below), plan
    assert looked == set(tables.split())


def _args(age: Age, of_platform: bool) -> tuple[object, ...]:
    at = datetime.now(UTC) - timedelta(days=1000)
    limit: tuple[object, ...] = (at.date() if age.day else at, 10)
    if age.person:
        limit = (*limit, at)
    return limit if of_platform else (1, *limit)
