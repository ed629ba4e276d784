"""An account whose programs may send, the sink that takes it, and its worker's part played by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from mailer import worker
from mailer.core import jobs, work
from mailer.core.services import Services
from sending import smtp, transactional
from tests.browser.conftest import browser, visit
from tests.campaigns.conftest import confirmed_sender
from tests.client import Answer, Client
from tests.delivery.conftest import with_server
from tests.make import Account, Make
from tests.smtp_server import Received, Sink

__all__ = ["browser", "visit"]


@dataclass
class Counter:
    """Where messages are asked for."""

    services: Services
    make: Make
    account: Account
    sender_id: int
    program: Client
    sink: Sink

    def body(self, **more: object) -> dict[str, Any]:
        plain = {"subject": "Order 1001", "text": "Thank you."} if not _content(more) else {}
        return {"to": {"email": "ana@example.test"}, "sender_id": self.sender_id, **plain, **more}

    async def ask(self, key: str = "", **more: object) -> Answer:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.program.post("/api/v1/messages", json=self.body(**more), headers=headers)

    async def show(self, message_id: int) -> dict[str, Any]:
        return dict((await self.program.get(f"/api/v1/messages/{message_id}")).json())

    async def run(self, times: int = 5) -> None:
        """Turns of this account's messages, until none is due."""
        for _ in range(times):
            due = [
                task
                for task in await work.due(self.services.db, 1_000_000)
                if (task.account_id, task.job) == (self.account.id, transactional.JOB)
            ]
            for task in due:
                await jobs.run_turn(self.services, worker.JOBS, task)

    async def sent(self, **more: object) -> Received:
        """The mail that comes of a request."""
        answer = await self.ask(**more)
        assert answer.status == 202, answer.text
        before = len(self.sink.accepted)
        await self.run()
        assert len(self.sink.accepted) == before + 1
        return self.sink.accepted[-1]


def _content(more: dict[str, object]) -> bool:
    return bool({"template", "mjml", "html", "text"} & more.keys())


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink() as opened:
        yield opened
        await smtp.close_pools()


@pytest.fixture
async def counter(services: Services, make: Make, sink: Sink) -> Counter:
    account = await make.account()
    async with services.db.account(account.id) as tx:
        sender_id = await confirmed_sender(tx)
    program = await make.program(account.id)
    return Counter(with_server(services, sink), make, account, sender_id, program, sink)
