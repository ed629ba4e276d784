"""An open SMTP connection: what is written, and its replies in order (RFC 5321 §4.2, RFC 2920).

Replies are matched to commands by counting: each command written is one reply expected. A reply nobody asked
for, one that is none, or a line without end makes the connection unusable, for nobody could say any more
which command the next reply answers.
"""

import asyncio
import re
from collections import deque
from typing import Any

MAX_REPLY = 32_768
_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


class Lost(Exception):
    """Nothing more will come from this connection. `late`: because no reply came in time."""

    def __init__(self, words: str, *, late: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.late = late


class Wire(asyncio.Protocol):
    """Takes over a transport whose session is set up."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._buffer = b""
        self._lines: list[bytes] = []
        self._replies: deque[tuple[int, str]] = deque()
        self._expected = 0
        self._lost: Lost | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.blocked = False
        """True while the kernel has not taken all that was written, and for ever if it never did."""
        # told as soon as anything stays behind, so that `blocked` is exact
        transport.set_write_buffer_limits(high=0)
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        return self._lost is None and not self._transport.is_closing()

    def write(self, data: bytes, replies: int) -> None:
        """Raises Lost, and then nothing was written."""
        if not self.usable:
            raise self._lost or Lost("the connection was lost")
        self._expected += replies
        self._transport.write(data)

    async def reply(self, seconds: float) -> tuple[int, str]:
        """The next reply: code and text, several lines joined by line feeds. Raises Lost."""
        if not self._replies and self._lost is None:
            await self._wait(seconds)
        if self._replies:
            return self._replies.popleft()
        raise self._lost or Lost("the connection was lost")

    async def taken(self, seconds: float) -> None:
        """Until the kernel has taken all that was written. Raises Lost."""
        while self.blocked and self._lost is None:
            await self._wait(seconds)
        if self._lost is not None:
            raise self._lost

    def close(self) -> None:
        self._end(Lost("the connection was closed"))

    async def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._end, Lost("no reply in time", late=True))
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, why: Lost) -> None:
        if self._lost is None:
            self._lost = why
            self._transport.abort()
            self._wake()

    # what the transport calls

    def data_received(self, data: bytes) -> None:
        if self._lost is not None:
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            # behind a broken reply nobody knows which command a sound one answers
            if self._lost is None:
                self._line(line.rstrip(b"\r"))
        if len(self._buffer) + sum(map(len, self._lines)) > MAX_REPLY:
            self._end(Lost("broken reply: it has no end"))

    def _line(self, line: bytes) -> None:
        found = _LINE.fullmatch(line)
        if found is None or (self._lines and self._lines[0][:3] != line[:3]):
            self._end(Lost(f"broken reply: {line[:100].decode('ascii', 'replace')}"))
            return
        self._lines.append(line)
        if found[2] == b"-":
            return
        text = b"\n".join(one[4:].strip() for one in self._lines).decode("utf-8", "surrogateescape")
        self._lines.clear()
        if not self._expected:
            # such as a 421 when the server shuts down (RFC 5321 §3.8)
            self._end(Lost(f"the server spoke unasked: {line[:100].decode('ascii', 'replace')}"))
            return
        self._expected -= 1
        self._replies.append((int(found[1]), text))
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(Lost("the connection was lost"))

    def pause_writing(self) -> None:
        self.blocked = True

    def resume_writing(self) -> None:
        self.blocked = False
        self._wake()


def take_over(transport: Any) -> Wire:
    """Of a client that has set it up and will not read from it any more."""
    return Wire(transport)
