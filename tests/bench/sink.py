"""A fast SMTP server that counts mail and throws it away: python -m tests.bench.sink DELAY LOSE

    standard input   "reset", "report" or "sample", a word a line; when it ends, so does the process
    standard output  the port, then a JSON object for each word

DELAY: seconds by which each reply to a final dot is held back. LOSE: of so many mails one is accepted and
forgotten (0: none), by which a test knows that a loss is noticed.
"""

import asyncio
import base64
import hashlib
import re
import resource
import sys
from dataclasses import dataclass, field
from typing import cast

import orjson
import uvloop

EXTENSIONS = (b"sink.test", b"PIPELINING", b"SIZE 52428800", b"8BITMIME", b"SMTPUTF8")
EHLO = b"".join(b"250-%s\r\n" % line for line in EXTENSIONS) + b"250 ENHANCEDSTATUSCODES\r\n"
OK = b"250 2.0.0 Ok\r\n"
END = b"\r\n.\r\n"
SIZE = re.compile(rb" SIZE=(\d{1,9})", re.IGNORECASE)


def used() -> float:
    """Seconds of processor time of this process."""
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime


def digest(recipients: list[bytes]) -> str:
    """The same for the same recipients in any order."""
    return hashlib.sha256(b"\n".join(sorted(recipients))).hexdigest()


@dataclass(slots=True)
class Counts:
    """Since the last reset. Octets as they came, with stuffed dots."""

    mails: int = 0
    octets: int = 0
    signed: int = 0
    most_open: int = 0
    sample: bytes = b""
    recipients: dict[bytes, int] = field(default_factory=dict)
    began: float = field(default_factory=used)

    def add(self, recipient: bytes, message: memoryview) -> None:
        self.mails += 1
        self.octets += len(message)
        self.signed += bytes(message[:15]) == b"DKIM-Signature:"
        self.recipients[recipient] = self.recipients.get(recipient, 0) + 1
        self.sample = self.sample or bytes(message)

    def report(self) -> dict[str, object]:
        return {
            "mails": self.mails,
            "octets": self.octets,
            "signed": self.signed,
            "most_open": self.most_open,
            "doubled": sum(n > 1 for n in self.recipients.values()),
            "digest": digest(list(self.recipients)),
            "cpu": used() - self.began,
        }


@dataclass(slots=True)
class Sink:
    delay: float
    lose: int
    taken: int = 0
    open_now: int = 0
    counts: Counts = field(default_factory=Counts)

    def reset(self) -> None:
        self.counts = Counts(most_open=self.open_now)

    def take(self, recipient: bytes, message: memoryview) -> None:
        self.taken += 1
        if not self.lose or self.taken % self.lose:
            self.counts.add(recipient, message)

    def answer(self, word: str) -> dict[str, object]:
        match word:
            case "reset":
                self.reset()
                return {}
            case "sample":
                return {"sample": base64.b64encode(self.counts.sample).decode()}
            case _:
                return self.counts.report()


class Session(asyncio.Protocol):
    """One connection. While a message is read, the buffer begins with the line end before it."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.buffer = bytearray()
        self.in_message = self.held = False
        self.size = self.searched = 0
        self.recipient = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        sink = self.sink
        sink.open_now += 1
        sink.counts.most_open = max(sink.counts.most_open, sink.open_now)
        self.transport.write(b"220 sink.test ESMTP\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        self.sink.open_now -= 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.held:
            self.read()

    def read(self) -> None:
        """Answers all that is complete, in one write."""
        replies: list[bytes] = []
        at = 0
        while not self.held:
            ended = self.read_message(at, replies) if self.in_message else self.read_command(at, replies)
            if ended < 0:
                break
            at = ended
        del self.buffer[:at]
        if replies:
            self.transport.write(b"".join(replies))
        if b"221 bye\r\n" in replies:
            self.transport.close()

    def read_command(self, at: int, replies: list[bytes]) -> int:
        """Where it ended, or -1."""
        end = self.buffer.find(b"\n", at)
        if end < 0:
            return -1
        line = bytes(self.buffer[at:end])
        match line[:4].upper():
            case b"RCPT":
                self.recipient = line[line.find(b"<") + 1 : line.rfind(b">")]
                replies.append(OK)
            case b"DATA":
                # the end of a message is not looked for where its announced size cannot have it (RFC 1870)
                self.in_message, self.searched = True, self.size
                replies.append(b"354 go on\r\n")
                return end - 1
            case b"EHLO":
                replies.append(EHLO)
            case b"QUIT":
                replies.append(b"221 bye\r\n")
            case b"MAIL":
                announced = SIZE.search(line)
                self.size = int(announced[1]) if announced else 0
                replies.append(OK)
            case b"RSET" | b"NOOP" | b"HELO":
                replies.append(OK)
            case _:
                replies.append(b"502 5.5.1 unknown\r\n")
        return end + 1

    def read_message(self, at: int, replies: list[bytes]) -> int:
        end = self.buffer.find(END, at + self.searched)
        if end < 0:
            # the end may have come in part
            self.searched = max(self.searched, len(self.buffer) - at - len(END) + 1)
            return -1
        self.in_message = False
        with memoryview(self.buffer) as whole, whole[at + 2 : end + 2] as message:
            self.sink.take(self.recipient, message)
        if self.sink.delay:
            self.held = True
            asyncio.get_running_loop().call_later(self.sink.delay, self.go_on)
        else:
            replies.append(OK)
        return end + len(END)

    def go_on(self) -> None:
        self.held = False
        if not self.transport.is_closing():
            self.transport.write(OK)
            self.read()


async def main(delay: float, lose: int) -> None:
    loop = asyncio.get_running_loop()
    sink = Sink(delay, lose)
    server = await loop.create_server(lambda: Session(sink), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    words = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    while word := await words.readline():
        sys.stdout.write(orjson.dumps(sink.answer(word.decode().strip())).decode() + "\n")
        sys.stdout.flush()
    server.close()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]), int(sys.argv[2])))
