"""Which machines an account's own SMTP server may be: none of the operator's private network (E-54).

    name → addresses, once → each is looked at → a connection to one of these; TLS still checks the name

An installation that is this machine only (S18) has no fence. Elsewhere the operator may let single networks
in: `smtp_networks` in the operator file.
"""

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from mailer.core import fence as core_fence
from mailer.core.fence import OutOfBounds
from mailer.core.settings import Settings

PORTS = (25, 465, 587, 2525)
CONNECT_SECONDS = 30.0
# a name with more addresses than this is not tried to the end
MOST_ADDRESSES = 4


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
        return self.down or core_fence.is_open(address, self.networks)


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
