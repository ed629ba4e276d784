"""What a lane must know before its first claim: sender, speed, queues and what is allowed today."""

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.core.db import AccountTx
from sending import allowances, evidence, lanes
from sending.allowances import Allowance
from sending.claims import Turn
from sending.lanes import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    sender_id: int
    domain: str
    per_second: float
    queues: Sequence[Queue]
    allowance: Allowance | None


async def start(tx: AccountTx, turn: Turn) -> Start:
    """Also judges the campaign: complaints may have come since the last turn."""
    await evidence.judge(tx, turn.campaign_id)
    sender_id, email, per_second = (
        await tx.rows(
            """
            SELECT coalesce(s.id, 0), coalesce(s.address_key, ''), coalesce(s.per_second, 0)
            FROM campaigns c
            LEFT JOIN senders s ON s.account_id = c.account_id AND s.id = c.sender_id
            WHERE c.account_id = $1 AND c.id = $2
            """,
            turn.campaign_id,
        )
    )[0]
    domain = email.rpartition("@")[2]
    return Start(
        sender_id=sender_id,
        domain=domain,
        per_second=per_second,
        queues=await lanes.queues(tx, turn.campaign_id),
        allowance=await allowances.of(tx, domain),
    )
