"""A campaign that left through a provider, and the provider's side of its webhook."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lists import suppressions
from sending import feedback_hooks, servers, sns_certificates
from sending.feedback_hooks import NewHook
from sending.servers import NewServer
from tests.client import Answer, Client
from tests.delivery.conftest import People, Post, people, post, sink
from tests.providers import amazon
from tests.providers.amazon import Amazon

__all__ = ["people", "post", "sink"]


@dataclass
class Provider:
    """An account with a server of a provider, its webhook, and a client that calls it."""

    post: Post
    people: People
    client: Client
    server_id: int
    hook: feedback_hooks.FeedbackHook
    password: str
    path: str
    campaign: int = 0

    async def sent(self, *emails: str, tracked: bool = False) -> int:
        """A campaign that was handed over to these."""
        self.campaign = await self.post.campaign([await self.people(*emails)])
        await self.post.run()
        assert await self.post.status(self.campaign) == "sent"
        return self.campaign

    def header(self, name: str, email: str) -> str:
        """Of the mail as it left."""
        [mail] = [one for one in self.post.sink.accepted if one.recipient == email]
        return str(mail.message[name])

    async def call(self, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        return await self.client.ask("POST", self.path, data=body, headers=headers or {})

    async def stopped(self, email: str) -> str | None:
        """Why nothing goes to this address for the campaign's list."""
        async with self.post.tx() as tx:
            hashed = await suppressions.hash_of(tx, self.post.services.sealer, email)
            list_id = await tx.value(
                """
                SELECT list_id FROM campaign_lists WHERE account_id = $1 AND campaign_id = $2 LIMIT 1
                """,
                self.campaign,
            )
            return await suppressions.check(tx, hashed, list_id=list_id)

    async def counts(self) -> dict[tuple[str, str], int]:
        async with self.post.tx() as tx:
            rows = await tx.rows("SELECT kind, source, n FROM feedback_counts WHERE account_id = $1")
        found: dict[tuple[str, str], int] = {}
        for kind, source, n in rows:
            found[kind, source] = found.get((kind, source), 0) + n
        return found

    async def failing(self) -> list[str]:
        """Addresses that a failure stands against."""
        async with self.post.tx() as tx:
            rows = await tx.rows(
                """
                SELECT c.email FROM soft_bounces b JOIN contacts c ON c.account_id = $1 AND c.id = b.contact_id
                WHERE b.account_id = $1 ORDER BY c.email
                """
            )
        return [email for (email,) in rows]

    async def read(self) -> feedback_hooks.FeedbackHook:
        async with self.post.tx() as tx:
            return await feedback_hooks.show(tx, self.server_id)


async def provider(post: Post, people: People, client: Client, new: NewHook) -> Provider:
    async with post.tx() as tx:
        server = await servers.create(
            tx, post.services.sealer, NewServer(host="smtp.provider.test", tls="starttls")
        )
        made = await feedback_hooks.create(tx, post.services.sealer, server.id, new)
    path = feedback_hooks.address(post.services, post.account.id, server.id)
    path = path[path.index("/hooks/") :]
    return Provider(post, people, client, server.id, made.hook, made.password, path)


@pytest.fixture
async def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Amazon]:
    """Amazon's hosts lead to this process, and its authority is trusted."""
    loop = asyncio.get_running_loop()
    ask = loop.getaddrinfo
    async with amazon.serving(tmp_path) as (found, trusted):

        async def getaddrinfo(host: Any, port: Any, **more: Any) -> Any:
            if str(host).endswith(".amazonaws.com"):
                assert (host, port) == (amazon.HOST, 443)
                return await ask("127.0.0.1", found.port, **more)
            if host == amazon.TRUST_HOST:
                assert port == 80
                return await ask("127.0.0.1", found.open_port, **more)
            return await ask(host, port, **more)

        monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        sns_certificates._certificates.clear()
        yield found
        sns_certificates._certificates.clear()


@pytest.fixture
async def ses(post: Post, people: People, client: Client, aws: Amazon) -> Provider:
    return await provider(post, people, client, NewHook(provider="ses", topic=amazon.TOPIC))
