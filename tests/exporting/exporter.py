"""Drives exports in tests as the application does: asked by API, written by the turns of their jobs, fetched."""

from lists import exports
from lists.exports import Export, NewExport
from mailer import worker
from mailer.core import files, jobs, work
from mailer.core.services import Services


async def turns(services: Services, account_id: int, export_id: int) -> None:
    """The job as the worker would run it, to its end."""
    for _ in range(100):
        due = [task for task in await work.due(services.db, 10_000) if task.account_id == account_id]
        mine = [task for task in due if task.ref_id == export_id and "export" in task.job]
        if not mine:
            return
        await jobs.run_turn(services, worker.JOBS, mine[0])
    raise AssertionError("the export does not end")


async def written(
    services: Services, account_id: int, new: NewExport, *, selection_id: int | None = None
) -> tuple[Export, bytes]:
    """A finished export and its file."""
    async with services.db.account(account_id) as tx:
        asked = await exports.ask(tx, new, selection_id=selection_id)
    await turns(services, account_id, asked.id)
    return await finished(services, account_id, asked.id)


async def finished(services: Services, account_id: int, export_id: int) -> tuple[Export, bytes]:
    async with services.db.account(account_id) as tx:
        found = await exports.show(tx, export_id)
        assert found.state == "done"
        file = await exports.fetch(tx, export_id)
    data = b"".join([piece async for piece in files.read(services.db, account_id, file.id)])
    assert len(data) == file.size
    return found, data
