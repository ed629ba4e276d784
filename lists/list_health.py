"""How a list does: who comes and goes by week, who is lost for good, who has not been heard of for long.

Of a large list as of some minutes ago. Figures of campaigns are those that the reports kept of each.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from mailer.core import kept_counts
from mailer.core.db import AccountTx
from mailer.core.kept_counts import Counted

SENDS = 10
SLOWLY = 20
"""These figures move by the week: they are told for so many times as long as others of as many rows."""
WEEKS = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class LostWeek:
    """People of the list whose address bounced for good, or who complained, in the week from `begins` on."""

    begins: date
    bounced: int
    complained: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Active subscribers by their last gesture, never an open (B-27). `new`: added less than a year ago."""

    active: int
    year: int
    never: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSend:
    """A campaign that went to the list, with the figures of all its recipients; None: not counted yet."""

    campaign_id: int
    name: str
    started_at: datetime
    lists: int
    delivered: int | None
    sent: int | None
    bounced_hard: int | None
    unsubscribed: int | None
    complained: int | None


async def lost(tx: AccountTx, list_id: int, people: int) -> list[LostWeek]:
    """By week, the oldest first; weeks begin on Monday, in UTC. `people`: about how many the list has."""

    async def count() -> Counted:
        weeks = await _lost(tx, list_id)
        return Counted(
            [[one.begins.isoformat(), one.bounced, one.complained] for one in weeks], people * SLOWLY
        )

    found = await kept_counts.of(tx, "losses of a list", list_id, count, most_seconds=600.0)
    return [
        LostWeek(begins=date.fromisoformat(begins), bounced=bounced, complained=complained)
        for begins, bounced, complained in found.value
    ]


async def _lost(tx: AccountTx, list_id: int) -> list[LostWeek]:
    return await tx.many(
        LostWeek,
        """
        -- from the refusals of these weeks to the people, not from all people of the list
        SELECT w.week::date AS begins, count(*) FILTER (WHERE u.reason = 'bounced')::int AS bounced,
               count(*) FILTER (WHERE u.reason = 'complained')::int AS complained
        FROM generate_series(date_trunc('week', now() AT TIME ZONE 'UTC') - make_interval(weeks => $3 - 1),
                             now() AT TIME ZONE 'UTC', interval '7 days') AS w (week)
        LEFT JOIN (
            SELECT u.reason, date_trunc('week', u.since AT TIME ZONE 'UTC') AS week
            FROM suppressions u
            JOIN contacts c ON c.account_id = $1 AND c.address_hash = u.address_hash
            JOIN subscriptions s ON s.account_id = $1 AND s.list_id = $2 AND s.contact_id = c.id
            WHERE u.account_id = $1 AND u.list_id IS NULL AND u.reason IN ('bounced', 'complained')
              AND u.since > now() - make_interval(weeks => $3)
        ) u ON u.week = w.week
        GROUP BY w.week
        ORDER BY w.week
        """,
        list_id,
        WEEKS,
    )


async def silent(tx: AccountTx, list_id: int, people: int) -> tuple[Silent, datetime | None]:
    """And when it was counted; None: just now."""

    async def count() -> Counted:
        return Counted(asdict(await _silent(tx, list_id)), people * SLOWLY)

    found = await kept_counts.of(tx, "silent of a list", list_id, count, most_seconds=600.0)
    return Silent(**found.value), found.at


async def _silent(tx: AccountTx, list_id: int) -> Silent:
    return await tx.one(
        Silent,
        """
        SELECT count(*)::int AS active,
               (count(*) FILTER (WHERE c.last_act_at <= now() - interval '12 months'))::int AS year,
               (count(*) FILTER (WHERE c.last_act_at IS NULL
                                   AND c.created_at <= now() - interval '12 months'))::int AS never,
               (count(*) FILTER (WHERE c.last_act_at IS NULL
                                   AND c.created_at > now() - interval '12 months'))::int AS new
        FROM subscriptions s
        JOIN contacts c ON c.account_id = $1 AND c.id = s.contact_id
        WHERE s.account_id = $1 AND s.list_id = $2 AND s.status = 'active'
        """,
        list_id,
    )


async def sends(tx: AccountTx, list_id: int) -> list[ListSend]:
    """The last ten, the newest first."""
    return await tx.many(
        ListSend,
        """
        SELECT c.id AS campaign_id, c.name, c.started_at,
               (SELECT count(*)::int FROM campaign_lists a
                WHERE a.account_id = $1 AND a.campaign_id = c.id AND a.use = 'include') AS lists,
               f.delivered, f.sent, f.bounced_hard, f.unsubscribed, f.complained
        FROM campaign_lists l
        JOIN campaigns c ON c.account_id = $1 AND c.id = l.campaign_id
        LEFT JOIN campaign_figures f ON f.account_id = $1 AND f.campaign_id = c.id
        WHERE l.account_id = $1 AND l.list_id = $2 AND l.use = 'include' AND c.status = 'sent'
          AND c.started_at IS NOT NULL AND c.details_erased_at IS NULL
        ORDER BY c.started_at DESC, c.id DESC
        LIMIT $3
        """,
        list_id,
        SENDS,
    )
