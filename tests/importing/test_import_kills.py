"""A worker that dies anywhere: nothing is lost, nothing is doubled, and the numbers still add up."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lists import csv_rows, import_check, import_stage, import_start, jobs_imports, merge
from lists.import_stage import Superseded
from lists.imports import Choices
from mailer import worker
from mailer.core import files as store
from mailer.core import jobs, work
from mailer.core.actor import JOB, Actor
from mailer.core.db import AccountTx, Database
from mailer.core.services import Services
from mailer.core.work import Task
from tests.importing import files
from tests.importing.importer import STATEMENT, Importer
from tests.make import Make

ROWS, BAD = 330, 2


class Dying:
    """A database whose client dies at its n-th transaction: before it is committed, or right after."""

    def __init__(self, db: Database, n: int, *, after: bool) -> None:
        self._db, self._left, self._after = db, n, after

    @asynccontextmanager
    async def account(self, account_id: int, *, actor: Actor = JOB) -> AsyncIterator[AccountTx]:
        self._left -= 1
        async with self._db.account(account_id, actor=actor) as tx:
            yield tx
            if self._left == 0 and not self._after:
                raise asyncio.CancelledError
        if self._left == 0:
            raise asyncio.CancelledError

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)


async def _live_once(services: Services, task: Task, n: int, *, after: bool) -> bool:
    """True when the worker died in this turn."""
    dying = dataclasses.replace(services, db=Dying(services.db, n, after=after))  # type: ignore[arg-type]
    try:
        await jobs.run_turn(dying, worker.JOBS, task)
    except asyncio.CancelledError:
        # what the tick does when the lease of a dead worker has ended
        async with services.db.shared() as tx:
            await tx.run(
                "UPDATE work SET leased_until = now() - interval '1 second' WHERE account_id = $1 AND job = $2",
                task.account_id,
                task.job,
            )
        return True
    return False


async def _die_often(importer: Importer, job: str, *, after: bool) -> int:
    """The n-th worker dies at its n-th transaction, until one gets to the end. How many died."""
    deaths = 0
    for life in range(1, 200):
        due = [
            task
            for task in await work.due(importer.services.db, 1_000_000)
            if task.account_id == importer.account.id and task.job == job
        ]
        if not due:
            return deaths
        deaths += await _live_once(importer.services, due[0], life, after=after)
    raise AssertionError("no life got to the end")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many transactions from a small file."""
    monkeypatch.setattr(store, "CHUNK", 2_000)
    monkeypatch.setattr(csv_rows, "BATCH", 1_000)
    monkeypatch.setattr(import_stage, "PART", 30)
    monkeypatch.setattr(import_stage, "ERASED_AT_ONCE", 3)


@pytest.mark.req("E-53")
@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("after", [False, True])
async def test_a_worker_killed_at_every_commit_changes_nothing(
    services: Services, make: Make, after: bool
) -> None:
    data = files.excel_fr(ROWS, BAD) + files.excel_fr(3, 0).split(b"\r\n", 1)[1]
    quiet = Importer(services, await make.account())
    expected = (await quiet.whole(data, new_list="Clients")).counts
    assert expected == {"rows": 333, "created": 328, "errors": 2, "doubles": 3}
    importer = Importer(services, await make.account())
    import_id = await importer.upload(data)
    await importer.check(import_id, new_list="Clients")
    # once more, this time with a worker that keeps dying
    async with services.db.account(importer.account.id) as tx:
        await tx.run(
            """
            UPDATE imports SET state = 'checking', attempt = attempt + 1, bytes_read = first_offset, rows_read = 0,
                               lines_read = first_line, merged_to_line = 0, counts = '{}', examples = '{}'
            WHERE account_id = $1 AND id = $2
            """,
            import_id,
        )
        await work.add(tx, "lists.check_import", import_id)
    assert await _die_often(importer, "lists.check_import", after=after) > 3
    checked = await importer.show(import_id)
    assert (checked.state, checked.counts) == ("checked", expected)
    async with services.db.account(importer.account.id) as tx:
        await import_start.run(tx, import_id)
    assert await _die_often(importer, "lists.run_import", after=after) > 3
    done = await importer.show(import_id)
    assert (done.state, done.counts) == ("done", expected)
    assert done.resumed_at_line is not None
    assert await importer.contacts() == await quiet.contacts()
    await _die_often(importer, "lists.close_import", after=after)
    async with services.db.account(importer.account.id) as tx:
        for sql in (
            "SELECT count(*) FROM import_rows WHERE account_id = $1",
            "SELECT count(*) FROM import_rejects WHERE account_id = $1",
        ):
            assert await tx.value(sql) == 0


@pytest.mark.usefixtures("small_parts")
async def test_a_turn_of_an_earlier_start_writes_nothing(services: Services, make: Make) -> None:
    """The options change while a worker still reads under the old ones."""
    importer = Importer(services, await make.account())
    import_id = await importer.upload(files.excel_fr(ROWS, BAD))
    await importer.check(import_id, new_list="Clients")
    old = await importer.show(import_id)
    await importer.check(import_id, new_list="Autre")
    with pytest.raises(Superseded):
        async with services.db.account(importer.account.id) as tx:
            await merge.merge(tx, old, after=0)
    assert await importer.contacts() == []


async def test_turns_that_end_early_go_on_where_they_were(
    services: Services, make: Make, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = Importer(services, await make.account())
    await quiet.whole(files.excel_fr(ROWS, BAD), new_list="Clients")
    importer = Importer(services, await make.account())
    monkeypatch.setattr(jobs_imports, "TURN_SECONDS", 0.0)
    done = await importer.whole(files.excel_fr(ROWS, BAD), new_list="Clients")
    assert done.counts == {"rows": 330, "created": 328, "errors": 2, "doubles": 0}
    assert done.resumed_at_line is None
    assert await importer.contacts() == await quiet.contacts()


@pytest.mark.usefixtures("small_parts")
async def test_two_workers_with_the_same_turn_stage_and_merge_once(services: Services, make: Make) -> None:
    """One lost its lease and does not know it yet."""
    importer = Importer(services, await make.account())
    account_id = importer.account.id
    import_id = await importer.upload(files.excel_fr(ROWS, BAD))
    async with services.db.account(account_id) as tx:
        await import_start.check(tx, import_id, Choices.model_validate(STATEMENT | {"new_list": "Clients"}))
    for _ in range(2):  # from the first row, and from the middle
        one, two = await importer.show(import_id), await importer.show(import_id)
        assert not await import_check.read_on(services, account_id, one, until=0)
        with pytest.raises(Superseded):
            await import_check.read_on(services, account_id, two, until=0)
    await importer.turns("lists.check_import")
    assert (await importer.show(import_id)).counts == {"rows": 330, "created": 328, "errors": 2, "doubles": 0}
    async with services.db.account(account_id) as tx:
        await import_start.run(tx, import_id)
    one, two = await importer.show(import_id), await importer.show(import_id)
    async with services.db.account(account_id) as tx:
        await merge.merge(tx, one, after=0)
    with pytest.raises(Superseded):
        async with services.db.account(account_id) as tx:
            await merge.merge(tx, two, after=0)
    await importer.turns("lists.run_import")
    assert (await importer.show(import_id)).counts["created"] == 328
    assert len(await importer.contacts()) == 328
