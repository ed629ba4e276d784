"""Lanes: a campaign is sent by several workers at once, each with its own row of work and claims (S3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from mailer.core import work
from mailer.core.db import AccountTx
from mailer.core.text import N_

JOB = "sending.send"

# what the engine itself writes into campaigns.pause_reason → what people read
PAUSE_REASONS: Mapping[str, str] = {
    "content": N_("The content can no longer be compiled. Correct it."),
    "content_gone": N_("The content was erased six days after it was frozen."),
    "no_recipients": N_("Nobody is left to send to: everybody on the lists is unsubscribed or excluded."),
    "segment": N_(
        "A segment of this campaign speaks of something that was deleted. Correct the segment, then resume."
    ),
    "sender": N_("The sender is no longer confirmed. Choose another one, or confirm it again."),
    "domain": N_("The domain of the sender is not verified in the DNS. See its page, then resume."),
    "unauthenticated": N_(
        "Microsoft refuses this domain (5.7.515): SPF, DKIM or DMARC fail there. See its page, then resume."
    ),
    "identity": N_("The name or address of your organisation is missing. Give it, then resume."),
    "account": N_("The account is suspended or closed."),
    "bounces": N_("Too many addresses do not exist. Check where the list comes from, then resume."),
    "complaints": N_("Too many people report this campaign as spam. Find out why, then resume."),
    "refused": N_("The remaining providers refuse this campaign. Correct the cause, then resume."),
    "restored": N_(
        "Sending is held: the database was put back to an earlier state. The operator looks at it."
    ),
    "restored_begun": N_(
        "The database was put back to an earlier state while this campaign was under way. Who got it after"
        " that state is not known any more: resuming sends it to them a second time, cancelling leaves the"
        " others without."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a lane must know before each group. `month` None: not prepared yet."""

    status: str
    account_status: str
    month: date | None

    @property
    def runs(self) -> bool:
        """May mail leave now?"""
        return self.status == "sending" and self.account_status == "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits for one profile. `stopped`: the provider refuses, and a person has to look (D-80)."""

    profile: str
    next_at: datetime
    due: bool
    stopped: bool


async def start(tx: AccountTx, campaign_id: int, n: int) -> None:
    """`n` lanes, in the transaction that sets the campaign to "sending"."""
    for lane in range(max(1, n)):
        await work.add(tx, JOB, campaign_id, lane=lane)


async def pause(tx: AccountTx, campaign_id: int, reason: str) -> None:
    """By the engine itself, with a key of PAUSE_REASONS."""
    await tx.run(
        """
        UPDATE campaigns
        SET status = 'paused', pause_reason = $3, updated_at = now()
        WHERE account_id = $1 AND id = $2 AND status IN ('scheduled', 'preparing', 'sending')
        """,
        campaign_id,
        reason,
    )


async def state(tx: AccountTx, campaign_id: int) -> State | None:
    """None when the campaign is gone."""
    return await tx.first(
        State,
        """
        SELECT c.status, a.status AS account_status, c.month
        FROM campaigns c
        JOIN accounts a ON a.id = c.account_id
        WHERE c.account_id = $1 AND c.id = $2
        """,
        campaign_id,
    )


async def queues(tx: AccountTx, campaign_id: int) -> list[Queue]:
    """What waits, by profile. Reads one row of the index a profile, whatever their number and names."""
    return await tx.many(
        Queue,
        """
        WITH RECURSIVE frozen AS MATERIALIZED (
            SELECT month FROM campaigns WHERE account_id = $1 AND id = $2
        ), waiting AS (
            (SELECT d.profile, d.next_at
             FROM deliveries d
             WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = (SELECT month FROM frozen)
               AND d.status = 'queued'
             ORDER BY d.profile, d.next_at
             LIMIT 1)
            UNION ALL
            SELECT n.profile, n.next_at
            FROM waiting w
            CROSS JOIN LATERAL (
                SELECT d.profile, d.next_at
                FROM deliveries d
                WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = (SELECT month FROM frozen)
                  AND d.status = 'queued' AND d.profile > w.profile
                ORDER BY d.profile, d.next_at
                LIMIT 1
            ) n
        )
        SELECT w.profile, w.next_at, w.next_at <= now() AS due,
               EXISTS (SELECT FROM provider_stops s
                       WHERE s.account_id = $1 AND s.campaign_id = $2 AND s.profile = w.profile) AS stopped
        FROM waiting w
        """,
        campaign_id,
    )
