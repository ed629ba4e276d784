"""Hand-over to an SMTP server: a pool of connections a process and server. The only import of aiosmtplib.

    idle or new connection → MAIL → RCPT → DATA → body → final dot → reply

What counts is where it ended: without a reply before the final dot nothing was accepted and the mail may go
again; without one after it nobody knows, and the delivery is in doubt (D-22). The body is written first and
its last line only when the kernel has taken the rest, so that a connection lost on the way is no doubt.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiosmtplib
from aiosmtplib import errors
from aiosmtplib.protocol import PERIOD_REGEX

from sending.replies import Stage
from sending.smtp_url import Server

MAX_CONNECTIONS = 8
MESSAGES_EACH = 100  # D-70: what a large provider allows a connection
IDLE_SECONDS = 25.0
_ASCII = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, at least those of RFC 5321 §4.5.3.2 (D-12)."""

    banner: float = 300
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    block: float = 180
    end: float = 600


@dataclass(frozen=True, slots=True)
class Mail:
    """One message for one recipient; `message` has CRLF line ends throughout."""

    sender: str
    recipient: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """Where a hand-over ended. `code` 0: no reply came; at stage "end" that is the doubt."""

    stage: Stage
    code: int
    text: str

    @property
    def in_doubt(self) -> bool:
        return self.stage == "end" and self.code == 0

    @property
    def unreached(self) -> bool:
        """No reply, and nothing can have been accepted."""
        return self.code == 0 and self.stage != "end"


class _Stopped(Exception):
    """The transaction ended here."""

    def __init__(self, stage: Stage, code: int, text: str) -> None:
        super().__init__(stage)
        self.reply = Reply(stage, code, text)


_LOST = (errors.SMTPServerDisconnected, errors.SMTPTimeoutError, OSError, TimeoutError)


@dataclass(slots=True)
class _Connection:
    client: aiosmtplib.SMTP
    sent: int = 0
    used_at: float = 0.0

    async def command(self, stage: Stage, *words: bytes, timeout: float) -> tuple[int, str]:
        """Raises _Stopped when no reply comes or it is not one that goes on."""
        try:
            code, text = await self.client.execute_command(*words, timeout=timeout)
        except errors.SMTPResponseException as error:
            # a reply that is none (D-14): the connection cannot be trusted any more
            self.client.close()
            raise _Stopped(stage, 0, f"broken reply: {error.message}") from error
        except _LOST as error:
            self.client.close()
            raise _Stopped(stage, 0, _words(error)) from error
        if code == 421:  # RFC 5321 §3.8: it is closing, at any time
            self.client.close()
        return code, text

    async def hand_over(self, mail: Mail, timeouts: Timeouts) -> Reply:
        """Raises nothing of SMTP's: every end is a Reply."""
        try:
            await self._envelope(mail, timeouts)
            return await self._body(mail.message, timeouts)
        except _Stopped as stopped:
            if stopped.reply.code and self.client.is_connected:
                with contextlib.suppress(_Stopped):
                    await self.command(stopped.reply.stage, b"RSET", timeout=timeouts.mail)
            return stopped.reply
        finally:
            self.sent += 1
            self.used_at = time.monotonic()

    async def _envelope(self, mail: Mail, timeouts: Timeouts) -> None:
        plain = _ASCII.fullmatch(mail.recipient) is not None
        extensions = self.client.esmtp_extensions
        options = []
        if "size" in extensions:
            limit = extensions["size"].strip()
            if limit.isdigit() and 0 < int(limit) < len(mail.message):
                raise _Stopped(
                    "mail", 552, f"5.3.4 the message has {len(mail.message)} octets, {limit} are taken"
                )
            options.append(b"SIZE=%d" % len(mail.message))
        if not plain:
            if "smtputf8" not in extensions:  # D-08, RFC 6531 §3.5
                raise _Stopped("rcpt", 553, "5.6.7 the server takes no address beyond ASCII")
            options += [b"SMTPUTF8", b"BODY=8BITMIME"]
        code, text = await self.command(
            "mail", b"MAIL", b"FROM:<%s>" % mail.sender.encode(), *options, timeout=timeouts.mail
        )
        if code != 250:
            raise _Stopped("mail", code, text)
        code, text = await self.command(
            "rcpt", b"RCPT", b"TO:<%s>" % mail.recipient.encode(), timeout=timeouts.rcpt
        )
        if code not in (250, 251):
            raise _Stopped("rcpt", code, text)

    async def _body(self, message: bytes, timeouts: Timeouts) -> Reply:
        code, text = await self.command("data", b"DATA", timeout=timeouts.data)
        if code != 354:
            raise _Stopped("data", code, text)
        protocol = self.client.protocol
        body = PERIOD_REGEX.sub(b"..", message)
        try:
            if protocol is None:
                raise errors.SMTPServerDisconnected("Connection lost")
            protocol.write(body)
            await _taken(self.client, timeouts.block)
            protocol.write(b".\r\n")
        except (*_LOST, RuntimeError) as error:
            self.client.close()
            raise _Stopped("data", 0, _words(error)) from error
        try:
            code, text = await protocol.read_response(timeout=timeouts.end)
        except (*_LOST, errors.SMTPResponseException) as error:
            self.client.close()
            return Reply("end", 0, _words(error))
        except asyncio.CancelledError:
            self.client.close()
            raise
        if code == 421:
            self.client.close()
        return Reply("end", code, text)

    async def quit(self) -> None:
        with contextlib.suppress(errors.SMTPException, OSError, TimeoutError):
            await self.client.quit(timeout=2)
        self.client.close()


