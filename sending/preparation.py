"""From "scheduled" to "sending": the content is frozen, then a delivery for each recipient (S2, S4, S6).

Each step commits by itself and the next turn goes on where the last one came to.
"""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime

import structlog

from mailer.accounts import identity
from mailer.core import clock, jobs, planner, restores
from mailer.core.db import AccountTx
from mailer.core.errors import Invalid
from mailer.core.services import Services
from mailer.core.work import Task
from sending import (
    ab_runs,
    audience,
    campaign_segments,
    consent_requests,
    domains,
    lanes,
    local_times,
    mx,
    revisions,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Campaign:
    status: str
    account_status: str
    sender_status: str
    sender_domain: str
    scheduled_at: datetime | None
    month: date | None
    audience_cursor: int
    audience: int
    revision_id: int | None


async def prepare(services: Services, task: Task) -> datetime | None:
    """The job "sending.prepare": `ref_id` is the campaign."""
    async with services.db.account(task.account_id) as tx:
        campaign = await _find(tx, task.ref_id)
    if campaign is None or campaign.status not in ("scheduled", "preparing"):
        return None
    if campaign.status == "scheduled" and campaign.scheduled_at and campaign.scheduled_at > clock.now():
        return campaign.scheduled_at
    if not await restores.may_send(services):
        return jobs.in_(seconds=restores.IDLE_SECONDS)
    month = campaign.month or clock.now().date().replace(day=1)
    async with services.db.shared() as shared:
        await shared.run("CALL make_month($1)", month)
    if not await _begin(services, task, month):
        return None
    if not campaign.audience_cursor:
        async with services.db.account(task.account_id) as tx:
            await planner.meet(tx)
    ends = asyncio.get_running_loop().time() + jobs.TURN_SECONDS * 0.8
    while asyncio.get_running_loop().time() < ends:
        if await _chunk(services, task):
            return None
    return jobs.again()


async def _find(tx: AccountTx, campaign_id: int) -> _Campaign | None:
    """Locked, so that cancelling waits for the chunk and then sees all its rows."""
    return await tx.first(
        _Campaign,
        """
        SELECT c.status, a.status AS account_status, coalesce(s.status, '') AS sender_status,
               coalesce(substring(s.address_key FROM '[^@]*$'), '') AS sender_domain,
               c.scheduled_at, c.month, c.audience_cursor, c.audience, c.revision_id
        FROM campaigns c
        JOIN accounts a ON a.id = c.account_id
        LEFT JOIN senders s ON s.account_id = c.account_id AND s.id = c.sender_id
        WHERE c.account_id = $1 AND c.id = $2
        FOR NO KEY UPDATE OF c
        """,
        campaign_id,
    )


async def _begin(services: Services, task: Task, month: date) -> bool:
    """Freezes the content once. False when something stands in the way: then the campaign is paused."""
    async with services.db.account(task.account_id) as tx:
        campaign = await _find(tx, task.ref_id)
        if campaign is None or campaign.status not in ("scheduled", "preparing"):
            return False
        obstacle = await _obstacle(tx, services, campaign)
        if not obstacle and (campaign.status == "scheduled" or campaign.revision_id is None):
            try:
                async with tx.savepoint():
                    await revisions.compile(tx, services, task.ref_id)
            except Invalid:
                obstacle = "content"
        if obstacle:
            await lanes.pause(tx, task.ref_id, obstacle)
            log.warning("campaign paused", campaign=task.ref_id, reason=obstacle)
            return False
        await tx.run(
            """
            UPDATE campaigns
            SET status = 'preparing', month = $3, updated_at = now(),
                audience_cursor = CASE status WHEN 'scheduled' THEN 0 ELSE audience_cursor END,
                audience = CASE status WHEN 'scheduled' THEN 0 ELSE audience END
            WHERE account_id = $1 AND id = $2
            """,
            task.ref_id,
            month,
        )
    return True


async def obstacle(tx: AccountTx, services: Services, campaign_id: int) -> str:
    """What stands in the way of a campaign that is not prepared: a key of lanes.PAUSE_REASONS, or ""."""
    campaign = await _find(tx, campaign_id)
    return "content" if campaign is None else await _obstacle(tx, services, campaign)


async def _obstacle(tx: AccountTx, services: Services, campaign: _Campaign) -> str:
    """A key of lanes.PAUSE_REASONS, or ""."""
    if campaign.account_status != "active":
        return "account"
    if campaign.sender_status != "confirmed":
        return "sender"
    if not (await domains.gate(tx, services, campaign.sender_domain)).open:
        return "domain"
    return "" if (await identity.of(tx)).complete else "identity"


async def _look_up(services: Services, task: Task) -> None:
    """The profiles of the next contacts' domains; no transaction is open while DNS is asked (S16)."""
    async with services.db.account(task.account_id) as tx:
        campaign = await _find(tx, task.ref_id)
        if campaign is None or campaign.status != "preparing":
            return
        domains = await audience.domains_ahead(tx, after=campaign.audience_cursor)
        unknown = await mx.unknown(tx.shared(), domains)
    if not unknown:
        return
    found = await mx.exchanges().profiles(unknown)
    async with services.db.shared() as shared:
        await mx.keep(shared, found)


async def _chunk(services: Services, task: Task) -> bool:
    """Some thousands of deliveries, with the place where it came to. True at the end."""
    await _look_up(services, task)
    async with services.db.account(task.account_id) as tx:
        campaign = await _find(tx, task.ref_id)
        if campaign is None or campaign.status != "preparing" or campaign.month is None:
            return True
        try:
            last = await audience.freeze_chunk(
                tx, task.ref_id, month=campaign.month, after=campaign.audience_cursor
            )
        except campaign_segments.Broken:
            await lanes.pause(tx, task.ref_id, "segment")
            return True
        if last is not None:
            span = {"after": campaign.audience_cursor, "last": last}
            await local_times.spread(tx, task.ref_id, **span)
            await ab_runs.draw(tx, task.ref_id, month=campaign.month, **span)
            return False
        if not campaign.audience:
            await lanes.pause(tx, task.ref_id, "no_recipients")
            return True
        await tx.shared().run("CALL analyze_month($1)", campaign.month)
        await tx.run(
            """
            UPDATE campaigns
            SET status = 'sending', prepared_at = now(), started_at = coalesce(started_at, now()),
                updated_at = now()
            WHERE account_id = $1 AND id = $2
            """,
            task.ref_id,
        )
        await consent_requests.follow(tx, task.ref_id)
        await lanes.start(tx, task.ref_id, services.settings.worker_processes)
        await ab_runs.begin(tx, task.ref_id)
    log.info("campaign prepared", campaign=task.ref_id, audience=campaign.audience)
    return True
