"""HTTP to an address that a tenant chose, behind a wall (E-54). The only place where such requests are made.

    URL → written plainly? → its name asked once → every address public? → that very address connected to,
    looked at again at the socket → TLS for the URL's own name → status and the first of the answer

Nothing is followed, unpacked or kept: no redirect, no gzip, no cookie, no proxy of the environment. All that
the other side can spend is 20 seconds and 16 kB.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import SplitResult, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from mailer import __version__
from mailer.core import fence
from mailer.core.errors import Fault, Invalid
from mailer.core.fence import OutOfBounds
from mailer.core.settings import Settings, is_loopback
from mailer.core.text import N_

PORTS = (443, 80)
SECONDS = 20.0  # E-64: 15 to 30
CONNECT_SECONDS = 10.0
# what comes after a status that is known by then is no reason to wait
ANSWER_SECONDS = 2.0
MOST_BYTES = 16_384
REDIRECTS = 3  # E-54
SHOWN = 500  # characters of the answer
_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
Lookup = Callable[[str, int], Awaitable[list[str]]]


# Threads of their own: a name server that never answers holds up these, and nobody who sends mail.
_LOOKUPS = ThreadPoolExecutor(16, thread_name_prefix="outgoing-names")


async def _system_lookup(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in await loop.run_in_executor(_LOOKUPS, ask)]


@dataclass(frozen=True, slots=True)
class Wall:
    """`local`: plain HTTP, any port and this machine are let in: the installation is this machine only (S18),
    where whoever writes a receiver has it, too.

    The rest is for tests: `networks` and `ports` open a door, `lookup` is the DNS, `trusted` the authority.
    """

    local: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    ports: tuple[int, ...] = PORTS
    lookup: Lookup = field(default=_system_lookup)
    trusted: ssl.SSLContext | None = None

    def lets(self, address: str) -> bool:
        return fence.is_open(address, (*self.networks, *(_LOOPBACK if self.local else ())))


def wall_of(settings: Settings) -> Wall:
    return Wall(local=settings.local)


class Outcome(StrEnum):
    """What became of a request. A closed set that rooms store: see the CHECK of webhook_attempts."""

    ACCEPTED = "accepted"  # 2xx
    REFUSED = "refused"
    REDIRECTED = "redirected"  # 3xx
    GONE = "gone"  # 410
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    NOT_ALLOWED = "not_allowed"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"  # of documents only


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`text`: the first characters of the body, "" for what is packed. `retry_after`: as it was sent."""

    outcome: Outcome
    milliseconds: int
    status: int | None = None
    text: str = ""
    retry_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`url`: where it was found in the end. Status 304 is accepted, with an empty body."""

    outcome: Outcome
    url: str
    status: int | None = None
    body: bytes = b""
    etag: str = ""
    modified: str = ""


def check_url(url: str, wall: Wall) -> None:
    """Raises Invalid at `url` for what no request will be made to, as far as the text alone tells."""
    fault = _fault(url, wall)
    if fault:
        raise Invalid(Fault("url", fault))


def _fault(url: str, wall: Wall) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return N_("This is not a web address.")
    if not url.isascii():
        return N_("Write letters with accents encoded: xn--… before the path, percent signs within it.")
    # urlsplit drops tabs and line ends, where others might not
    if not host or any(one <= " " or one == "\x7f" or one == "\\" for one in url):
        return N_("Write a whole web address without spaces, like https://example.com/hooks.")
    if parts.scheme != "https" and not (wall.local and parts.scheme == "http"):
        return N_("The address has to begin with https://.")
    if parts.username is not None or parts.password is not None:
        return N_("Leave out the name and password: each request carries a signature instead.")
    if "#" in url:
        return N_("Leave out what follows the #: it is never sent.")
    if not wall.local and (port or 443) not in wall.ports:
        return N_("Only the ports 443 and 80 are allowed.")
    return _fault_of_host(parts, host, wall)


def _fault_of_host(parts: SplitResult, host: str, wall: Wall) -> str:
    private = N_("This address belongs to a private network, where nothing is sent.")
    if "[" in parts.netloc or _is_number(host):
        return "" if wall.lets(host) else private
    name = host.rstrip(".")
    if wall.local and is_loopback(name):
        return ""
    if "." not in name or name.endswith((".localhost", ".local", ".internal", ".home.arpa")):
        return private
    return ""


def _is_number(host: str) -> bool:
    """127.0.0.1, and what inet_aton(3) takes for it: 127.1, 0x7f000001, 2130706433, 0177.0.0.1."""
    with contextlib.suppress(OSError, ValueError):
        socket.inet_aton(host)
        return True
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return False


class _Resolver(AbstractResolver):
    """The name is asked once for each connection; what it said is what is connected to (DNS rebinding)."""

    def __init__(self, wall: Wall) -> None:
        self._wall = wall

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._wall.lookup(host, port)
        # a name with one public and one private address is a trick, or a mistake
        if not all(self._wall.lets(address) for address in found):
            raise OutOfBounds("its address belongs to a private network")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in found
        ]

    async def close(self) -> None:
        pass


class Caller:
    """Requests of one turn; connections are kept between them."""

    def __init__(self, session: aiohttp.ClientSession, wall: Wall) -> None:
        self._session, self._wall = session, wall

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Never raises for what the other side does."""
        began = time.monotonic()
        if _fault(url, self._wall):
            return Answer(outcome=Outcome.NOT_ALLOWED, milliseconds=0)
        try:
            async with self._session.post(
                url, data=body, headers=dict(headers), allow_redirects=False
            ) as told:
                return await _answer(told, began)
        except Exception as error:
            return Answer(outcome=_outcome_of(error), milliseconds=_since(began))

    async def get(self, url: str, headers: Mapping[str, str], *, most_bytes: int) -> "Document":
        """Over three redirects at most, each let through the wall. Never raises for the other side."""
        try:
            async with asyncio.timeout(SECONDS):
                for _ in range(REDIRECTS + 1):
                    if _fault(url, self._wall):
                        return Document(outcome=Outcome.NOT_ALLOWED, url=url)
                    async with self._session.get(url, headers=dict(headers), allow_redirects=False) as told:
                        place = told.headers.get("Location", "")
                        if told.status not in (301, 302, 303, 307, 308) or not place:
                            return await _document(told, url, most_bytes)
                    url = urljoin(url, place).partition("#")[0]
        except Exception as error:
            return Document(outcome=_outcome_of(error), url=url)
        return Document(outcome=Outcome.REDIRECTED, url=url)


