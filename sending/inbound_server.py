"""`mailer inbound`: the SMTP listener for what comes back. Imports aiosmtpd, as the local inbox does.

It takes mail for our own addresses and nothing else, stores it, and only then says 250. It sends nothing, not
even a bounce: whatever is refused is refused while its sender listens.
"""

import asyncio
import ipaddress
import logging
import signal
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from mailer.core import clock, metrics
from mailer.core.db import is_away
from mailer.core.errors import NotFound, TooMany, Unavailable
from mailer.core.rate import Limit, Rates
from mailer.core.services import Services, open_services
from mailer.core.settings import Settings, is_loopback
from sending import inbound
from sending.inbound import Arrived, Full, Place

log = structlog.get_logger()
MAX_MESSAGE = 20_000_000
MAX_LINE = 65_536
"""Longer lines are read in pieces; RFC 5321 §4.5.3.1.6 allows 1,000, and some reports quote longer ones."""
MOST_RECIPIENTS = 100  # RFC 5321 §4.5.3.1.8: at least
MOST_CONNECTIONS, MOST_OF_ONE = 100, 20
MOST_HOPS = 50
# a command, and a whole DATA, has to end in this time: a client that drips is cut off
PATIENCE_SECONDS = 120.0
# one mail answers with a handful; who has a return path of ours shall not fill the disk by it
OF_ONE_ADDRESS = Limit("return-path", 30, 3_600)
# to postmaster and abuse anybody may write; a provider's feedback loop sends some hundred from one network
OF_ONE_NETWORK = Limit("inbound-network", 1_000, 3_600)
COMMANDS = {"MAIL": 1000, "RCPT": 2000, "DATA": 1000, "RSET": 1000, "*": 30}
NOT_OURS = "550 5.1.1 No such address here"
AWAY = "451 4.3.0 Try again later"
# what aiosmtpd writes holds commands, and commands hold addresses (B-61)
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


@dataclass(slots=True)
class Door:
    """How many are inside. Behind a proxy everybody has its address, so loopback counts as many."""

    inside: int = 0
    by_peer: Counter[str] = field(default_factory=Counter)

    def enter(self, peer: str) -> bool:
        if self.inside >= MOST_CONNECTIONS:
            return False
        if self.by_peer[peer] >= MOST_OF_ONE and not is_loopback(peer):
            return False
        self.inside += 1
        self.by_peer[peer] += 1
        return True

    def leave(self, peer: str) -> None:
        self.inside -= 1
        self.by_peer[peer] -= 1
        if self.by_peer[peer] <= 0:
            del self.by_peer[peer]


class _Handler:
    """aiosmtpd calls these by name."""

    def __init__(self, services: Services, rates: Rates) -> None:
        self._services, self._rates = services, rates

    async def handle_RCPT(self, *call: Any) -> str:
        """(server, session, envelope, address, options)"""
        envelope: Envelope = call[2]
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        try:
            self._place(str(call[3]))
        except NotFound:
            metrics.INBOUND.labels("refused").inc()
            return NOT_OURS
        envelope.rcpt_tos.append(str(call[3]))
        return "250 2.1.5 Ok"

    def _place(self, address: str) -> Place:
        domain = self._services.settings.mail_domain
        return inbound.place(self._services.tokens, domain, address, now=clock.now())

    async def handle_VRFY(self, *_: Any) -> str:
        # RFC 5321 §3.5.3: nobody learns here which addresses there are
        return "252 2.1.5 Send a mail and see"

    async def handle_DATA(self, connection: "_Session", _: Session, envelope: Envelope) -> str:
        raw = envelope.content
        assert isinstance(raw, bytes)
        if _hops(raw) > MOST_HOPS:
            return "554 5.4.6 This mail goes round in circles"
        mail_from = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        try:
            places = [self._place(address) for address in dict.fromkeys(envelope.rcpt_tos)]
            for place in places:
                if place.token is not None:
                    await self._rates.take(OF_ONE_ADDRESS, place.address.lower())
            if any(place.token is None for place in places):
                await self._rates.take(OF_ONE_NETWORK, network(connection.peer or ""))
            arrived = Arrived(mail_from, places, raw, connection.octets)
            kept = await inbound.store(self._services.db, self._services.sealer, arrived)
        except NotFound:
            return NOT_OURS
        except TooMany:
            metrics.INBOUND.labels("put off").inc()
            return "450 4.2.1 Too many mails, try again later"
        except Full:
            metrics.INBOUND.labels("put off").inc()
            return "452 4.3.1 No room here for now"
        except Exception as error:
            away = isinstance(error, Unavailable) or is_away(error)
            log.warning("mail not taken", error=type(error).__name__)
            if not away:
                log.exception("mail not taken")
            metrics.INBOUND.labels("put off").inc()
            return AWAY
        metrics.INBOUND.labels("taken").inc()
        return "250 2.0.0 Kept" if kept else NOT_OURS

    async def handle_exception(self, error: Exception) -> str:
        log.error("smtp session failed", error=type(error).__name__)
        return AWAY


