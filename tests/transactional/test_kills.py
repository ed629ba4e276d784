"""Real workers and messages: fast beside a campaign, and one mail or a doubt after kill -9 (D-22, D-82)."""

import asyncio
from collections import Counter as Count

import pytest

from mailer.worker import PARALLEL
from sending import slots, transactional
from sending.transactional import Filter
from sending.transactional_order import NewMessage, Recipient
from tests.campaigns.conftest import confirmed_sender
from tests.delivery.conftest import Post
from tests.faults.conftest import Begin, Machine, begin, machine, servers
from tests.make import Make
from tests.smtp_server import Received

__all__ = ["begin", "machine", "servers"]


async def _ask(post: Post, sender_id: int, n: int) -> int:
    new = NewMessage(
        to=Recipient(email=f"m{n}@messages-{post.account.id}.test"),
        sender_id=sender_id,
        subject=f"Order {n}",
        text="Thank you.",
    )
    async with post.tx() as tx:
        ready = await transactional.make(tx, post.services, new)
        return (await transactional.accept(tx, post.services, ready)).id


async def _account(machine: Machine) -> tuple[Post, int]:
    make = Make(machine.services, None, "")  # type: ignore[arg-type]  # asks nothing over HTTP
    post = Post(machine.services, make, await make.account(), machine.sink)
    async with post.tx() as tx:
        return post, await confirmed_sender(tx)


async def _states(post: Post) -> dict[str, str]:
    async with post.tx() as tx:
        found = await transactional.many(tx, post.services.sealer, Filter(limit=1000))
    return {str(one.to): one.status for one in found}


@pytest.mark.req("D-22", "S1", "S3")
async def test_killed_workers_lose_no_message_and_send_none_twice(machine: Machine) -> None:
    post, sender_id = await _account(machine)
    for n in range(200):
        await _ask(post, sender_id, n)
    for stop_at in (40, 100):
        await asyncio.gather(machine.start_worker(), machine.start_worker())
        await machine.until(lambda at=stop_at: len(machine.sink.accepted) >= at)  # type: ignore[misc]
        await machine.kill_workers()
    await machine.start_worker()

    async def ended() -> bool:
        return not {"queued", "claimed", "handing", "deferred"} & set((await _states(post)).values())

    await machine.until(ended)
    states, got = await _states(post), Count(machine.sink.recipients)
    assert {who: n for who, n in got.items() if n != 1} == {}
    assert {who for who, state in states.items() if state == "delivered"} <= set(got) <= set(states)
    counts = Count(states.values())
    assert set(counts) <= {"delivered", "in_doubt"}
    assert sum(counts.values()) == 200
    # one turn an account: what one worker has in hand-over is all that can be in doubt, at each kill
    assert counts["in_doubt"] <= 2 * slots.FOR_MESSAGES


@pytest.mark.req("D-82")
async def test_a_message_passes_by_campaigns_that_fill_every_turn(machine: Machine, begin: Begin) -> None:
    passed = asyncio.Event()

    async def end(mail: Received) -> str:
        """Campaigns wait for their reply until the message has come by."""
        if not mail.recipient.startswith("m1@messages-"):
            await passed.wait()
        return "250 Ok"

    machine.sink.end = end
    for _ in range(PARALLEL + 2):  # of its two lanes one claims them all, and holds a turn
        await begin(20)
    await machine.start_worker()

    async def full() -> bool:
        async with machine.services.db.shared() as tx:
            busy = await tx.value(
                """
                SELECT count(DISTINCT ref_id) FROM work
                WHERE job = 'sending.send' AND leased_until > now()
                """
            )
        return bool(busy >= PARALLEL)

    await machine.until(full)
    post, sender_id = await _account(machine)
    await _ask(post, sender_id, 1)
    address = f"m1@messages-{post.account.id}.test"
    await machine.until(lambda: bool(machine.sink.to(address)))
    assert await full()
    passed.set()
