"""Readers of what this room writes for others: the mails of the outbox."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from mailer.core.services import Services
from tests.client import Client

Mails = Callable[[str], Awaitable[list[tuple[str, dict[str, Any]]]]]


@pytest.fixture
async def visitor(server: str) -> AsyncIterator[Client]:
    """A client at a loopback address of its own, so that counters per place do not meet other tests."""
    address = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}.{secrets.randbelow(250) + 2}"
    async with ClientSession(
        cookie_jar=DummyCookieJar(), connector=TCPConnector(local_addr=(address, 0))
    ) as session:
        yield Client(session, server)


@pytest.fixture
def mails(services: Services) -> Mails:
    """(kind, details) of the mails to an address, the oldest first."""

    async def to(address: str) -> list[tuple[str, dict[str, Any]]]:
        async with services.db.shared() as tx:
            rows = await tx.rows("SELECT kind, details FROM outbox WHERE recipient = $1 ORDER BY id", address)
        return [(kind, details) for kind, details in rows]

    return to
