"""Pauses that providers asked for, kept for a Valkey that is flushed and for the page (D-71, D-73)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from mailer.core import clock
from mailer.core.db import SharedTx, is_away
from mailer.core.errors import Unavailable
from mailer.core.services import Services
from sending import pace

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    profile: str
    until: datetime
    reply: str


async def running(tx: SharedTx, server: str) -> list[Pause]:
    """Those of a server that are not over."""
    return await tx.many(
        Pause,
        """
        SELECT profile, until, reply
        FROM provider_pauses
        WHERE server = $1 AND until > $2
        ORDER BY until, profile
        """,
        server,
        clock.now(),
    )


async def keep(services: Services, server: str, profile: str, until: datetime, reply: str) -> None:
    """Without it a flushed Valkey forgets the pause: worth a warning, never a lost outcome."""
    try:
        async with services.db.shared() as tx:
            await tx.run(
                """
                INSERT INTO provider_pauses AS p (server, profile, until, reply)
                VALUES ($1, $2, $3, $4)
                ON CONFLICT (server, profile) DO UPDATE
                SET until = greatest(p.until, excluded.until), reply = excluded.reply
                """,
                server,
                profile,
                until,
                reply,
            )
    except Exception as error:
        if not (isinstance(error, Unavailable) or is_away(error)):
            raise
        log.warning("pause not kept", profile=profile)


async def remind(services: Services, server: str) -> Sequence[Pause]:
    """Tells a Valkey that was flushed what was asked for before."""
    async with services.db.shared() as tx:
        found = await running(tx, server)
    for one in found:
        left = (one.until - clock.now()).total_seconds()
        await pace.pause(services.redis, server, one.profile, left)
    return found
