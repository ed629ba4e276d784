"""Faults of the machine itself: a clock that steps, a disk without room."""

import asyncio
import signal

import pytest

from tests.faults.conftest import Begin, Machine

pytestmark = pytest.mark.timeout(1800)
SIZES = [300, pytest.param(4_000, marks=pytest.mark.long)]
_FULL = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
    END
    $$;
    CREATE TRIGGER no_room BEFORE UPDATE ON deliveries FOR EACH STATEMENT EXECUTE FUNCTION no_room();
"""
_ROOM = "DROP TRIGGER no_room ON deliveries; DROP FUNCTION no_room"
_FAULT = """
    CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'cache lookup failed for type 0' USING ERRCODE = 'internal_error';
    END
    $$;
    CREATE TRIGGER fault BEFORE UPDATE ON deliveries FOR EACH ROW WHEN (NEW.status = '{status}')
        EXECUTE FUNCTION fault();
"""
_MENDED = "DROP TRIGGER fault ON deliveries; DROP FUNCTION fault"


@pytest.mark.req("D-22", "S20")
@pytest.mark.parametrize("people", SIZES)
async def test_clocks_that_step_by_an_hour_change_nothing(
    machine: Machine, begin: Begin, people: int
) -> None:
    """One worker's ahead, the other's back; PostgreSQL's goes on."""
    trial = await begin(people)
    ahead, back = await machine.start_worker(lease=20), await machine.start_worker(lease=20)
    await machine.moved(30)
    for _ in range(1 if people < 1_000 else 4):
        ahead.send_signal(signal.SIGUSR1)
        back.send_signal(signal.SIGUSR2)
        await machine.moved(30)
    # without our hurrying: no turn was put off by an hour, none given up
    await machine.until(lambda: trial.has_status("sent"))
    await trial.check()


@pytest.mark.req("D-22", "S20")
@pytest.mark.parametrize("people", SIZES)
async def test_a_full_disk_costs_no_mail_and_no_doubt(machine: Machine, begin: Begin, people: int) -> None:
    """No file of the data folder may grow, then PostgreSQL has no room either, for a while."""
    trial = await begin(people)
    workers = [await machine.start_worker(lease=20), await machine.start_worker(lease=20)]
    for _ in range(1 if people < 1_000 else 4):
        await machine.moved(40)
        for worker in workers:
            worker.send_signal(signal.SIGWINCH)
        await machine.moved(40)
        async with machine.services.db.connection() as connection:
            await connection.execute(_FULL)
        try:
            before = -1
            # everything that was on its way has met it
            while before != len(machine.sink.accepted):
                before = len(machine.sink.accepted)
                await asyncio.sleep(1.5)
        finally:
            async with machine.services.db.connection() as connection:
                await connection.execute(_ROOM)
    assert all(worker.returncode is None for worker in workers)
    await trial.finish()
    await trial.check()


@pytest.mark.req("D-22", "S1")
@pytest.mark.parametrize("status", ["claimed", "handing"])
async def test_an_error_beside_mails_on_their_way_costs_no_doubt(
    machine: Machine, begin: Begin, status: str
) -> None:
    """One of ours, or of PostgreSQL's: the turn ends by it, but not before what is known is written down."""
    trial = await begin(600)
    machine.sink.delay = 0.1
    workers = [await machine.start_worker(lease=20), await machine.start_worker(lease=20)]
    await machine.moved(40)
    async with machine.services.db.connection() as connection:
        await connection.execute(_FAULT.format(status=status))
    try:
        before = -1
        while before != len(machine.sink.accepted):
            before = len(machine.sink.accepted)
            await asyncio.sleep(1.5)
        assert before < 600
    finally:
        async with machine.services.db.connection() as connection:
            await connection.execute(_MENDED)
    assert all(worker.returncode is None for worker in workers)
    await trial.finish()
    await trial.check()
