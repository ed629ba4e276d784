"""When a campaign stops by itself (D-80): bounces, complaints, a provider that refuses everything.

The outcomes are counted in the statement that records them (claims). A person who resumes begins a new count:
what stopped the campaign once does not stop it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailer.accounts import audit
from mailer.core import work
from mailer.core.db import AccountTx
from mailer.core.errors import NotFound
from sending import lanes

FIRST = 500
HARD_FIRST, HARD_AFTER = 0.05, 0.02
COMPLAINTS_WARN, COMPLAINTS_PAUSE = 0.001, 0.003
# one person who complains among a handful is no rate
COMPLAINTS_LEAST = 2
UNSUBSCRIBES_WARN, UNSUBSCRIBES_LEAST = 0.02, 5
REFUSED_IN_A_ROW = 20
Cause = Literal["auth", "policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Since the campaign began or was resumed."""

    delivered: int
    hard: int
    sent: int
    complaints: int
    unsubscribed: int = 0

    @property
    def bounces_pause(self) -> bool:
        if self.sent <= FIRST:
            return self.hard > HARD_FIRST * FIRST
        return self.hard > HARD_AFTER * self.sent

    @property
    def complaints_pause(self) -> bool:
        return self.complaints >= max(COMPLAINTS_LEAST, COMPLAINTS_PAUSE * self.delivered)

    @property
    def complaints_warn(self) -> bool:
        return self.complaints > 0 and self.complaints >= COMPLAINTS_WARN * self.delivered

    @property
    def unsubscribes_warn(self) -> bool:
        return (
            self.unsubscribed >= UNSUBSCRIBES_LEAST and self.unsubscribed > UNSUBSCRIBES_WARN * self.delivered
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A provider whose mails of this campaign wait; `waiting` of them."""

    profile: str
    cause: str
    refused: int
    reply: str
    at: datetime
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusing:
    profile: str
    refused: int


async def figures(tx: AccountTx, campaign_id: int) -> Figures:
    """Raises NotFound."""
    return await tx.one(
        Figures,
        """
        SELECT coalesce(sum(e.delivered), 0)::int AS delivered, coalesce(sum(e.hard), 0)::int AS hard,
               coalesce(sum(e.delivered + e.hard + e.other), 0)::int AS sent,
               (SELECT count(DISTINCT v.contact_id)::int FROM events v
                WHERE v.account_id = $1 AND v.campaign_id = $2 AND v.kind = 'complaint'
                  AND v.at > c.judged_from) AS complaints,
               (SELECT count(DISTINCT v.contact_id)::int FROM events v
                WHERE v.account_id = $1 AND v.campaign_id = $2 AND v.kind = 'unsubscribe'
                  AND v.at > c.judged_from) AS unsubscribed
        FROM campaigns c
        LEFT JOIN evidence e ON e.account_id = c.account_id AND e.campaign_id = c.id
        WHERE c.account_id = $1 AND c.id = $2
        GROUP BY c.judged_from
        """,
        campaign_id,
    )


async def judge(tx: AccountTx, campaign_id: int) -> str:
    """Pauses the campaign when its figures are past a limit. Returns the reason, or ""."""
    found = await figures(tx, campaign_id)
    reason = "bounces" if found.bounces_pause else "complaints" if found.complaints_pause else ""
    if not reason:
        return ""
    shown = {
        "hard": found.hard,
        "sent": found.sent,
        "complaints": found.complaints,
        "delivered": found.delivered,
    }
    return reason if await pause(tx, campaign_id, reason, shown) else ""


async def pause(tx: AccountTx, campaign_id: int, reason: str, shown: Mapping[str, object]) -> bool:
    """With the figures that people will see. False when it does not run any more."""
    paused = await tx.run(
        """
        UPDATE campaigns
        SET status = 'paused', pause_reason = $3, pause_figures = $4, updated_at = now(),
            -- what the account may pass by itself is counted (resumptions.py)
            limit_pauses = limit_pauses + ($3 IN ('bounces', 'complaints'))::int
        WHERE account_id = $1 AND id = $2 AND status = 'sending'
        """,
        campaign_id,
        reason,
        dict(shown),
    )
    if paused:
        await audit.write(tx, "paused", "campaign", campaign_id)
    return bool(paused)


async def pause_refused(tx: AccountTx, campaign_id: int) -> None:
    """Only stopped providers' mails are left: it waits for a person, and says for whom."""
    found = await stops(tx, campaign_id)
    shown = {"providers": [one.profile for one in found], "waiting": sum(one.waiting for one in found)}
    await pause(tx, campaign_id, "refused", shown)


async def begin_again(tx: AccountTx, campaign_id: int) -> None:
    """A person resumes: what counted until now counts no more, and stopped providers are tried again."""
    await tx.run("DELETE FROM evidence WHERE account_id = $1 AND campaign_id = $2", campaign_id)
    await tx.run("DELETE FROM provider_stops WHERE account_id = $1 AND campaign_id = $2", campaign_id)
    await tx.run(
        """
        UPDATE campaigns SET judged_from = now(), pause_figures = '{}' WHERE account_id = $1 AND id = $2
        """,
        campaign_id,
    )


async def refusing(tx: AccountTx, campaign_id: int) -> list[str]:
    """Profiles that refused so many and took none, and are not stopped."""
    rows = await tx.many(
        _Refusing,
        """
        SELECT e.profile, sum(e.refused)::int AS refused
        FROM evidence e
        WHERE e.account_id = $1 AND e.campaign_id = $2
          AND NOT EXISTS (SELECT FROM provider_stops s
                          WHERE s.account_id = $1 AND s.campaign_id = $2 AND s.profile = e.profile)
        GROUP BY e.profile
        HAVING sum(e.delivered) = 0 AND sum(e.refused) >= $3
        """,
        campaign_id,
        REFUSED_IN_A_ROW,
    )
    return [row.profile for row in rows]


async def stop(
    tx: AccountTx, campaign_id: int, profile: str, *, cause: Cause, refused: int, reply: str
) -> bool:
    """This provider's mails wait from now on; the others go on. False when they did already."""
    stopped = await tx.run(
        """
        INSERT INTO provider_stops (account_id, campaign_id, profile, cause, refused, reply)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING
        """,
        campaign_id,
        profile,
        cause,
        refused,
        reply,
    )
    if stopped:
        await audit.write(tx, "stopped", "campaign", campaign_id, count=refused)
    return bool(stopped)


async def stops(tx: AccountTx, campaign_id: int) -> list[Stop]:
    """With what waits behind each."""
    return await tx.many(
        Stop,
        """
        SELECT s.profile, s.cause, s.refused, s.reply, s.at,
               (SELECT count(*)::int FROM deliveries d
                WHERE d.account_id = $1 AND d.campaign_id = $2 AND d.month = c.month AND d.status = 'queued'
                  AND d.profile = s.profile) AS waiting
        FROM provider_stops s
        JOIN campaigns c ON c.account_id = s.account_id AND c.id = s.campaign_id
        WHERE s.account_id = $1 AND s.campaign_id = $2
        ORDER BY s.at, s.profile
        """,
        campaign_id,
    )


async def try_again(tx: AccountTx, campaign_id: int, profile: str) -> None:
    """A person lets a stopped provider's mails go. Raises NotFound when it is not stopped."""
    lifted = await tx.run(
        "DELETE FROM provider_stops WHERE account_id = $1 AND campaign_id = $2 AND profile = $3",
        campaign_id,
        profile,
    )
    if not lifted:
        raise NotFound
    await tx.run(
        "UPDATE evidence SET refused = 0 WHERE account_id = $1 AND campaign_id = $2 AND profile = $3",
        campaign_id,
        profile,
    )
    await work.add(tx, lanes.JOB, campaign_id)
    await audit.write(tx, "resumed", "campaign", campaign_id)
