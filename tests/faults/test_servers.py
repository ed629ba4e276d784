"""PostgreSQL and Valkey restarted, killed, emptied while a campaign leaves: no mail lost, none doubled, no doubt."""

import asyncio
import os
import signal
from contextlib import suppress

import pytest

from tests.faults.conftest import LEASE, Begin, Machine

pytestmark = pytest.mark.timeout(1800)
SIZES = [400, pytest.param(4_000, marks=pytest.mark.long)]


def _times(people: int) -> int:
    return 1 if people < 1_000 else 5


@pytest.mark.req("D-22")
@pytest.mark.parametrize("people", SIZES)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_a_database_that_restarts_costs_no_mail_and_no_doubt(
    machine: Machine, begin: Begin, people: int, how: signal.Signals
) -> None:
    """SIGINT is its fast shutdown; SIGKILL takes the postmaster away from under its children."""
    trial = await begin(people)
    machine.keep_workers(2)
    for _ in range(_times(people)):
        await machine.moved(80)
        died = machine.signal_server("postgres", how)
        await died.wait()
        await machine.until(lambda old=died: machine.servers._processes["postgres"] is not old)
    await trial.finish()
    await trial.check()


@pytest.mark.req("D-22", "S3")
async def test_a_database_away_for_longer_than_a_lease_costs_no_doubt(machine: Machine, begin: Begin) -> None:
    """The turn is lost to the next one, but what became of its mails is known and written down."""
    trial = await begin(300)
    machine.sink.delay = 0.1
    machine.keep_workers(2, lease=LEASE)
    await machine.moved(60)
    # stopped as if the machine were frozen: connections stay, nothing answers
    frozen = await _family(machine.servers._processes["postgres"].pid)
    for process in frozen:
        _send(process, signal.SIGSTOP)
    await asyncio.sleep(2 * LEASE)
    for process in frozen:
        _send(process, signal.SIGCONT)
    await trial.finish()
    await trial.check()


@pytest.mark.req("D-22", "S3")
@pytest.mark.parametrize("people", SIZES)
@pytest.mark.parametrize("how", ["emptied", "restarted", "killed"])
async def test_a_valkey_that_forgets_costs_no_mail_and_no_doubt(
    machine: Machine, begin: Begin, people: int, how: str
) -> None:
    trial = await begin(people)
    machine.keep_workers(2)
    for _ in range(_times(people)):
        await machine.moved(80)
        if how == "emptied":
            await machine.services.redis.flushall()
            continue
        number = signal.SIGTERM if how == "restarted" else signal.SIGKILL
        died = machine.signal_server("valkey", number)
        await died.wait()
        await machine.until(lambda old=died: machine.servers._processes["valkey"] is not old)
    await trial.finish()
    await trial.check()


async def _family(parent: int) -> list[int]:
    """A process and its children."""
    found = await asyncio.create_subprocess_exec(
        "ps", "-o", "pid=", "--ppid", str(parent), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await found.communicate()
    return [parent, *map(int, output.split())]


def _send(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)
