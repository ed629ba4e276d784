"""Real workers, two at a time, killed with -9 in the middle: every event arrives, and the same one under one id."""

import asyncio
from collections import Counter

import pytest
from aiohttp import web

from mailer.web.outgoing import Wall
from mailer.webhooks import endpoints, turns
from mailer.webhooks.endpoints import NewEndpoint
from tests.faults.conftest import LEASE, Begin, Machine, begin, machine, servers
from tests.make import Make
from tests.webhooks.receiver import receiving

__all__ = ["Begin", "begin", "machine", "servers"]
CONTACTS = 160
KILLS = 2


@pytest.mark.req("E-64", "S3")
@pytest.mark.timeout(280)
async def test_killed_workers_lose_no_event(machine: Machine) -> None:
    make = Make(machine.services, None, "")  # type: ignore[arg-type]  # asks nothing over HTTP
    account = await make.account()
    async with receiving() as receiver:

        async def takes_a_moment(_: web.Request) -> web.Response:
            await asyncio.sleep(0.02)
            return web.Response()

        receiver.reply = takes_a_moment
        async with machine.services.db.account(account.id) as tx:
            new = NewEndpoint(url=receiver.url, events=["contact.created"])
            made, _ = await endpoints.create(tx, machine.services.sealer, Wall(local=True), new)
        people: list[int] = []

        def told() -> set[int]:
            return {one.json["data"]["contact_ids"][0] for one in receiver.heard}

        for n in range(KILLS):
            for _ in range(CONTACTS // KILLS):
                async with machine.services.db.account(account.id) as tx:
                    people.append(await make.contact(tx))
            await asyncio.gather(machine.start_worker(lease=LEASE), machine.start_worker(lease=LEASE))
            # in the middle of this part
            at = n * CONTACTS // KILLS + CONTACTS // KILLS // 2
            await machine.until(lambda at=at: len(told()) >= at)  # type: ignore[misc]
            await machine.kill_workers()
        await machine.start_worker(lease=LEASE)

        async def over() -> bool:
            async with machine.services.db.account(account.id) as tx:
                left = await tx.value(
                    "SELECT count(*) FROM webhook_deliveries WHERE account_id = $1 AND status <> 'delivered'"
                )
            return not left and len(told()) == CONTACTS

        await machine.until(over)
    assert told() == set(people)
    by_id = Counter(one.id for one in receiver.heard)
    assert len(by_id) == CONTACTS  # the same event has the same id, whoever sent it
    # what was under way when a worker was killed came twice, and nothing else
    assert len(receiver.heard) - CONTACTS <= KILLS * turns.IN_FLIGHT
    async with machine.services.db.account(account.id) as tx:
        assert (await endpoints.show(tx, made.id)).failing_since is None
