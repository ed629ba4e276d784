"""The server with turns of work running beside it, as workers would, and a line that breaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web

from mailer import worker
from mailer.client import AsyncClient
from mailer.core import jobs, work
from mailer.core.services import Services
from tests.make import Account, Make


@pytest.fixture
async def account(make: Make) -> Account:
    return await make.account()


@pytest.fixture
async def key(make: Make, account: Account) -> str:
    return (await make.program(account.id)).key


@pytest.fixture
async def mailer(server: str, key: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(server, key, first_wait=0.01) as client:
        yield client


@pytest.fixture
async def working(services: Services, account: Account) -> AsyncIterator[None]:
    """This account's turns of imports and exports, run as they become due."""

    async def turns() -> None:
        while True:
            for task in await work.due(services.db, 1_000_000):
                if task.account_id == account.id and task.job.startswith("lists."):
                    await jobs.run_turn(services, worker.JOBS, task)
            await asyncio.sleep(0.02)

    running = asyncio.create_task(turns())
    yield
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


@dataclass
class Line:
    """Between client and server. `fault`: called with how often this request came; a word says what happens.

    `lose`: the server does it, the answer never arrives. `cut`: the answer breaks off in the middle.
    Anything else is an answer's status line, headers after a colon.
    """

    server: str
    http: ClientSession
    url: str = ""
    fault: Callable[[int], str] = lambda n: ""
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        place = (request.method, request.path)
        times = sum(one[:2] == place for one in self.seen)
        self.seen.append((*place, dict(request.headers)))
        what = self.fault(times)
        if what[:1].isdigit():
            status, _, wait = what.partition(":")
            return web.Response(status=int(status), headers={"Retry-After": wait} if wait else {})
        skipped = {"host", "content-length", "transfer-encoding"}
        headers = {k: v for k, v in request.headers.items() if k.lower() not in skipped}
        async with self.http.request(
            request.method, self.server + request.path_qs, headers=headers, data=await request.read()
        ) as answer:
            body = await answer.read()
        if what == "lose":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        kept = {"Content-Type", "Location", "Content-Range", "Retry-After"}
        told = {k: v for k, v in answer.headers.items() if k in kept}
        made = web.StreamResponse(status=answer.status, headers=told | {"Content-Length": str(len(body))})
        await made.prepare(request)
        if what == "cut":
            await made.write(body[: len(body) // 2])
            assert request.transport is not None
            request.transport.close()
            return made
        await made.write(body)
        return made


@pytest.fixture
async def line(server: str, http: ClientSession) -> AsyncIterator[Line]:
    made = Line(server, http)
    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()