async def _taken(client: aiosmtplib.SMTP, seconds: float) -> None:
    """Waits until the kernel has taken all that was written."""
    transport: Any = client.transport
    if transport is None or not transport.get_write_buffer_size():
        return
    async with asyncio.timeout(seconds):
        while transport.get_write_buffer_size():
            if transport.is_closing():
                raise errors.SMTPServerDisconnected("Connection lost")
            await asyncio.sleep(0.005)


def _words(error: BaseException) -> str:
    match error:
        case errors.SMTPTimeoutError() | TimeoutError():
            return "no reply in time"
        case errors.SMTPServerDisconnected() | ConnectionError():
            return "the connection was lost"
        case _:
            return " ".join(str(error).split())[:200] or type(error).__name__


@dataclass(slots=True)
class Pool:
    """Connections of this process to one server. Nothing is opened before it is needed."""

    server: Server
    hostname: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    size: int = MAX_CONNECTIONS
    _idle: list[_Connection] = field(default_factory=list, init=False)
    _places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.size)

    async def hand_over(self, mail: Mail) -> Reply:
        """One mail, once. Never raises for what the network or the server does."""
        async with self._places:
            while (kept := self._kept()) is not None:
                async with self._returned(kept):
                    reply = await kept.hand_over(mail, self.timeouts)
                # a server may have closed an idle connection meanwhile: nothing was accepted, take another
                if not (reply.unreached and reply.stage == "mail"):
                    return reply
            try:
                fresh = await self._connect()
            except _Stopped as stopped:
                return stopped.reply
            async with self._returned(fresh):
                return await fresh.hand_over(mail, self.timeouts)

    async def close(self) -> None:
        """Says QUIT on what is idle."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.quit() for connection in idle))

    def _kept(self) -> _Connection | None:
        while self._idle:
            found = self._idle.pop()
            if found.client.is_connected and time.monotonic() - found.used_at < IDLE_SECONDS:
                return found
            found.client.close()
        return None

    @asynccontextmanager
    async def _returned(self, connection: _Connection) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            connection.client.close()
            raise
        if connection.client.is_connected:
            if connection.sent >= MESSAGES_EACH:
                await connection.quit()
            else:
                self._idle.append(connection)
                asyncio.get_running_loop().call_later(IDLE_SECONDS + 1, self._close_old)

    def _close_old(self) -> None:
        old = [one for one in self._idle if time.monotonic() - one.used_at >= IDLE_SECONDS]
        self._idle = [one for one in self._idle if one not in old]
        for connection in old:
            connection.client.close()

    async def _connect(self) -> _Connection:
        """Raises _Stopped at stage "connect"."""
        server = self.server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username or None,
            password=server.password if server.username else None,
            local_hostname=self.hostname,
            timeout=self.timeouts.banner,
            use_tls=server.tls == "implicit",
            start_tls={"starttls": True, "opportunistic": None}.get(server.tls, False),
            # taken when offered, whoever answers: without it the mail would go in the clear (RFC 7435 §3)
            validate_certs=server.tls != "opportunistic",
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
        except errors.SMTPResponseException as error:
            client.close()
            raise _Stopped("connect", error.code, error.message) from error
        except (errors.SMTPException, OSError, TimeoutError, ValueError) as error:
            client.close()
            raise _Stopped("connect", 0, _words(error)) from error
        return _Connection(client)


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except errors.SMTPHeloError:
        await client.helo()


_pools: dict[tuple[asyncio.AbstractEventLoop, Server, str], Pool] = {}


def pool(server: Server, hostname: str, *, stream: str = "", size: int = MAX_CONNECTIONS) -> Pool:
    """This process's pool for a server. Another `stream` has connections of its own (D-82)."""
    key = (asyncio.get_running_loop(), server, stream)
    found = _pools.get(key)
    if found is None:
        found = _pools[key] = Pool(server, hostname, size=size)
    return found


async def close_pools() -> None:
    """Ends what this loop keeps open."""
    loop = asyncio.get_running_loop()
    for key in [key for key in _pools if key[0] is loop]:
        await _pools.pop(key).close()