def network(peer: str) -> str:
    """Whom one limit is for: a /24 of IPv4, a /48 of IPv6."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


def _hops(raw: bytes) -> int:
    """Received lines of the head (RFC 5321 §6.3)."""
    head = raw.partition(b"\r\n\r\n")[0]
    return sum(line[:9].lower() == b"received:" for line in head.split(b"\r\n"))


class _Session(SMTP):
    """One connection: bounded in number, commands, octets and time."""

    line_length_limit = MAX_LINE

    def __init__(self, handler: _Handler, domain: str, door: Door, tls: ssl.SSLContext | None) -> None:
        super().__init__(
            handler,
            hostname=domain,
            ident="ESMTP",
            data_size_limit=MAX_MESSAGE,
            enable_SMTPUTF8=True,
            tls_context=tls,
            timeout=PATIENCE_SECONDS,
            command_call_limit=COMMANDS,
            # nobody signs in here: a password that is sent is sent to the wrong place
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )
        self._door = door
        self.peer: str | None = None
        self.octets = 0  # of the mail that came last

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.peer is None:
            name = transport.get_extra_info("peername")
            peer = str(name[0]) if name else ""
            if not self._door.enter(peer):
                assert isinstance(transport, asyncio.Transport)
                transport.write(b"421 4.7.0 Too many connections, try again later\r\n")
                transport.close()
                return
            self.peer = peer
        # again after STARTTLS, on the same connection
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.peer is None:
            return
        if self.transport is not None:
            self._door.leave(self.peer)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str | None) -> None:
        """As the parent's, but for memory: a line without an end is not gathered, and a long mail is cut."""
        assert self.envelope is not None
        if await self.check_helo_needed():
            return
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        kept, self.octets = await self._body()
        if self.octets > MAX_MESSAGE:
            status = "552 5.3.4 Message too big"
        else:
            self.envelope.content = bytes(kept)
            status = await self.event_handler.handle_DATA(self, self.session, self.envelope)
        self.envelope = self._create_envelope()
        await self.push(status)

    async def _body(self) -> tuple[bytearray, int]:
        """The beginning of a mail, dots unstuffed, and its size. Only CRLF ends a line (RFC 5321 §2.3.8)."""
        kept, size, begins = bytearray(), 0, True
        while True:
            try:
                piece = await self._reader.readuntil(b"\r\n")
                ends = True
            except asyncio.LimitOverrunError as error:
                # the last octet may be half of a line's end
                piece = await self._reader.readexactly(max(1, error.consumed - 1))
                ends = False
            if begins and piece == b".\r\n":
                return kept, size
            if begins and piece.startswith(b"."):
                piece = piece[1:]
            size += len(piece)
            if len(kept) < inbound.KEPT_OCTETS:
                kept += piece
            begins = ends


@dataclass(slots=True)
class Certificate:
    """Files of the operator. Read again when they change: certificates are renewed while we run."""

    chain: Path
    key: Path
    _read_at: tuple[float, float] = (0.0, 0.0)
    _context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext | None:
        """The newest that can be read; None while there has been none."""
        try:
            stamps = (self.chain.stat().st_mtime, self.key.stat().st_mtime)
            if stamps != self._read_at:
                made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                made.minimum_version = ssl.TLSVersion.TLSv1_2
                made.load_cert_chain(self.chain, self.key)
                self._context, self._read_at = made, stamps
        except (OSError, ssl.SSLError) as error:
            log.warning("certificate not read", error=type(error).__name__)
        return self._context


def certificate(settings: Settings) -> Certificate | None:
    operator = settings.operator
    if operator.inbound_certificate is None or operator.inbound_key is None:
        return None
    return Certificate(operator.inbound_certificate, operator.inbound_key)


@asynccontextmanager
async def listening(services: Services) -> AsyncIterator[int]:
    """The listener on settings.inbound_listen; gives the port. Raises OSError when it is taken."""
    host, _, port = services.settings.inbound_listen.rpartition(":")
    door, tls = Door(), certificate(services.settings)
    rates = Rates(services.settings.redis_url)
    handler = _Handler(services, rates)
    domain = services.settings.mail_domain
    server = await asyncio.get_running_loop().create_server(
        lambda: _Session(handler, domain, door, tls.context() if tls else None),
        host.strip("[]") or None,
        int(port),
        reuse_port=True,
    )
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await rates.close()


async def serve_inbound(settings: Settings) -> int:
    """Until SIGTERM or SIGINT; mails on their way in get some seconds. 1 when there is nowhere to listen."""
    if not settings.inbound_listen:
        log.error("nothing listens for mail: MAILER_INBOUND_LISTEN is not set")
        return 1
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_services(settings, pool_size=8) as services:
        try:
            async with listening(services):
                await stop.wait()
        except OSError as error:
            log.error("no listener", listen=settings.inbound_listen, error=error.strerror or "")
            return 1
    return 0