async def _document(told: aiohttp.ClientResponse, url: str, most_bytes: int) -> "Document":
    body = bytearray()
    if 200 <= told.status < 300:
        if told.headers.get("Content-Encoding", "identity").lower() != "identity":
            told.close()
            return Document(outcome=Outcome.MALFORMED, url=url, status=told.status)
        while more := await told.content.read(MOST_BYTES):
            body += more
            if len(body) > most_bytes:
                told.close()
                return Document(outcome=Outcome.TOO_LARGE, url=url, status=told.status)
    else:
        told.close()
    return Document(
        outcome=Outcome.ACCEPTED if told.status == 304 else _outcome(told.status),
        url=url,
        status=told.status,
        body=bytes(body),
        etag=told.headers.get("ETag", ""),
        modified=told.headers.get("Last-Modified", ""),
    )


async def _answer(told: aiohttp.ClientResponse, began: float) -> Answer:
    waited = _since(began)
    piece, whole = b"", False
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout(ANSWER_SECONDS):
            while len(piece) < MOST_BYTES and not whole:
                more = await told.content.read(MOST_BYTES - len(piece))
                piece, whole = piece + more, not more
    if not whole:
        told.close()
    packed = told.headers.get("Content-Encoding", "identity").lower() != "identity"
    return Answer(
        outcome=_outcome(told.status),
        milliseconds=waited,
        status=told.status,
        text="" if packed else _shown(piece),
        retry_after=told.headers.get("Retry-After", "")[:100],
    )


def _shown(piece: bytes) -> str:
    text = piece[: SHOWN * 4].decode("utf-8", "replace")
    return "".join(one for one in text if one.isprintable() or one in "\n\t")[:SHOWN]


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome.ACCEPTED
    if status == 410:
        return Outcome.GONE
    return Outcome.REDIRECTED if 300 <= status < 400 else Outcome.REFUSED


def _outcome_of(error: Exception) -> Outcome:
    cause = getattr(error, "os_error", None) or error.__cause__ or error
    match error:
        case OutOfBounds() | aiohttp.InvalidURL():
            return Outcome.NOT_ALLOWED
        case _ if isinstance(cause, OutOfBounds):
            return Outcome.NOT_ALLOWED
        case TimeoutError():
            return Outcome.TIMEOUT
        case aiohttp.ClientSSLError():
            return Outcome.TLS
        case OSError() | aiohttp.ClientConnectionError():
            return Outcome.UNREACHABLE
    return Outcome.MALFORMED


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


@asynccontextmanager
async def calling(wall: Wall, *, connections: int) -> AsyncIterator[Caller]:
    """Closed with all its connections at the end."""

    def opened(info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        # the last word, and the only one on a host that is a number: what comes next is connect()
        family, kind, proto, _, address = info
        if not wall.lets(str(address[0])):
            raise OutOfBounds("its address belongs to a private network")
        return socket.socket(family, kind, proto)

    connector = aiohttp.TCPConnector(
        resolver=_Resolver(wall),
        use_dns_cache=False,
        limit=connections,
        socket_factory=opened,
        ssl=wall.trusted or True,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=SECONDS, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS),
        headers={"User-Agent": f"Mailer/{__version__}", "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
        read_bufsize=MOST_BYTES,
    )
    async with session:
        yield Caller(session, wall)
