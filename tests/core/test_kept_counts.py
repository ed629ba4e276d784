"""Counts of many rows are told again for a while; few rows are counted each time."""

from datetime import timedelta

from mailer.core import kept_counts
from mailer.core.kept_counts import FEW, Counted
from mailer.core.services import Services
from tests.make import Make


async def test_many_rows_are_counted_once_in_a_while(services: Services, make: Make) -> None:
    account = await make.account()
    calls: list[int] = []

    async def ask(size: int, ref_id: int = 7) -> Counted:
        async def count() -> Counted:
            calls.append(size)
            return Counted([["n", len(calls)]], size)

        async with services.db.account(account.id) as tx:
            return await kept_counts.of(tx, "test", ref_id, count)

    assert (await ask(FEW - 1)).value == [["n", 1]]
    assert (await ask(FEW - 1)).value == [["n", 2]]
    first = await ask(1_000_000)
    assert (first.value, first.at) == ([["n", 3]], None)
    again = await ask(1_000_000)
    assert again.value == [["n", 3]]
    assert again.at is not None
    assert (await ask(1_000_000, ref_id=8)).value == [["n", 4]]
    async with services.db.account(account.id) as tx:
        await tx.run(
            "UPDATE kept_counts SET counted_at = counted_at - $2::interval WHERE account_id = $1",
            timedelta(seconds=101),
        )
    assert (await ask(1_000_000)).value == [["n", 5]]
    # it shrank: what was kept goes
    async with services.db.account(account.id) as tx:
        await tx.run(
            "UPDATE kept_counts SET counted_at = counted_at - $2::interval WHERE account_id = $1",
            timedelta(seconds=101),
        )
    await ask(3)
    async with services.db.account(account.id) as tx:
        left = await tx.rows("SELECT ref_id FROM kept_counts WHERE account_id = $1")
    assert left == [(8,)]


async def test_two_views_at_once_count_once(services: Services, make: Make) -> None:
    import asyncio

    account = await make.account()
    calls: list[int] = []

    async def ask() -> Counted:
        async def count() -> Counted:
            calls.append(1)
            await asyncio.sleep(0.05)
            return Counted(len(calls), FEW)

        async with services.db.account(account.id) as tx:
            return await kept_counts.of(tx, "test", 1, count)

    found = await asyncio.gather(*(ask() for _ in range(3)))
    assert [one.value for one in found] == [1, 1, 1]
