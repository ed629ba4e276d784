"""The local inbox's SMTP listener: takes every mail and keeps it. The only import of aiosmtpd.

Two kinds of address are refused, so that a demonstration shows refusals: a local part that begins with
`bounce` does not exist (550 5.1.1), one that begins with `full` is full for now (452 4.2.2).
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from mailer.core.db import Database, is_away, open_database
from mailer.core.errors import Unavailable
from mailer.core.settings import Settings
from sending import inbox

log = structlog.get_logger()
MAX_MESSAGE = 10_000_000


class _Handler:
    """aiosmtpd calls these by name."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def handle_RCPT(self, *call: Any) -> str:
        """(server, session, envelope, address, options)"""
        envelope: Envelope = call[2]
        address, options = str(call[3]), list(call[4])
        local = address.partition("@")[0].lower()
        if local.startswith("bounce"):
            return "550 5.1.1 No such mailbox here"
        if local.startswith("full"):
            return "452 4.2.2 The mailbox is full"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        content: Any = envelope.content
        try:
            async with self._db.shared() as tx:
                await inbox.store(
                    tx,
                    mail_from=envelope.mail_from or "",
                    recipients=envelope.rcpt_tos,
                    raw=content if isinstance(content, bytes) else str(content).encode(),
                )
        except Exception as error:
            if not (isinstance(error, Unavailable) or is_away(error)):
                raise
            log.warning("inbox has no database", error=type(error).__name__)
            return "451 4.3.0 Try again"
        return "250 2.0.0 Kept"


@asynccontextmanager
async def listening(settings: Settings, db: Database) -> AsyncIterator[int]:
    """The listener on settings.inbox; gives the port."""
    host, _, port = settings.inbox.rpartition(":")
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(
            _Handler(db),
            hostname=settings.mail_domain,
            ident="Mailer inbox",
            data_size_limit=MAX_MESSAGE,
            enable_SMTPUTF8=True,
            loop=loop,
        )

    server = await loop.create_server(session, host, int(port))
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def serve_inbox(settings: Settings) -> int:
    """Until SIGTERM or SIGINT. 1 when there is no inbox: mail goes to a real SMTP server."""
    if not settings.inbox:
        log.error("there is no local inbox: MAILER_SMTP_URL is set, or no `mailer run` is active")
        return 1
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_database(settings.database_url, size=4) as db:
        async with listening(settings, db):
            await stop.wait()
    return 0
