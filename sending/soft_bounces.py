"""When an address that fails for a while is given up: a score that forgets (D-33).

    soft bounce ─▶ a row a contact and day ─▶ weight ½ after 60 days ─▶ enough of them: suppressed as bounced
    a delivery that a provider reports, an act of the person ─▶ what is older counts no more

A relay's "accepted" clears nothing: it says that the relay has the mail, not that the mailbox does (S16).
The figures are in lists/bounce_standing.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lists import suppressions
from lists.bounce_standing import DAYS, HALF_LIFE, SCORE, SPAN
from lists.suppressions import Stop
from mailer.core import clock
from mailer.core.db import AccountTx
from sending.feedback import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftBounce:
    """`at`: when the server said so, not when we read it."""

    contact_id: int
    reason: Reason
    at: datetime


async def add(tx: AccountTx, bounced: Sequence[SoftBounce], *, campaign_id: int | None = None) -> list[int]:
    """Counts them, and gives up whoever is past the limit. Returns the contacts that were given up.

    One that the person has outlived by an act of their own is not counted.
    """
    await tx.run(
        """
        INSERT INTO soft_bounces (account_id, contact_id, day, address_hash, reason, at)
        SELECT DISTINCT ON (b.contact_id, (b.at AT TIME ZONE 'UTC')::date)
               $1::bigint, b.contact_id, (b.at AT TIME ZONE 'UTC')::date, c.address_hash, b.reason, b.at
        FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) AS b (contact_id, reason, at)
        JOIN contacts c ON c.account_id = $1 AND c.id = b.contact_id
        WHERE c.last_act_at IS NULL OR c.last_act_at < b.at
        ORDER BY b.contact_id, (b.at AT TIME ZONE 'UTC')::date, b.at
        ON CONFLICT (account_id, contact_id, day) DO UPDATE
        SET address_hash = excluded.address_hash, reason = excluded.reason, at = excluded.at
        WHERE soft_bounces.address_hash <> excluded.address_hash
        """,
        [one.contact_id for one in bounced],
        [one.reason.value for one in bounced],
        [one.at for one in bounced],
    )
    return await _give_up(tx, sorted({one.contact_id for one in bounced}), campaign_id)


async def _give_up(tx: AccountTx, contact_ids: Sequence[int], campaign_id: int | None) -> list[int]:
    over = await tx.rows(
        """
        SELECT b.contact_id, c.address_hash
        FROM soft_bounces b
        JOIN contacts c ON c.account_id = $1 AND c.id = b.contact_id AND c.address_hash = b.address_hash
        WHERE b.account_id = $1 AND b.contact_id = ANY ($2::bigint[])
          AND (c.last_act_at IS NULL OR b.at > c.last_act_at)
        GROUP BY b.contact_id, c.address_hash
        HAVING count(*) >= $3 AND max(b.at) - min(b.at) >= $4
           AND sum(power(0.5, extract(epoch FROM $5::timestamptz - b.at) / extract(epoch FROM $6::interval)))
               >= $7::float8
        ORDER BY b.contact_id
        """,
        list(contact_ids),
        DAYS,
        SPAN,
        clock.now(),
        HALF_LIFE,
        SCORE,
    )
    if over:
        stop = Stop(reason=suppressions.Reason.BOUNCED, campaign_id=campaign_id)
        await suppressions.add_many(tx, [address_hash for _, address_hash in over], stop)
    return [contact_id for contact_id, _ in over]


async def clear(tx: AccountTx, delivered: Sequence[tuple[int, datetime]]) -> None:
    """Of each contact what is older than this delivery, which the mailbox's own server has taken."""
    await tx.run(
        """
        DELETE FROM soft_bounces b
        USING unnest($2::bigint[], $3::timestamptz[]) AS d (contact_id, at)
        WHERE b.account_id = $1 AND b.contact_id = d.contact_id AND b.at < d.at
        """,
        [contact_id for contact_id, _ in delivered],
        [at for _, at in delivered],
    )
