"""Mails to postmaster, abuse and the like: handed to the account that something in them names, or kept.

Complaints of mailbox providers come here, since their address is registered once for a whole installation.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog

from mailer.core import jobs
from mailer.core.db import SharedTx, is_away
from mailer.core.errors import NotFound, TooMany, Unavailable
from mailer.core.rate import Limit, Rates
from mailer.core.sealing import Unsealable
from mailer.core.services import Services
from mailer.core.tokens import ReturnToken
from mailer.core.work import Task
from sending import inbound, inbound_reading

log = structlog.get_logger()
PAGE = 50
OF_ONE_PERSON = Limit("handed-on", 30, 3_600)
"""Who has a mail of ours can name its token: so many are handed to the account, the others wait here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    id: int
    received_at: datetime
    size: int
    state: str
    content: bytes


async def read(services: Services, _: Task) -> datetime | None:
    """The job "sending.read_strays", of the platform."""
    rates = Rates(services.settings.redis_url)
    try:
        return await _read(services, rates)
    finally:
        await rates.close()


async def _read(services: Services, rates: Rates) -> datetime | None:
    ends = asyncio.get_running_loop().time() + jobs.TURN_SECONDS
    while asyncio.get_running_loop().time() < ends:
        async with services.db.shared() as tx:
            row = await tx.first(
                Stray,
                """
                SELECT id, received_at, size, state, content
                FROM stray_mails
                WHERE state = 'new'
                ORDER BY id
                LIMIT 1
                """,
            )
        if row is None:
            return None
        await _read_one(services, rates, row)
    return jobs.again()


async def _read_one(services: Services, rates: Rates, row: Stray) -> None:
    try:
        plain = services.sealer.open(row.content, inbound.SEAL_STRAY)
        envelope = inbound.load(plain)
        token = await asyncio.to_thread(inbound_reading.tokens_inside, services, envelope.raw)
        if token is not None and not await _may_pass(rates, token):
            token = None
        async with services.db.shared() as tx:
            if not await _ours(tx, row.id):
                return
            if token is None or not await _handed_on(tx, services, token, envelope, row):
                await tx.run("UPDATE stray_mails SET state = 'open' WHERE id = $1", row.id)
    except Exception as error:
        if isinstance(error, Unavailable) or is_away(error):
            raise
        log.exception("stray mail not read", mail=row.id)
        async with services.db.shared() as tx:
            await tx.run("UPDATE stray_mails SET state = 'open' WHERE id = $1 AND state = 'new'", row.id)


async def _may_pass(rates: Rates, token: ReturnToken) -> bool:
    whose = f"{token.account_id}:{'c' if token.campaign_id else 'm'}{token.ref_id}"
    try:
        await rates.take(OF_ONE_PERSON, whose)
    except TooMany:
        return False
    return True


async def _ours(tx: SharedTx, mail_id: int) -> bool:
    found = await tx.value("SELECT id FROM stray_mails WHERE id = $1 AND state = 'new' FOR UPDATE", mail_id)
    return found is not None


async def _handed_on(
    tx: SharedTx, services: Services, token: ReturnToken, envelope: inbound.Envelope, row: Stray
) -> bool:
    if not await inbound.store_known(tx, services.sealer, token.account_id, envelope, size=row.size):
        return False
    await tx.run("DELETE FROM stray_mails WHERE id = $1", row.id)
    return True


# ---------------------------------------------------------------- the operator's page


async def many(tx: SharedTx, *, before: int | None = None, limit: int = PAGE) -> list[Stray]:
    """What waits for the operator, the newest first."""
    return await tx.many(
        Stray,
        """
        SELECT id, received_at, size, state, content
        FROM stray_mails
        WHERE state = 'open' AND ($1::bigint IS NULL OR id < $1)
        ORDER BY id DESC
        LIMIT $2
        """,
        before,
        limit,
    )


async def show(tx: SharedTx, mail_id: int) -> Stray:
    """Raises NotFound."""
    return await tx.one(
        Stray,
        """
        SELECT id, received_at, size, state, content
        FROM stray_mails
        WHERE id = $1 AND state <> 'new'
        """,
        mail_id,
    )


async def handle(tx: SharedTx, mail_id: int) -> None:
    """Dealt with: it goes at once. Raises NotFound."""
    if not await tx.run("DELETE FROM stray_mails WHERE id = $1 AND state = 'open'", mail_id):
        raise NotFound


def opened(services: Services, row: Stray) -> inbound.Envelope | None:
    """None: the operator's key is another one now."""
    try:
        return inbound.load(services.sealer.open(row.content, inbound.SEAL_STRAY))
    except Unsealable:
        return None
