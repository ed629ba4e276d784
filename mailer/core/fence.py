"""Which addresses on the network a tenant may make us connect to: public ones only (E-54)."""

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

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


def is_open(address: str, networks: Iterable[IPv4Network | IPv6Network] = ()) -> bool:
    """An address as the resolver gives it: public, or in one of `networks`. Written otherwise (0x7f000001,
    127.1) it is not let in."""
    try:
        found = _meant(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if any(found.version == network.version and found in network for network in networks):
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
