"""Many mail programs in one process: python -m tests.bench.track_clients PORT FILE

FILE holds requests, each behind its length; they are the same bytes for whoever answers. On standard input
a line says how they are sent: `all`, as fast as answers come, or a number, so many a second whatever comes
back. A line of JSON tells the rest.
"""

import asyncio
import json
import struct
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast

import uvloop

CONNECTIONS = 64
PIXEL_BYTES = 43


class Program(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, crowd: "Crowd") -> None:
        self.crowd = crowd
        self.transport: asyncio.Transport | None = None
        self.due = 0.0
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's own class is no asyncio.Transport by name
        self.transport = cast(asyncio.Transport, transport)
        self.crowd.connected(self)

    def ask(self, request: bytes, due: float) -> None:
        self.due = due
        assert self.transport is not None
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        data = self.rest + data if self.rest else data
        head = data.find(b"\r\n\r\n")
        if head < 0 or (data[9:12] == b"200" and len(data) < head + 4 + PIXEL_BYTES):
            self.rest = data
            return
        self.rest = b""
        self.crowd.answered(self, data[9:12])

    def connection_lost(self, error: Exception | None) -> None:
        self.crowd.lost()


class Crowd:
    """`late` counts from the moment at which a request was due, not from when a connection was free for it."""

    def __init__(self, requests: list[bytes], rate: float) -> None:
        self.requests, self.rate = requests, rate
        self.next = 0
        self.late: list[float] = []
        self.statuses: dict[str, int] = {}
        self.idle: deque[Program] = deque()
        self.loop = asyncio.get_running_loop()
        self.all_here = self.loop.create_future()
        self.done = self.loop.create_future()
        self.began = 0.0

    def connected(self, program: Program) -> None:
        self.idle.append(program)
        if len(self.idle) == CONNECTIONS and not self.all_here.done():
            self.all_here.set_result(None)

    def lost(self) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("a connection was closed"))

    def answered(self, program: Program, status: bytes) -> None:
        self.late.append(time.perf_counter() - program.due)
        name = status.decode()
        self.statuses[name] = self.statuses.get(name, 0) + 1
        if len(self.late) == len(self.requests):
            self.done.set_result(None)
        elif self.rate:
            self.idle.append(program)
            self._send_due()
        elif self.next < len(self.requests):
            self._send(program, time.perf_counter())

    def _send(self, program: Program, due: float) -> None:
        request = self.requests[self.next]
        self.next += 1
        program.ask(request, due)

    def _send_due(self) -> None:
        now = time.perf_counter()
        while self.idle and self.next < len(self.requests):
            due = self.began + self.next / self.rate
            if due > now:
                return
            self._send(self.idle.popleft(), due)

    async def run(self) -> float:
        """Seconds until the last answer."""
        await self.all_here
        self.began = time.perf_counter()
        if self.rate:
            while not self.done.done():
                self._send_due()
                await asyncio.sleep(0.001)
        else:
            while self.idle and self.next < len(self.requests):
                self._send(self.idle.popleft(), self.began)
        await self.done
        return time.perf_counter() - self.began


def read(path: Path) -> list[bytes]:
    data, found, at = path.read_bytes(), [], 0
    while at < len(data):
        (length,) = struct.unpack_from("!I", data, at)
        found.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def write(path: Path, requests: list[bytes]) -> None:
    path.write_bytes(b"".join(struct.pack("!I", len(one)) + one for one in requests))


async def main(port: int, path: Path) -> None:
    requests = read(path)
    loop = asyncio.get_running_loop()
    print("ready", flush=True)
    while word := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        crowd = Crowd(requests, 0.0 if word == "all" else float(word))
        for _ in range(CONNECTIONS):
            await loop.create_connection(lambda crowd=crowd: Program(crowd), "127.0.0.1", port)
        spent = time.process_time()
        seconds = await crowd.run()
        late = sorted(crowd.late)
        figures = {
            "seconds": seconds,
            "statuses": crowd.statuses,
            "p50": late[len(late) // 2],
            "p99": late[int(len(late) * 0.99)],
            "cpu": time.process_time() - spent,
        }
        for program in list(crowd.idle):
            if program.transport is not None:
                program.transport.abort()
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), Path(sys.argv[2])))
