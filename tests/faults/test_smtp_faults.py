"""SMTP servers that hang, refuse and break off while real workers send to them."""

import asyncio
import random

import pytest

from tests.faults.conftest import Begin, Machine
from tests.smtp_server import DIE, OK, Received

pytestmark = pytest.mark.timeout(1800)
CONNECTIONS = 8  # of a worker to a server (sending/smtp.py)
SECONDS = 2.0
SIZES = [200, pytest.param(3_000, marks=pytest.mark.long)]


@pytest.mark.req("D-12", "D-22")
@pytest.mark.parametrize("people", SIZES)
@pytest.mark.parametrize(
    "stage", [*(pytest.param(one, marks=pytest.mark.long) for one in ("mail", "data")), "end"]
)
async def test_a_server_that_hangs_is_left_and_tried_again(
    machine: Machine, begin: Begin, people: int, stage: str
) -> None:
    """It takes connections and does not answer any more. Only behind the final dot that leaves a doubt."""
    trial = await begin(people)
    hangs, works = asyncio.Event(), asyncio.Event()
    met = 0

    async def answer(_: Received) -> str:
        nonlocal met
        if hangs.is_set():
            met += 1
            await works.wait()
        return "354 go on" if stage == "data" else OK

    setattr(machine.sink, stage, answer)
    machine.keep_workers(2, timeouts=SECONDS)
    await machine.moved(60)
    hangs.set()
    # connections have met it, and the turns have ended
    await machine.until(lambda: met > 0)
    await machine.until(trial.rests)
    works.set()
    hangs.clear()
    await trial.finish()
    await trial.check(most_doubtful=2 * 2 * CONNECTIONS if stage == "end" else 0)


@pytest.mark.req("D-14", "D-22")
@pytest.mark.parametrize("people", SIZES)
@pytest.mark.parametrize("how", ["stopped", pytest.param("421 at the door", marks=pytest.mark.long)])
async def test_a_server_that_refuses_costs_nothing(
    machine: Machine, begin: Begin, people: int, how: str
) -> None:
    """`stop` cuts open connections too: what waits for a reply then is in doubt, one a connection."""
    trial = await begin(people)
    machine.keep_workers(2)
    await machine.moved(60)
    greeting = machine.sink.greeting
    if how == "stopped":
        await machine.sink.stop()
    else:
        machine.sink.greeting = "421 4.3.2 not now"
        for writer in list(machine.sink._writers):
            writer.transport.abort()
    before = machine.sink.connections
    await machine.hurry()
    await asyncio.sleep(3)
    await machine.hurry()
    if how == "stopped":
        await machine.sink.__aenter__()
    else:
        await machine.until(lambda: machine.sink.connections > before)
        machine.sink.greeting = greeting
    await trial.finish()
    await trial.check(most_doubtful=2 * CONNECTIONS)


@pytest.mark.req("D-22")
@pytest.mark.parametrize("people", SIZES)
async def test_a_server_that_breaks_off_behind_the_body_leaves_each_in_doubt_once(
    machine: Machine, begin: Begin, people: int
) -> None:
    """One mail in twenty meets a connection that dies in place of the reply, whether it was taken or not."""
    trial = await begin(people)
    chance = random.Random(7)
    broken: set[str] = set()

    def end(mail: Received) -> str:
        if chance.random() < 0.05:
            broken.add(mail.recipient)
            if chance.random() < 0.5:
                machine.sink.accepted.append(mail)
            return DIE
        return OK

    machine.sink.end = end
    machine.keep_workers(2)
    await trial.finish()
    counts = await trial.check(most_doubtful=len(broken))
    assert counts["in_doubt"] == len(broken) > 0
    machine.sink.end = OK
    await trial.resolve()
    assert (await trial.check())["delivered"] == people
