"""Which machines an account's own SMTP server may be: none of the operator's private network (E-54).

    name → addresses, once → each is looked at → a connection to one of these; TLS still checks the name

An installation that is this machine only (S18) has no fence. Elsewhere the operator may let single networks
in: `smtp_networks` in the operator file.
"""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from mailer.core.settings import Settings

PORTS = (25, 465, 587, 2525)
CONNECT_SECONDS = 30.0
# a name with more addresses than this is not tried to the end
MOST_ADDRESSES = 4
# RFC 6052 §2.1: stands for the IPv4 address in its last four octets
_NAT64 = IPv6Network("64:ff9b::/96")
# these too lead to an IPv4 address, or to a site's own network, by ways that nobody needs here: ::a.b.c.d,
# RFC 8215, 6to4 (RFC 7526: gone), Teredo, site-local (RFC 3879: gone)
_DETOURS = tuple(
    IPv6Network(network)
    for network in ("::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10")
)  # fmt: skip


class OutOfBounds(OSError):
    """The fence keeps this server out."""


@dataclass(frozen=True, slots=True)
class Fence:
    """`down`: everything is let in. `ports`: those of SMTP when empty."""

    down: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    ports: tuple[int, ...] = ()

    def lets_port(self, port: int) -> bool:
        return self.down or port in (self.ports or PORTS)

    def lets(self, address: str) -> bool:
        """An address as the resolver gives it. Written otherwise (0x7f000001, 127.1) it is not let in."""
        if self.down:
            return True
        try:
            found = _meant(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return False
        if any(found.version == network.version and found in network for network in self.networks):
            return True
        return found.is_global and not found.is_multicast


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, else itself. Raises ValueError for a detour."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    # ::1 and :: are known for what they are
    if int(address) > 1 and any(address in network for network in _DETOURS):
        raise ValueError
    return address


def of(settings: Settings, ports: tuple[int, ...] = ()) -> Fence:
    return Fence(down=settings.local, networks=settings.operator.smtp_networks, ports=ports)


async def resolve(host: str, port: int, fence: Fence) -> list[tuple[int, Any]]:
    """Families and addresses of a server. Raises OutOfBounds when one of them is not let in, OSError (of the
    resolver) when there are none."""
    if not fence.lets_port(port):
        raise OutOfBounds(f"port {port} is not one of {', '.join(map(str, fence.ports or PORTS))}")
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_SECONDS):
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise OSError("this is no name of a machine") from None
    # a name with one public and one private address is a trick, or a mistake
    if not all(fence.lets(str(address[0])) for *_, address in found):
        raise OutOfBounds("its address belongs to a private network")
    return [(int(family), address) for family, _, _, _, address in found][:MOST_ADDRESSES]


async def connect(host: str, port: int, fence: Fence) -> socket.socket:
    """An open connection to an address that was looked at: the name is not asked a second time, since it may
    lead elsewhere by then. Raises OSError (OutOfBounds) and TimeoutError."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError("it has no address")
    for family, address in await resolve(host, port, fence):
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.sock_connect(opened, address)
        except OSError as error:  # TimeoutError is one
            opened.close()
            failure = error
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise failure
