"""The yardstick's senders, as processes: they do nothing but hand over a ready-made message again and again.

    python -m tests.bench.senders pipeline PORT MESSAGE CONNECTIONS COUNT FIRST
    python -m tests.bench.senders flood PORT MESSAGE CONNECTIONS COUNT FIRST

MESSAGE is a file. `pipeline` waits for the replies that RFC 2920 asks to wait for: MAIL, RCPT and DATA in one
write, the body in the next. `flood` waits for nothing, so that only the sink's own speed counts. Both print
"ready" when all connections are open, begin at a line of standard input, and print when they began and ended.
"""

import asyncio
import sys
import time
from abc import abstractmethod
from functools import partial
from pathlib import Path
from typing import cast

import orjson
import uvloop

FLOODED = 4  # mails a write: more would no longer fit into the processor's caches


class Sender(asyncio.Protocol):
    """One connection with `count` mails to hand over."""

    def __init__(self, message: bytes, recipients: list[bytes]) -> None:
        self.message, self.recipients = message, recipients
        self.greeted, self.done = asyncio.Event(), asyncio.Event()
        self.fault = ""
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.is_set():
            self.fail("the connection was lost")

    def fail(self, why: str) -> None:
        self.fault = self.fault or why
        self.greeted.set()
        self.done.set()

    def envelope(self) -> bytes:
        return b"MAIL FROM:<bounces@bench.example> SIZE=%d\r\nRCPT TO:<%s>\r\nDATA\r\n" % (
            len(self.message),
            self.recipients.pop(),
        )

    @abstractmethod
    def begin(self) -> None:
        """The first words after the greeting."""

    @abstractmethod
    def replied(self, lines: list[bytes]) -> None:
        """What the server said, whole lines."""

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.received.endswith(b"\r\n"):
            return
        lines, self.received = self.received.splitlines(), b""
        if self.greeted.is_set():
            self.replied(lines)
        elif lines[-1].startswith(b"220 "):
            self.transport.write(b"EHLO bench.example\r\n")
        elif lines[-1].startswith(b"250 "):
            self.greeted.set()


class Pipeline(Sender):
    """At most one write of commands and one of a body between replies."""

    def __init__(self, message: bytes, recipients: list[bytes]) -> None:
        super().__init__(message, recipients)
        self.body = message + b".\r\n"
        self.awaited: list[bytes] = []

    def begin(self) -> None:
        if not self.recipients:
            self.done.set()
            return
        self.awaited = [b"250", b"250", b"354"]
        self.transport.write(self.envelope())

    def replied(self, lines: list[bytes]) -> None:
        for line in lines:
            if not self.awaited or line[:3] != self.awaited.pop(0):
                return self.fail(f"unexpected reply {line.decode()}")
        if self.awaited:
            return None
        if lines[-1][:3] == b"354":
            self.awaited = [b"250"]
            return self.transport.write(self.body)
        return self.begin()


class Flood(Sender):
    """Counts replies only: four a mail."""

    def __init__(self, message: bytes, recipients: list[bytes]) -> None:
        super().__init__(message, recipients)
        self.owed = 4 * len(recipients)
        self.writing = True

    def begin(self) -> None:
        while self.recipients and self.writing:
            n = min(FLOODED, len(self.recipients))
            self.transport.write(b"".join(self.envelope() + self.message + b".\r\n" for _ in range(n)))

    def pause_writing(self) -> None:
        self.writing = False

    def resume_writing(self) -> None:
        self.writing = True
        self.begin()

    def replied(self, lines: list[bytes]) -> None:
        self.owed -= len(lines)
        if not self.owed:
            self.done.set()


async def main(kind: type[Sender], port: int, message: bytes, shares: list[list[bytes]]) -> None:
    loop = asyncio.get_running_loop()
    senders: list[Sender] = []
    for share in shares:
        _, sender = await loop.create_connection(partial(kind, message, share), "127.0.0.1", port)
        await sender.greeted.wait()
        senders.append(sender)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began, cpu = time.monotonic(), time.process_time()
    for sender in senders:
        sender.begin()
    for sender in senders:
        await sender.done.wait()
    ended = time.monotonic()
    faults = [sender.fault for sender in senders if sender.fault]
    found = {"began": began, "ended": ended, "cpu": time.process_time() - cpu, "fault": faults[:1]}
    print(orjson.dumps(found).decode(), flush=True)
    for sender in senders:
        sender.transport.close()


def shared_out(connections: int, count: int, first: int) -> list[list[bytes]]:
    """Recipients for each connection, each once."""
    made = [b"reader.%d@bench.example" % n for n in range(first, first + count)]
    return [made[n::connections] for n in range(connections)]


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[4:]]
    chosen: type[Sender] = Flood if sys.argv[1] == "flood" else Pipeline
    body = Path(sys.argv[3]).read_bytes()
    uvloop.run(main(chosen, int(sys.argv[2]), body, shared_out(*numbers)))
