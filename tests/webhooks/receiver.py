"""A program that is told: a real HTTP server on loopback, which answers as a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Heard:
    """A request, octet by octet."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`status`, `headers`: of each answer; `reply` instead of both. `most`: requests at once, so far."""

    url: str = ""
    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    reply: Reply | None = None
    heard: list[Heard] = field(default_factory=list)
    open: int = 0
    most: int = 0

    async def hear(self, request: web.Request) -> web.StreamResponse:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.heard.append(Heard(headers, await request.read()))
            if self.reply is not None:
                return await self.reply(request)
            return web.Response(status=self.status, headers=self.headers, text="heard")
        finally:
            self.open -= 1

    @property
    def types(self) -> list[str]:
        return [one.json["type"] for one in self.heard]


@asynccontextmanager
async def receiving(ssl_context: Any = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hooks", receiver.hear)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context)
    await site.start()
    [server] = runner.addresses
    receiver.port = server[1]
    receiver.url = f"http://127.0.0.1:{receiver.port}/hooks"
    yield receiver
    await runner.cleanup()


@asynccontextmanager
async def answering(data: bytes, *, endless: bool = False) -> AsyncIterator[int]:
    """A server that knows no HTTP: it sends these octets, for ever when `endless`. Gives its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(1000)
            writer.write(data)
            await writer.drain()
            while endless:
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
