"""A real DNS server on loopback: what is in `records` exists, all else does not; it can also fall silent or fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from sending import lookups
from sending.lookups import Resolver


@dataclass
class Zone(asyncio.DatagramProtocol):
    """`records`: (name, type) → texts as in a zone file. `asked`: every question, in order."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    failing: bool = False
    port: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        question = query.question[0]
        name, kind = (
            question.name.to_text(omit_final_dot=True).lower(),
            dns.rdatatype.to_text(question.rdtype),
        )
        self.asked.append((name, kind))
        if self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found := self.records.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        elif not any(known == name for known, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), address)  # type: ignore[attr-defined]

    def resolver(self) -> Resolver:
        return lookups.server("127.0.0.1", self.port)

    def text(self, name: str, *values: str) -> None:
        """TXT records, cut as the DNS wants them."""
        self.records[(name, "TXT")] = [
            " ".join(f'"{value[start : start + 255]}"' for start in range(0, len(value), 255))
            for value in values
        ]

    def remove(self, name: str, kind: str = "TXT") -> None:
        self.records.pop((name, kind), None)


@asynccontextmanager
async def serving(records: dict[tuple[str, str], list[str]] | None = None) -> AsyncIterator[Zone]:
    zone = Zone(records or {})
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: zone, local_addr=("127.0.0.1", 0))
    zone.port = transport.get_extra_info("sockname")[1]
    try:
        yield zone
    finally:
        transport.close()
