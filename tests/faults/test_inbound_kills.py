"""The inbound listener and the workers that read, killed at any moment: each report counts once, and none is lost."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from sending import evidence, outcomes
from tests.faults.conftest import LEASE, Begin, Machine, Trial
from tests.feedback.conftest import Client
from tests.feedback.returned import report
from tests.forked import Forked
from tests.running.processes import free_port

pytestmark = pytest.mark.timeout(1800)


@dataclass
class Listener:
    """`mailer inbound` as a supervisor keeps it."""

    machine: Machine
    port: int
    processes: list[Forked] = field(default_factory=list)
    keeper: asyncio.Task[None] | None = None

    async def _keep(self) -> None:
        while True:
            process = await self.machine.start(
                "inbound", environ={"MAILER_INBOUND_LISTEN": f"127.0.0.1:{self.port}"}
            )
            self.processes = [process]
            await process.wait()
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            self.machine.kills += 1


@pytest.fixture
async def listener(machine: Machine) -> AsyncIterator[Listener]:
    found = Listener(machine, free_port())
    found.keeper = asyncio.create_task(found._keep())
    yield found
    found.keeper.cancel()
    await asyncio.gather(found.keeper, return_exceptions=True)
    await found.kill()


async def _handed_over(port: int, to: str, raw: bytes) -> int:
    """As a mail server does: again and again until somebody says 250. Returns the tries."""
    tries = 0
    while True:
        tries += 1
        try:
            async with asyncio.timeout(20):
                client = Client(*await asyncio.open_connection("127.0.0.1", port))
                try:
                    if (await client.reply()).startswith("220"):
                        await client.say("EHLO mx.faults.test")
                        if (await client.send(to, raw)).startswith("250"):
                            return tries
                finally:
                    await client.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, IndexError):
            pass
        await asyncio.sleep(random.uniform(0.02, 0.2))


async def _all_bounced(trial: Trial, count: int) -> bool:
    with suppress(Exception):
        states = await trial.post.states(trial.campaign)
        return Counter(states.values())[("bounced", "hard")] == count
    return False


async def _counts_once(trial: Trial, count: int) -> None:
    async with trial.post.tx() as tx:
        events = await tx.value("SELECT count(*) FROM events WHERE account_id = $1 AND kind = 'bounce'")
        stopped = await tx.value("SELECT count(*) FROM suppressions WHERE account_id = $1")
        figures = await evidence.figures(tx, trial.campaign)
        balance = await outcomes.balance(tx, trial.campaign)
        left = await tx.rows(
            """
            SELECT state, count(*) FROM inbound_mails WHERE account_id = $1 GROUP BY state
            """
        )
    assert (events, stopped, figures.hard, figures.sent) == (count, count, count, count)
    assert (balance.audience, balance.bounced_hard, balance.delivered) == (count, count, 0)
    # a report that was handed over twice is one row, by its digest
    assert left == [("done", count)]


async def _sent(machine: Machine, begin: Begin, count: int) -> Trial:
    trial = await begin(count)
    await machine.start_worker()
    await trial.finish()
    await machine.kill_workers()
    return trial


@pytest.mark.req("D-30", "D-22")
@pytest.mark.parametrize("count", [40, pytest.param(1_000, marks=pytest.mark.long)])
async def test_killed_listeners_and_workers_lose_no_report(
    machine: Machine, begin: Begin, listener: Listener, count: int
) -> None:
    trial = await _sent(machine, begin, count)
    mails = list(machine.sink.accepted)
    assert len(mails) == count
    machine.keep_workers(2, lease=LEASE)
    places = asyncio.Semaphore(8)

    done = 0

    async def arrive(n: int) -> int:
        nonlocal done
        async with places:
            tries = await _handed_over(listener.port, mails[n].mail_from, report(mails[n].recipient))
            done += 1
            # while others of the eight are in the middle of theirs
            if done % every == 0:
                await listener.kill()
                if machine.workers:
                    await machine.kill(random.choice(machine.workers))
            return tries

    every = max(10, count // 25)
    tries = await asyncio.gather(*(arrive(n) for n in range(count)))
    await machine.until(lambda: _all_bounced(trial, count))
    assert machine.kills >= 2
    assert sum(tries) >= count
    await _counts_once(trial, count)


@pytest.mark.req("D-30")
async def test_a_report_that_is_stored_and_not_read_outlives_its_listener(
    machine: Machine, begin: Begin, listener: Listener
) -> None:
    """Between the 250 and the effect: the listener is killed, the database restarted, two workers come late."""
    trial = await _sent(machine, begin, 20)
    for mail in machine.sink.accepted:
        await _handed_over(listener.port, mail.mail_from, report(mail.recipient))
    await listener.kill()
    died = machine.signal_server("postgres", signal.SIGKILL)
    await died.wait()
    await machine.until(lambda: machine.servers._processes["postgres"] is not died)
    # nobody has read anything yet
    assert not await _all_bounced(trial, 20)
    # and those that come meanwhile are put off, not lost
    late = machine.sink.accepted[0]
    await _handed_over(listener.port, late.mail_from, report(late.recipient))
    await asyncio.gather(machine.start_worker(), machine.start_worker())
    await machine.until(lambda: _all_bounced(trial, 20))
    await _counts_once(trial, 20)
