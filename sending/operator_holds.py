"""Campaigns that the engine stopped for bounces or complaints: an operator lets them go on, or not (ui 2.7).

The account may resume one itself the first time (resumptions.py); whoever is refused reads why in a mail.
"""

from dataclasses import dataclass
from datetime import datetime

from mailer.accounts import audit, operations
from mailer.core import paging
from mailer.core.actor import Actor
from mailer.core.db import AccountTx, SharedTx
from mailer.core.errors import NotFound
from mailer.core.services import Services
from sending import sends

SCANNED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """By number: a campaign's name is the account's own."""

    account_id: int
    id: int
    pause_reason: str
    audience: int
    since: datetime


async def many(tx: SharedTx, cursor: str = "") -> paging.Page[Held]:
    """Those of the next accounts; a page may be short, or empty with more behind. Raises Invalid."""
    after = paging.decode(cursor, (int,))
    rows = await tx.rows(
        "SELECT id FROM accounts WHERE id > $1 AND status <> 'closed' ORDER BY id LIMIT $2",
        after[0] if after else 0,
        SCANNED + 1,
    )
    numbers = [account_id for (account_id,) in rows]
    found = []
    for account_id in numbers[:SCANNED]:
        found += await _of(await tx.enter(account_id))
    return paging.Page(found, paging.encode(numbers[SCANNED - 1]) if len(numbers) > SCANNED else None)


async def _of(tx: AccountTx) -> list[Held]:
    return await tx.many(
        Held,
        """
        SELECT account_id, id, pause_reason, audience, updated_at AS since
        FROM campaigns
        WHERE account_id = $1 AND status = 'paused' AND pause_reason IN ('bounces', 'complaints', 'refused')
        ORDER BY id
        LIMIT 50
        """,
    )


async def decide(services: Services, account_id: int, campaign_id: int, reason: str, actor: Actor) -> None:
    """`reason` "": it goes on; else it is cancelled. Its owners are told. Raises NotFound, Conflict."""
    async with services.db.account(account_id, actor=actor) as tx:
        if campaign_id not in {one.id for one in await _of(tx)}:
            raise NotFound
        if reason:
            campaign = await sends.cancel(tx, campaign_id)
            await audit.write(tx, "refused", "campaign", campaign_id)
        else:
            campaign = await sends.resume(tx, services, campaign_id)
        link = f"{services.settings.public_url}/app/{account_id}/campaigns/{campaign_id}"
        await operations.tell(tx, campaign.name, reason, link)
