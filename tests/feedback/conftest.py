"""A listener on loopback, an account whose mails have left, and whoever answers them."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mailer import worker
from mailer.core import jobs, work
from mailer.core.services import Services
from sending import inbound, inbound_server
from tests.browser.conftest import browser, visit
from tests.delivery.conftest import Post, sink, with_server
from tests.make import Make
from tests.running.processes import free_port
from tests.smtp_server import Received, Sink

__all__ = ["browser", "sink", "visit"]
# those of other tests wait in the same table
EVERY = 1_000_000


@dataclass
class Client:
    """SMTP by hand, one command at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def reply(self) -> str:
        lines = []
        async with asyncio.timeout(30):
            while True:
                line = (await self.reader.readline()).decode().rstrip("\r\n")
                lines.append(line)
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def say(self, line: str | bytes) -> str:
        octets = line.encode() if isinstance(line, str) else line
        self.writer.write(octets + b"\r\n")
        await self.writer.drain()
        return await self.reply()

    async def send(self, to: str, raw: bytes, mail_from: str = "") -> str:
        """The last reply: of the final dot, or of the command that was refused."""
        for line in (f"MAIL FROM:<{mail_from}>", f"RCPT TO:<{to}>", "DATA"):
            reply = await self.say(line)
            if reply[0] not in "23":
                await self.say("RSET")
                return reply
        assert raw.endswith(b"\r\n")
        return await self.say(re.sub(rb"(?:\A|(?<=\r\n))\.", b"..", raw) + b".")

    async def close(self) -> None:
        self.writer.close()


async def connected(port: int) -> Client:
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    assert (await client.reply()).startswith("220")
    assert (await client.say("EHLO mx.taken.test")).startswith("250")
    return client


@dataclass
class Desk:
    """What has left, and the port where answers come in."""

    post: Post
    port: int
    clients: list[Client] = field(default_factory=list)

    @property
    def services(self) -> Services:
        return self.post.services

    async def sent(self, *emails: str) -> tuple[int, dict[str, Received]]:
        """A campaign to these. Returns its id, and the mails by address."""
        async with self.post.tx() as tx:
            listed = await self.post.make.mailing_list(tx)
            for email in emails:
                await self.post.make.contact(tx, email, list_id=listed)
        campaign = await self.post.campaign([listed])
        await self.post.run()
        return campaign, {mail.recipient: mail for mail in self.post.sink.accepted}

    async def client(self) -> Client:
        self.clients.append(await connected(self.port))
        return self.clients[-1]

    async def arrives(self, to: str, raw: bytes, mail_from: str = "") -> str:
        return await (await self.client()).send(to, raw, mail_from)

    async def read(self) -> None:
        """The workers' part: what has come in is read."""
        for _ in range(3):
            for task in await work.due(self.services.db, EVERY):
                if task.job == inbound.READ_STRAYS or (
                    task.account_id == self.post.account.id and task.job == inbound.READ
                ):
                    await jobs.run_turn(self.services, worker.JOBS, task)

    async def mails(self) -> list[tuple[str, str, bool]]:
        """State, kind, and whether the content is there, of each mail in order."""
        async with self.post.tx() as tx:
            return await tx.rows(
                """
                SELECT state, kind, content IS NOT NULL FROM inbound_mails WHERE account_id = $1 ORDER BY id
                """
            )

    async def suppressions(self) -> list[tuple[str, str, int | None]]:
        """Address, reason, list."""
        async with self.post.tx() as tx:
            return await tx.rows(
                """
                SELECT c.email, s.reason, s.list_id
                FROM suppressions s
                JOIN contacts c ON c.account_id = $1 AND c.address_hash = s.address_hash
                WHERE s.account_id = $1
                ORDER BY c.email
                """
            )

    async def events(self, campaign: int) -> list[str]:
        async with self.post.tx() as tx:
            rows = await tx.rows(
                "SELECT kind FROM events WHERE account_id = $1 AND campaign_id = $2 ORDER BY kind", campaign
            )
        return [kind for (kind,) in rows]


@pytest.fixture
async def desk(services: Services, make: Make, sink: Sink, tmp_path: Path) -> AsyncIterator[Desk]:
    port = free_port()
    given = with_server(services, sink)
    settings = given.settings.model_copy(update={"inbound_listen": f"127.0.0.1:{port}"})
    opened = replace(given, settings=settings)
    async with inbound_server.listening(opened):
        found = Desk(Post(opened, make, await make.account(), sink), port)
        yield found
        for client in found.clients:
            await client.close()
