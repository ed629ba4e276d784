"""Connections to SMTP servers: a pool a process and server. The only import of aiosmtplib.

idle or new connection → hand-over of as many mails as it may carry → idle again, or QUIT
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

import aiosmtplib
from aiosmtplib import errors

from sending import fence
from sending.handover import ANY, LATE, Mail, Order, Reply, Run, Session, Terms, Timeouts
from sending.smtp_url import MAX_CONNECTIONS, Server, Tls
from sending.wire import take_over

__all__ = [
    "ANY",
    "MAX_CONNECTIONS",
    "Client",
    "Mail",
    "Pool",
    "Reply",
    "Terms",
    "Timeouts",
    "close_pools",
    "pool",
]
IDLE_SECONDS = 25.0
UNOPENED = Reply("connect", 0, "no connection")
Client = aiosmtplib.SMTP
FAILURES = (errors.SMTPException, OSError, ValueError)


class _Unopened(Exception):
    """No connection could be had; `reply` says why, at stage "connect"."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.reply = Reply("connect", code, text)


def _words(error: BaseException) -> str:
    match error:
        case errors.SMTPTimeoutError() | TimeoutError():
            return LATE
        case errors.SMTPServerDisconnected() | ConnectionError():
            return "the connection was lost"
        case _:
            return " ".join(str(error).split())[:200] or type(error).__name__


@dataclass(slots=True, weakref_slot=True)
class Pool:
    """Connections of this process to one server. Nothing is opened before it is needed."""

    server: Server
    hostname: str
    timeouts: Timeouts = field(default_factory=Timeouts)
    size: int = MAX_CONNECTIONS
    _idle: list[Session] = field(default_factory=list, init=False)
    _context: ssl.SSLContext | None = field(default=None, init=False, repr=False)
    _places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.size)

    async def hand_over(self, mail: Mail) -> Reply:
        """One mail, once. Never raises for what the network or the server does."""
        [reply] = await self.hand_over_all([mail])
        return reply or UNOPENED

    async def hand_over_all(self, mails: Sequence[Mail], terms: Terms = ANY) -> list[Reply | None]:
        """Each mail once, over the connections there are; the replies in the order of the mails.

        None for those that were not begun because `terms.heard` said to stop.
        """
        orders = [Order(mail) for mail in mails]
        at_once = min(self.size, terms.at_once or self.size)
        run = Run(deque(orders), min(at_once, len(orders)), terms)
        # a mail that went back when its connection broke may find all the others gone
        while run.waiting:
            refusals = await _all(self._runner(run) for _ in range(min(at_once, len(run.waiting))))
            refused = next((one for one in refusals if one is not None), None)
            if refused is not None:
                while run.waiting:
                    run.waiting.popleft().reply = refused
        return [None if order.held else order.reply or UNOPENED for order in orders]

    async def _runner(self, run: Run) -> Reply | None:
        """One connection at a time, until no order waits; the reply of a server that lets none in."""
        async with self._places:
            while run.waiting:
                try:
                    connection = self._kept() or await self._connect()
                except _Unopened as refused:
                    return refused.reply
                try:
                    works = await connection.carry(run)
                finally:
                    await self._put_back(connection, run.terms)
                if not works:
                    # no more is risked on this server by us; other connections tell whether it works
                    return Reply("connect", 0, "the connection was lost")
        return None

    async def close(self) -> None:
        """Says QUIT on what is idle."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.quit() for connection in idle))

    def _kept(self) -> Session | None:
        while self._idle:
            found = self._idle.pop()
            if found.wire.usable and time.monotonic() - found.used_at < IDLE_SECONDS:
                return found
            found.wire.close()
        return None

    async def _put_back(self, connection: Session, terms: Terms) -> None:
        if not connection.wire.usable:
            return
        if connection.spent(terms):
            await connection.quit()
            return
        self._idle.append(connection)
        asyncio.get_running_loop().call_later(IDLE_SECONDS + 1, self._close_old)

    def _close_old(self) -> None:
        old = [one for one in self._idle if time.monotonic() - one.used_at >= IDLE_SECONDS]
        self._idle = [one for one in self._idle if one not in old]
        for connection in old:
            connection.wire.close()

    async def _connect(self) -> Session:
        """Raises _Unopened."""
        try:
            if self._context is None and self.server.tls != "none":
                # reading the machine's certificates takes longer than many a mail: once a pool
                self._context = await asyncio.to_thread(tls_context, self.server.tls)
            client = await new_client(self.server, self.hostname, self.timeouts.banner, self._context)
        except OSError as error:
            raise _Unopened(*refusal(error)) from error
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
        except FAILURES as error:
            client.close()
            raise _Unopened(*refusal(error)) from error
        except BaseException:
            client.close()
            raise
        offered = client.esmtp_extensions
        limit = offered.get("size", "").strip()
        wire = take_over(client.transport)
        size = int(limit) if limit.isdigit() else 0
        return Session(wire, frozenset(offered), size, self.timeouts, self.server.messages_each)


def refusal(error: BaseException) -> tuple[int, str]:
    """One of FAILURES → the server's code and words; code 0 and ours when it gave none."""
    if isinstance(error, errors.SMTPResponseException):
        return error.code, error.message
    # what the library says of a failed connection names the place again, not always rightly
    cause = error.__cause__ if isinstance(error, errors.SMTPConnectError) else None
    return 0, " ".join(str(cause or error).split())[:300] or _words(cause or error)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or later (D-18); opportunistic: whoever answers (RFC 7435 §3)."""
    made = ssl.create_default_context()
    if tls == "opportunistic":
        # without TLS the mail would go in the clear
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


async def new_client(
    server: Server, hostname: str, seconds: float, context: ssl.SSLContext | None = None
) -> Client:
    """A client that has said nothing yet. Of an account's server it has a connection already, to the address
    that was looked at (E-54). Raises OSError, and TimeoutError, which is one."""
    opened = None
    if server.fence is not None:
        opened = await fence.connect(server.host, server.port, server.fence)
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port if opened is None else None,
        sock=opened,
        username=server.username or None,
        password=server.password if server.username else None,
        local_hostname=hostname,
        timeout=seconds,
        use_tls=server.tls == "implicit",
        start_tls={"starttls": True, "opportunistic": None}.get(server.tls, False),
        tls_context=context or (tls_context(server.tls) if server.tls != "none" else None),
    )


async def _all(runners: Iterable[Coroutine[Any, Any, Reply | None]]) -> list[Reply | None]:
    """Their results; when this one is cancelled, so are they."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(runner) for runner in runners]
    return [task.result() for task in tasks]


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except errors.SMTPHeloError:
        await client.helo()


# kept by who uses them, and by the timers of their idle connections: a pool without either is forgotten
_pools: WeakValueDictionary[tuple[asyncio.AbstractEventLoop, Server, str], Pool] = WeakValueDictionary()


def pool(server: Server, hostname: str, *, stream: str = "", size: int = 0) -> Pool:
    """This process's pool for a server. Another `stream` has connections of its own (D-82)."""
    key = (asyncio.get_running_loop(), server, stream)
    found = _pools.get(key)
    if found is None:
        found = _pools[key] = Pool(server, hostname, size=size or server.connections)
    return found


async def close_pools() -> None:
    """Ends what this loop keeps open."""
    loop = asyncio.get_running_loop()
    for found in [found for key, found in _pools.items() if key[0] is loop]:
        await found.close()
