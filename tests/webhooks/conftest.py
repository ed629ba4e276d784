"""An account with a webhook, and a program that receives."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from mailer.core.db import AccountTx
from mailer.core.services import Services
from mailer.core.work import Task
from mailer.web.outgoing import Wall, wall_of
from mailer.webhooks import attempts, collect, endpoints, turns
from mailer.webhooks.attempts import Attempt
from mailer.webhooks.catalogue import KINDS
from mailer.webhooks.endpoints import Endpoint, NewEndpoint
from tests.make import Account, Make
from tests.webhooks.receiver import Receiver, receiving


@dataclass
class Place:
    """The jobs are called as the worker calls them, one turn each."""

    services: Services
    make: Make
    account: Account
    receiver: Receiver
    endpoint: int = 0
    secret: str = ""

    def tx(self) -> AbstractAsyncContextManager[AccountTx]:
        return self.services.db.account(self.account.id)

    async def listen(self, *events: str, url: str = "") -> int:
        async with self.tx() as tx:
            new = NewEndpoint(url=url or self.receiver.url, events=list(events or KINDS))
            made, secret = await endpoints.create(tx, self.services.sealer, Wall(local=True), new)
        self.endpoint, self.secret = made.id, secret
        return made.id

    async def contact(self, email: str = "", *, list_id: int | None = None) -> int:
        async with self.tx() as tx:
            return await self.make.contact(tx, email, list_id=list_id)

    async def collect(self) -> None:
        """Everything that is there, whatever other tests have open meanwhile."""
        await collect.pulse(self.services, Task(0, collect.PULSE, 0, 0, 1))
        while True:
            again = await collect.collect(self.services, Task(self.account.id, collect.COLLECT, 0, 0, 1))
            if again is None:
                return

    async def turn(self, endpoint: int = 0) -> datetime | None:
        task = Task(self.account.id, turns.SEND, endpoint or self.endpoint, 0, 1)
        return await turns.send_through(self.services, task, wall_of(self.services.settings))

    async def tell(self) -> None:
        """What happened so far reaches the receiver, if it takes it."""
        await self.collect()
        await self.turn()

    async def show(self) -> Endpoint:
        async with self.tx() as tx:
            return await endpoints.show(tx, self.endpoint)

    async def log(self) -> list[Attempt]:
        async with self.tx() as tx:
            return list((await attempts.many(tx, self.endpoint)).items)

    async def states(self) -> list[str]:
        async with self.tx() as tx:
            rows = await tx.rows(
                "SELECT status FROM webhook_deliveries WHERE account_id = $1 AND endpoint_id = $2 ORDER BY event_id",
                self.endpoint,
            )
        return [status for (status,) in rows]

    async def happened(self, n: int = 1, type_: str = "contact.created") -> None:
        """So many events, without what would cause them."""
        async with self.tx() as tx:
            await tx.run(
                """
                INSERT INTO webhook_events (account_id, type, data)
                SELECT $1, $2, jsonb_build_object('contact_ids', jsonb_build_array(n))
                FROM generate_series(1, $3::int) AS g (n)
                """,
                type_,
                n,
            )

    async def value(self, sql: str, *args: object) -> Any:
        async with self.tx() as tx:
            return await tx.value(sql, *args)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
async def place(services: Services, make: Make, receiver: Receiver) -> Place:
    return Place(services, make, await make.account(), receiver)
