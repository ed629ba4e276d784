"""Domains in a DNS of our own: publish, look, and see what follows."""

import itertools
import secrets
from dataclasses import dataclass, replace

import pytest

from mailer.core.services import Services
from sending import dkim_keys, domain_checks, domains
from sending.dkim_keys import DomainKey
from sending.domain_dns import key_name
from sending.domains import Domain, Gate, NewDomain
from tests.dns_server import Zone
from tests.make import Account, Make

_numbers = itertools.count(1)


@dataclass
class Place:
    """An account with one domain; mail is meant for a real SMTP server."""

    services: Services
    zone: Zone
    account: Account
    name: str
    id: int

    async def keys(self) -> list[DomainKey]:
        async with self.services.db.account(self.account.id) as tx:
            return await dkim_keys.of(tx, self.id)

    async def key(self, state: str, algorithm: str = "rsa-sha256") -> DomainKey:
        return next(key for key in await self.keys() if (key.state, key.algorithm) == (state, algorithm))

    async def look(self) -> Domain:
        return await domain_checks.check(self.services, self.account.id, self.id)

    async def gate(self) -> Gate:
        async with self.services.db.account(self.account.id) as tx:
            return await domains.gate(tx, self.services, self.name)

    async def publish(self, state: str = "pending") -> None:
        """The records of the keys in this state, and DMARC."""
        for key in await self.keys():
            if key.state == state:
                self.zone.text(key_name(self.name, key.selector), key.record)
        self.zone.text(f"_dmarc.{self.name}", f"v=DMARC1; p=none; rua=mailto:d@{self.name}")

    async def verified(self) -> Domain:
        await self.publish()
        return await self.look()

    async def finding(self, kind: str) -> dict[str, object]:
        async with self.services.db.account(self.account.id) as tx:
            domain = await domains.show(tx, self.id)
        return next(dict(one) for one in domain.findings if one["kind"] == kind)


def real(services: Services) -> Services:
    """Handing mail to a server on the Internet, as far as the gate can tell."""
    settings = services.settings.model_copy(update={"smtp_url": "smtp://mx.relay.test:25", "inbox": ""})
    return replace(services, settings=settings)


async def make_place(services: Services, zone: Zone, make: Make, name: str = "") -> Place:
    account = await make.account()
    name = name or f"pain{next(_numbers)}{secrets.token_hex(3)}.test"
    held = real(services)
    async with held.db.account(account.id) as tx:
        made = await domains.create(tx, held, NewDomain(name=name))
    return Place(held, zone, account, name, made.id)


@pytest.fixture
async def place(services: Services, zone: Zone, make: Make) -> Place:
    zone.failing = False
    return await make_place(services, zone, make)
