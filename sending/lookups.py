"""Questions to the DNS, and the difference between “there is nothing” and “nobody answers”.

The doorway of dnspython. Nothing is kept here: who asks wants to know how it is now.
"""

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import dns.reversename

from mailer.core.errors import MailerError

SECONDS = 5.0
Resolver = dns.asyncresolver.Resolver
_NOTHING = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)
# a name that cannot be asked for does not exist
_NO_NAME = (
    dns.name.LabelTooLong,
    dns.name.EmptyLabel,
    dns.name.NameTooLong,
    dns.name.BadEscape,
    UnicodeError,
)
# tests put a resolver of theirs here: nothing of ours asks the real network then
_given: Resolver | None = None


class DnsAway(MailerError):
    """No answer: neither that something is there nor that it is not."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """Every method gives an empty list when there is nothing, and raises DnsAway when nobody answers."""

    resolver: Resolver
    seconds: float = SECONDS

    async def texts(self, name: str) -> list[str]:
        """TXT records, each with its strings joined (RFC 7208 §3.3, RFC 6376 §3.6.2.2)."""
        return [
            b"".join(record.strings).decode("utf-8", "replace") for record in await self._ask(name, "TXT")
        ]

    async def exchanges(self, name: str) -> list[str]:
        """MX hosts, the preferred first; `[""]` is the null MX (RFC 7505)."""
        found = sorted(await self._ask(name, "MX"), key=lambda record: record.preference)
        return [_plain(record.exchange) for record in found]

    async def addresses(self, name: str) -> list[str]:
        """A and AAAA."""
        both = await asyncio.gather(self._ask(name, "A"), self._ask(name, "AAAA"))
        return [record.address for found in both for record in found]

    async def pointers(self, address: str) -> list[str]:
        """PTR names of an IP address."""
        name = dns.reversename.from_address(address).to_text()
        return [_plain(record.target) for record in await self._ask(name, "PTR")]

    async def zone(self, name: str) -> str:
        """Where the DNS of `name` is kept: the nearest name above with an SOA record; itself without one."""
        labels = name.split(".")
        for start in range(len(labels) - 1):
            above = ".".join(labels[start:])
            if await self._ask(above, "SOA"):
                return above
        return name

    async def _ask(self, name: str, kind: str) -> Sequence[Any]:
        try:
            found = await self.resolver.resolve(name, kind, search=False, lifetime=self.seconds)
        except _NOTHING:
            return []
        except _NO_NAME:
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise DnsAway(f"{type(error).__name__} for {kind} of {name}") from error
        return list(found)


def system(seconds: float = SECONDS) -> Lookups:
    """The machine's own resolver, as its configuration is now. Raises DnsAway when there is none."""
    if _given is not None:
        return Lookups(_given, seconds)
    try:
        return Lookups(Resolver(), seconds)
    except (dns.exception.DNSException, OSError) as error:
        raise DnsAway("no resolver is configured") from error


def use(resolver: Resolver | None) -> None:
    """For tests: this process asks that server from now on; None: the machine's again."""
    global _given
    _given = resolver


def server(host: str, port: int) -> Resolver:
    """A resolver that asks one server."""
    made = Resolver(configure=False)
    made.nameservers, made.port = [host], port
    return made


def is_public(address: str) -> bool:
    """An address that the Internet can see."""
    return ipaddress.ip_address(address).is_global


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""
