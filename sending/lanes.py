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
    "content": N_("The content can no longer be compiled. Correct it, then resume."),
    "content_gone": N_("The content was erased six days after it was frozen. Duplicate the campaign."),
    "no_recipients": N_("Nobody is left to send to: everybody on the lists is unsubscribed or excluded."),
    "sender": N_("The sender is no longer confirmed. Choose another one, then resume."),
    "domain": N_("The domain of the sender is not verified in the DNS. See its page, then resume."),
    "refused": N_(
        "Microsoft refuses this domain (5.7.515): SPF, DKIM or DMARC fail there. See its page, then resume."
    ),
    "identity": N_("The name or address of your organisation is missing. Give it, then resume."),
    "account": N_("The account is suspended or closed."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a lane must know before each group. `month` None: not prepared yet."""

    status: str
    account_status: str
    month: date | None
    next_at: datetime | None = None

    @property
    def runs(self) -> bool:
        """May mail leave now?"""
        return self.status == "sending" and self.account_status == "active"


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
        SELECT c.status, a.status AS account_status, c.month,
               (SELECT min(d.next_at) FROM deliveries d
                WHERE d.account_id = c.account_id AND d.campaign_id = c.id AND d.month = c.month
                  AND d.status = 'queued') AS next_at
        FROM campaigns c
        JOIN accounts a ON a.id = c.account_id
        WHERE c.account_id = $1 AND c.id = $2
        """,
        campaign_id,
    )
