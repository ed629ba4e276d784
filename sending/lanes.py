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
    "sender": N_("The sender is no longer confirmed. Choose another one, or confirm it again."),
    "identity": N_("The name or address of your organisation is missing. Give it, then resume."),
    "account": N_("The account is suspended or closed."),
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
