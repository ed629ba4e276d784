"""SMTP servers for tests: one whose every reply is scripted, over loopback TCP.

async with Sink() as sink:                      takes everything; sink.mails, sink.to("ana@example.test")
async with Sink(rcpt={"full@…": "452 …"}) …     replies by recipient
async with Sink(end=lambda mail: …) …           replies to the final dot; DIE closes without one
"""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage

DIE = "DIE"
"""In place of a reply: the connection is closed without one."""
OK = "250 2.0.0 Ok"
Answer = str | Callable[["Received"], str | Awaitable[str]]


@dataclass(slots=True)
class Received:
    """One transaction. `raw` is the message as it came, dots unstuffed."""

    mail_from: str
    recipient: str
    parameters: str = ""
    raw: bytes = b""

    @property
    def message(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found


@dataclass
class Sink:
    """Counts connections and transactions; `accepted` holds what was answered with 2xx, in order.

    `slices`: a reply leaves in pieces of so many octets. `most_allowed` connections are let in at once.
    """

    extensions: tuple[str, ...] = ("8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
    greeting: str = "220 sink.test ESMTP"
    mail: Answer = OK
    rcpt: Mapping[str, str] = field(default_factory=dict)
    data: Answer = "354 go on"
    end: Answer = OK
    delay: float = 0.0
    slices: int = 0
    most_allowed: int = 10_000
    accepted: list[Received] = field(default_factory=list)
    seen: list[Received] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        return [mail.recipient for mail in self.accepted]

    def to(self, recipient: str) -> list[Received]:
        return [mail for mail in self.accepted if mail.recipient == recipient]

    async def __aenter__(self) -> "Sink":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**22)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """As if the server died: listener and connections are gone."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        self.open_now += 1
        if self.open_now > self.most_allowed:
            writer.write(b"421 4.7.0 too many connections\r\n")
            self.open_now -= 1
            writer.close()
            return
        self.most_open = max(self.most_open, self.open_now)
        try:
            await _Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_now -= 1
            self._writers.discard(writer)
            with contextlib.suppress(Exception):
                writer.close()


@dataclass
class _Session:
    sink: Sink
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    mail: Received = field(default_factory=lambda: Received("", ""))
    taken: bool = False

    async def say(self, reply: str) -> None:
        if reply == DIE:
            raise ConnectionResetError
        data = reply.encode() + b"\r\n"
        step = self.sink.slices or len(data)
        for start in range(0, len(data), step):
            self.writer.write(data[start : start + step])
            await self.writer.drain()
            if self.sink.slices:
                await asyncio.sleep(0.0005)
        if reply.startswith("421"):
            raise ConnectionResetError

    async def run(self) -> None:
        sink = self.sink
        await self.say(sink.greeting)
        while line := await self.reader.readline():
            text = line.decode().rstrip("\r\n")
            sink.commands.append(text)
            verb, _, rest = text.partition(" ")
            match verb.upper():
                case "EHLO":
                    names = ("sink.test", *sink.extensions)
                    lines = [f"250-{name}" for name in names[:-1]] + [f"250 {names[-1]}"]
                    await self.say("\r\n".join(lines))
                case "HELO" | "RSET" | "NOOP":
                    await self.say("250 Ok")
                case "MAIL":
                    address, _, parameters = rest.partition(">")
                    self.mail = Received(address.removeprefix("FROM:<"), "", parameters.strip())
                    await self.say(await self._answer(sink.mail))
                case "RCPT":
                    self.mail.recipient = rest.removeprefix("TO:<").partition(">")[0]
                    reply = sink.rcpt.get(self.mail.recipient, OK)
                    self.taken = reply.startswith("25")
                    await self.say(reply)
                case "DATA":
                    reply = await self._answer(sink.data)
                    await self.say(reply)
                    if reply.startswith("354"):
                        await self._body()
                case "QUIT":
                    await self.say("221 bye")
                    return
                case _:
                    await self.say("502 5.5.1 unknown")

    async def _body(self) -> None:
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionResetError
            lines.append(line.removeprefix(b"."))
        if not self.taken:
            # RFC 2920 §3.1: nobody was taken, and the client ends what it had begun
            assert not lines
            await self.say("554 5.5.1 no valid recipients")
            return
        self.mail.raw = b"".join(lines)
        self.sink.seen.append(self.mail)
        if self.sink.delay:
            await asyncio.sleep(self.sink.delay)
        reply = await self._answer(self.sink.end)
        if reply.startswith("2"):
            self.sink.accepted.append(self.mail)
        await self.say(reply)

    async def _answer(self, answer: Answer) -> str:
        if isinstance(answer, str):
            return answer
        made = answer(self.mail)
        return made if isinstance(made, str) else await made
