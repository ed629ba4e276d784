"""What is noted of a report beside its effects, once: soft bounces add up, and all is counted by day.

For reports by mail and webhooks alike; replies while sending have smtp_bounces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.core.db import AccountTx
from sending import feedback_counts, soft_bounces
from sending.feedback import Finding, Kind, Reason
from sending.feedback_counts import Source, Told
from sending.soft_bounces import SoftBounce


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """`key`: 16 octets, the same whenever this report comes again. `contact_id` 0: nobody is known by it.

    `campaign_id` 0: a transactional message, or a mail that is not known.
    """

    key: bytes
    finding: Finding
    at: datetime
    contact_id: int = 0
    campaign_id: int = 0
    profile: str = "default"


async def unseen(tx: AccountTx, keys: Sequence[bytes]) -> set[bytes]:
    """Those of reports that were not noted yet."""
    rows = await tx.rows(
        """
        SELECT k FROM unnest($2::bytea[]) AS k
        WHERE NOT EXISTS (SELECT FROM feedback_seen WHERE account_id = $1 AND key = k)
        """,
        list(keys),
    )
    return {key for (key,) in rows}


async def note(tx: AccountTx, noted: Sequence[Noted], source: Source) -> None:
    """After their effects, in one transaction: what was noted before is left out, so that it counts once."""
    if not noted:
        return
    rows = await tx.rows(
        """
        INSERT INTO feedback_seen (account_id, key)
        SELECT DISTINCT $1::bigint, k FROM unnest($2::bytea[]) AS k
        ORDER BY k
        ON CONFLICT (account_id, key) DO NOTHING
        RETURNING key
        """,
        [one.key for one in noted],
    )
    new = {key for (key,) in rows}
    fresh = list({one.key: one for one in noted if one.key in new}.values())
    soft = [one for one in fresh if one.finding.kind is Kind.SOFT and one.contact_id]
    for campaign_id in sorted({one.campaign_id for one in soft}):
        await soft_bounces.add(
            tx,
            [
                SoftBounce(contact_id=one.contact_id, reason=one.finding.reason, at=one.at)
                for one in soft
                if one.campaign_id == campaign_id
            ],
            campaign_id=campaign_id or None,
        )
    told = [
        Told(kind=one.finding.kind, reason=one.finding.reason, profile=one.profile, at=one.at)
        for one in fresh
    ]
    await feedback_counts.add(tx, told, source)


def acts(finding: Finding) -> bool:
    """False of what only says that a mail arrived: that is no event to remember, thousands come a minute."""
    return finding.reason is not Reason.DELIVERED
