"""Opens and clicks over time, in hours or days of the account's zone, gaps filled with zero."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from mailer.core.db import AccountTx

HOURS = 72
DAYS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """`at` is the start of the hour or day. Machines are left out."""

    at: datetime
    opens: int
    clicks: int
    unsubscribed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    unit: Literal["hour", "day"]
    moments: list[Moment]

    @property
    def busiest(self) -> Moment | None:
        """The earliest of those with the most opens and clicks."""
        best = max(self.moments, key=lambda one: one.opens + one.clicks, default=None)
        return best if best and best.opens + best.clicks else None


async def over_time(tx: AccountTx, campaign_id: int, *, zone: str) -> Timeline:
    """Hours while everything lies within three days, days after that, 60 at most. `zone`: an IANA name.

    Opens and clicks are counted by the hour of UTC: in a zone that is half an hour off, so are its days.
    """
    span = await tx.rows(
        """
        SELECT least(n.first, e.first), greatest(n.last, e.last)
        FROM (SELECT min(hour) AS first, max(hour) AS last
              FROM event_hours
              WHERE account_id = $1 AND campaign_id = $2 AND hits > 0) n,
             (SELECT min(at) AS first, max(at) AS last
              FROM events
              WHERE account_id = $1 AND campaign_id = $2 AND kind = 'unsubscribe'
                AND at >= (SELECT (month - 31)::timestamptz
                           FROM campaigns WHERE account_id = $1 AND id = $2)) e
        """,
        campaign_id,
    )
    first, last = span[0]
    if first is None:
        return Timeline(unit="hour", moments=[])
    unit: Literal["hour", "day"] = "hour" if last - first < timedelta(hours=HOURS) else "day"
    found = await _moments(tx, campaign_id, unit, zone)
    return Timeline(unit=unit, moments=_filled(found, unit, ZoneInfo(zone)) if found else [])


async def _moments(tx: AccountTx, campaign_id: int, unit: str, zone: str) -> list[Moment]:
    return await tx.many(
        Moment,
        """
        SELECT date_trunc($3, at, $4) AS at, sum(opens)::int AS opens, sum(clicks)::int AS clicks,
               sum(unsubscribed)::int AS unsubscribed
        FROM (
            SELECT hour AS at, CASE kind WHEN 'open' THEN hits ELSE 0 END AS opens,
                   CASE kind WHEN 'click' THEN hits ELSE 0 END AS clicks, 0 AS unsubscribed
            FROM event_hours
            WHERE account_id = $1 AND campaign_id = $2 AND verdict <> 'machine'
            UNION ALL
            SELECT at, 0, 0, 1
            FROM events
            WHERE account_id = $1 AND campaign_id = $2 AND kind = 'unsubscribe'
              AND at >= (SELECT (month - 31)::timestamptz FROM campaigns WHERE account_id = $1 AND id = $2)
        ) counted
        GROUP BY 1
        ORDER BY 1
        LIMIT $5
        """,
        campaign_id,
        unit,
        zone,
        HOURS + 2 if unit == "hour" else DAYS,
    )


def _filled(found: list[Moment], unit: str, zone: ZoneInfo) -> list[Moment]:
    """A moment for each hour or day between the first and the last; a day is a day of the zone's calendar."""
    known = {one.at: one for one in found}
    moments: list[Moment] = []
    at = found[0].at
    while at <= found[-1].at and len(moments) < HOURS + DAYS:
        moments.append(known.get(at) or Moment(at=at, opens=0, clicks=0, unsubscribed=0))
        if unit == "hour":
            at += timedelta(hours=1)
        else:
            # midnight to midnight: 23 or 25 hours when the clocks change
            local = at.astimezone(zone)
            at = (local.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone).astimezone(at.tzinfo)
    return moments
